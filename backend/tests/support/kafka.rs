//! Brokers, and clients that know nothing of the program.

use std::{path::Path, time::Duration};

use rdkafka::{
    ClientConfig, Message, TopicPartitionList,
    admin::{
        AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
    },
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    message::{Headers, OwnedMessage},
    producer::{BaseProducer, BaseRecord, Producer},
};
use tokio::runtime::Runtime;

use super::{DEADLINE, Running, tillstream, wait_for};

pub const TOPIC: &str = "retail_stream";
pub const DEAD_LETTERS: &str = "retail_stream.dead_letter";

/// A broker process on any free port, which it announces.
#[track_caller]
pub fn broker(data: &Path) -> Running {
    broker_at(data, "127.0.0.1:0")
}

#[track_caller]
pub fn broker_at(data: &Path, address: &str) -> Running {
    let mut command = tillstream(&["broker", "--broker-listen", address, "--data-dir"]);
    Running::start(command.arg(data), "Kafka broker:")
}

pub fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("message.max.bytes", "10000000");
    config
}

/// Sends messages to partition 0 of the topic.
pub fn send(brokers: &str, messages: &[&[u8]]) {
    let producer: BaseProducer = client(brokers).create().unwrap();
    for message in messages {
        let record = BaseRecord::<(), _>::to(TOPIC).partition(0).payload(*message);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(DEADLINE).unwrap();
}

/// The first `count` messages of partition 0 of a topic.
#[track_caller]
pub fn messages(brokers: &str, topic: &str, count: usize) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer = client(brokers)
        .set("group.id", "onlooker")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(topic, 0, rdkafka::Offset::Beginning).unwrap();
    consumer.assign(&assignment).unwrap();
    let mut found = Vec::new();
    wait_for("messages", || {
        while found.len() < count
            && let Some(Ok(message)) = consumer.poll(Duration::from_millis(100))
        {
            found.push(message.detach());
        }
        (found.len() >= count).then_some(())
    });
    found
}

/// The offset that the group `tillstream` has committed for partition 0.
pub fn committed(brokers: &str) -> i64 {
    let consumer: BaseConsumer = client(brokers).set("group.id", "tillstream").create().unwrap();
    let mut partition = TopicPartitionList::new();
    partition.add_partition(TOPIC, 0);
    let committed = consumer.committed_offsets(partition, DEADLINE).unwrap();
    committed.elements()[0].offset().to_raw().unwrap()
}

/// Name and value of every header, in order.
pub fn headers(message: &OwnedMessage) -> Vec<(String, String)> {
    let text =
        |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(b"(null)")).into_owned();
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    headers.map(|header| (header.key.to_owned(), text(header.value))).collect()
}

/// Changes of topics.
pub struct Admin {
    client: AdminClient<DefaultClientContext>,
    runtime: Runtime,
}

impl Admin {
    pub fn connect(brokers: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let _context = runtime.enter();
        Self { client: client(brokers).create().unwrap(), runtime }
    }

    pub fn create_topic(&self, topic: &str, partitions: i32) {
        let new = [NewTopic::new(topic, partitions, TopicReplication::Fixed(1))];
        let created = self.client.create_topics(&new, &AdminOptions::new());
        self.runtime.block_on(created).unwrap().pop().unwrap().unwrap();
    }

    pub fn delete_topic(&self, topic: &str) {
        let deleted = self.client.delete_topics(&[topic], &AdminOptions::new());
        self.runtime.block_on(deleted).unwrap().pop().unwrap().unwrap();
    }

    pub fn create_partitions(&self, topic: &str, count: usize) {
        let new = [NewPartitions::new(topic, count)];
        let created = self.client.create_partitions(&new, &AdminOptions::new());
        self.runtime.block_on(created).unwrap().pop().unwrap().unwrap();
    }

    /// The value of a topic's setting.
    pub fn config(&self, topic: &str, name: &str) -> Option<String> {
        let topic = [ResourceSpecifier::Topic(topic)];
        let described = self.client.describe_configs(&topic, &AdminOptions::new());
        let resource = self.runtime.block_on(described).unwrap().pop().unwrap().unwrap();
        resource.get(name)?.value.clone()
    }

    /// Deletes what is below `offset` in partition 0, as retention does.
    pub fn delete_records(&self, topic: &str, offset: i64) {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(topic, 0, rdkafka::Offset::Offset(offset)).unwrap();
        let deleted = self.client.delete_records(&offsets, &AdminOptions::new());
        self.runtime.block_on(deleted).unwrap();
    }
}
