//! What the tests of the broker share: a broker in a temporary folder, rdkafka clients as anyone
//! would set them up, and a raw client for what rdkafka does not let one do.

#![allow(dead_code, unreachable_pub)]

pub mod consumer_protocol;
pub mod raw;
pub mod raw_producer;
pub mod transactional;

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer, StreamConsumer},
    message::BorrowedMessage,
    producer::{
        BaseRecord, DeliveryResult, FutureProducer, Producer, ProducerContext, ThreadedProducer,
    },
};
use tillstream_broker::{Broker, BrokerConfig};

/// Longer than anything here takes on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(60);

pub struct TestBroker {
    pub broker: Broker,
    pub dir: tempfile::TempDir,
}

impl TestBroker {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(configure: impl FnOnce(&mut BrokerConfig)) -> Self {
        Self::reopen(tempfile::tempdir().unwrap(), configure).await
    }

    pub async fn reopen(dir: tempfile::TempDir, configure: impl FnOnce(&mut BrokerConfig)) -> Self {
        let mut config = BrokerConfig::new(dir.path());
        configure(&mut config);
        Self { broker: Broker::start(config).await.unwrap(), dir }
    }

    pub async fn restart(self) -> Self {
        let dir = self.stop().await;
        Self::reopen(dir, |_| {}).await
    }

    pub async fn stop(self) -> tempfile::TempDir {
        self.broker.shutdown().await.unwrap();
        self.dir
    }

    pub fn client(&self) -> ClientConfig {
        client(self.broker.address())
    }

    pub async fn create_topic(&self, name: &str, partitions: i32) {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let created = self.admin().create_topics([&topic], &AdminOptions::new()).await.unwrap();
        created.into_iter().next().unwrap().unwrap();
    }

    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().unwrap()
    }

    pub fn future_producer(&self) -> FutureProducer {
        self.client().set("message.timeout.ms", "30000").create().unwrap()
    }

    /// A consumer of one partition from an offset on, in no group's way.
    pub fn reader(&self, topic: &str, partition: i32, offset: i64) -> BaseConsumer {
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", "reader")
            .set("enable.auto.commit", "false")
            .set("check.crcs", "true")
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, rdkafka::Offset::Offset(offset)).unwrap();
        consumer.assign(&list).unwrap();
        consumer
    }

    pub fn watermarks(&self, topic: &str, partition: i32) -> (i64, i64) {
        let consumer: BaseConsumer = self.client().set("group.id", "w").create().unwrap();
        consumer.fetch_watermarks(topic, partition, TIMEOUT).unwrap()
    }
}

pub fn client(address: SocketAddr) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", address.to_string())
        .set("reconnect.backoff.ms", "10")
        .set("reconnect.backoff.max.ms", "200")
        .set("socket.timeout.ms", "10000");
    config
}

/// Collects offset and value of what was acknowledged.
#[derive(Default)]
pub struct Acknowledged(pub std::sync::Mutex<Vec<(i64, Vec<u8>)>>);

impl rdkafka::ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Ok(message) = result {
            let value = message.payload().unwrap_or_default().to_vec();
            self.0.lock().unwrap().push((message.offset(), value));
        }
    }
}

/// An idempotent lz4 producer, as Tillstream's own.
pub fn idempotent(address: SocketAddr) -> ThreadedProducer<Acknowledged> {
    client(address)
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .create_with_context(Acknowledged::default())
        .unwrap()
}

/// Sends, waiting while the queue is full.
pub fn send(producer: &ThreadedProducer<Acknowledged>, topic: &str, key: &str, value: &str) {
    let mut record = BaseRecord::to(topic).key(key).payload(value);
    loop {
        match producer.send(record) {
            Ok(()) => return,
            Err((error, back)) => {
                assert_eq!(
                    error.rdkafka_error_code(),
                    Some(rdkafka::types::RDKafkaErrorCode::QueueFull)
                );
                record = back;
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// Sends all values to partition 0 and waits until they are acknowledged.
pub fn send_all(address: SocketAddr, topic: &str, values: impl IntoIterator<Item = String>) {
    let producer = idempotent(address);
    let mut count = 0;
    for value in values {
        send(&producer, topic, "key", &value);
        count += 1;
    }
    producer.flush(TIMEOUT).unwrap();
    assert_eq!(producer.context().0.lock().unwrap().len(), count, "all are acknowledged");
}

/// The next `count` messages, each as `read` makes it; fails if they do not come.
pub fn take<T>(
    consumer: &BaseConsumer,
    count: usize,
    mut read: impl FnMut(&BorrowedMessage<'_>) -> T,
) -> Vec<T> {
    let deadline = Instant::now() + TIMEOUT;
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} messages came", all.len());
        if let Some(message) = consumer.poll(Duration::from_millis(200)) {
            all.push(read(&message.unwrap()));
        }
    }
    all
}

pub fn values(consumer: &BaseConsumer, count: usize) -> Vec<String> {
    take(consumer, count, |m| String::from_utf8(m.payload().unwrap().to_vec()).unwrap())
}

/// Waits until a condition holds.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !condition().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A member of a group of the classic protocol.
pub fn group_member(address: SocketAddr, group: &str, topic: &str) -> StreamConsumer {
    let mut config = client(address);
    config.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "200");
    subscribed(&mut config, group, topic)
}

/// A member of a group of the consumer protocol, to which the broker says when to send heartbeats.
pub fn modern_group_member(address: SocketAddr, group: &str, topic: &str) -> StreamConsumer {
    subscribed(client(address).set("group.protocol", "consumer"), group, topic)
}

fn subscribed(config: &mut ClientConfig, group: &str, topic: &str) -> StreamConsumer {
    let consumer: StreamConsumer = config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    consumer
}

/// The segment files of a partition, oldest first.
pub fn segments(dir: &Path, partition: &str) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(dir.join(partition)).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|e| e == "log")).collect();
    logs.sort();
    logs
}
