//! Transactional producers, and what consumers of both isolation levels see.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};

use super::TIMEOUT;

pub type TransactionalProducer = ThreadedProducer<DefaultProducerContext>;

/// A producer with a transactional id, not yet known to the broker.
pub fn producer(client: &ClientConfig, id: &str) -> TransactionalProducer {
    client.clone().set("transactional.id", id).set("linger.ms", "0").create().unwrap()
}

/// A producer that has taken over its transactional id.
pub fn started(client: &ClientConfig, id: &str) -> TransactionalProducer {
    let producer = producer(client, id);
    producer.init_transactions(TIMEOUT).unwrap();
    producer
}

/// Sends to partition 0, and waits until everything is acknowledged.
pub fn send(producer: &TransactionalProducer, topic: &str, values: &[&str]) {
    for value in values {
        let record = BaseRecord::<str, str>::to(topic).partition(0).payload(value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(TIMEOUT).unwrap();
}

/// Sends in a transaction of its own and commits it.
pub fn commit(producer: &TransactionalProducer, topic: &str, values: &[&str]) {
    producer.begin_transaction().unwrap();
    send(producer, topic, values);
    producer.commit_transaction(TIMEOUT).unwrap();
}

/// Sends in a transaction of its own and aborts it.
pub fn abort(producer: &TransactionalProducer, topic: &str, values: &[&str]) {
    producer.begin_transaction().unwrap();
    send(producer, topic, values);
    producer.abort_transaction(TIMEOUT).unwrap();
}

/// All values in partition 0 that a consumer of that isolation level sees now.
pub fn read(client: &ClientConfig, topic: &str, isolation: &str) -> Vec<String> {
    let consumer: BaseConsumer = client
        .clone()
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("check.crcs", "true")
        .set("isolation.level", isolation)
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    let deadline = Instant::now() + TIMEOUT;
    let mut values = Vec::new();
    loop {
        assert!(Instant::now() < deadline, "the end never came, but {values:?}");
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                values.push(String::from_utf8(message.payload().unwrap().to_vec()).unwrap());
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return values,
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
    }
}

pub fn committed(client: &ClientConfig, topic: &str) -> Vec<String> {
    read(client, topic, "read_committed")
}

pub fn uncommitted(client: &ClientConfig, topic: &str) -> Vec<String> {
    read(client, topic, "read_uncommitted")
}
