//! Kafka clients that know nothing of the program.

use std::time::Duration;

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

use super::{
    DEADLINE,
    broker::{Broker, Kafka},
    wait_for,
};

pub fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("message.max.bytes", "10000000");
    config
}

/// Sends messages to partition 0 of the topic.
pub fn send(broker: &Broker, messages: &[&[u8]]) {
    let producer: BaseProducer = client(&broker.address).create().unwrap();
    for message in messages {
        let record = BaseRecord::<(), _>::to(&broker.topic).partition(0).payload(*message);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(DEADLINE).unwrap();
}

/// The first `count` messages of partition 0 of a topic.
#[track_caller]
pub fn messages(broker: &Broker, topic: &str, count: usize) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer = client(&broker.address)
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
pub fn committed(broker: &Broker) -> i64 {
    committed_by("tillstream", broker, 1)[0]
}

/// The offsets that a group has committed for the first so many partitions.
pub fn committed_by(group: &str, broker: &Broker, partitions: i32) -> Vec<i64> {
    let consumer: BaseConsumer = client(&broker.address).set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_range(&broker.topic, 0, partitions - 1);
    let committed = consumer.committed_offsets(list, DEADLINE).unwrap();
    committed.elements().iter().map(|element| element.offset().to_raw().unwrap()).collect()
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
    pub fn connect(broker: &Broker) -> Self {
        let runtime = Runtime::new().unwrap();
        let _context = runtime.enter();
        Self { client: client(&broker.address).create().unwrap(), runtime }
    }

    pub fn create_topic(&self, topic: &str, partitions: i32) {
        self.create(NewTopic::new(topic, partitions, TopicReplication::Fixed(1)));
    }

    /// Creates a topic of one partition with another value of one setting.
    pub fn create_topic_with(&self, topic: &str, (name, value): (&str, &str)) {
        self.create(NewTopic::new(topic, 1, TopicReplication::Fixed(1)).set(name, value));
    }

    fn create(&self, topic: NewTopic<'_>) {
        let created = self.client.create_topics([&topic], &AdminOptions::new());
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
