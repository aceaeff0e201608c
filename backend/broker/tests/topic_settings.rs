//! Settings of topics that decide what is appended, and how.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka_protocol::{
    messages::FetchRequest,
    records::{RecordBatchDecoder, TimestampType},
};
use rdkafka::{
    admin::{AdminOptions, NewTopic, TopicReplication},
    producer::{FutureProducer, FutureRecord},
};
use support::{
    TIMEOUT, TestBroker, eventually,
    raw::{Raw, batch, fetch},
    segments, send_all, values,
};

const MESSAGE_TOO_LARGE: i16 = 10;
const NOT_ENOUGH_REPLICAS: i16 = 19;
const INVALID_TIMESTAMP: i16 = 32;
/// Of the records that [`batch`] makes.
const TIMESTAMP: i64 = 1_700_000_000_000;

async fn create(broker: &TestBroker, settings: &[(&str, &str)]) {
    let topic = NewTopic::new("t", 1, TopicReplication::Fixed(1));
    let topic = settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value));
    let created = broker.admin().create_topics([&topic], &AdminOptions::new()).await.unwrap();
    created.into_iter().next().unwrap().unwrap();
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

async fn produce(broker: &TestBroker, values: &[&str]) -> i16 {
    let mut raw = Raw::connect(broker.broker.address()).await;
    raw.produce("t", batch(-1, -1, -1, values)).await.error_code
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_refused() {
    let broker = TestBroker::start().await;
    create(&broker, &[]).await;
    let large = "x".repeat(1_048_588);
    assert_eq!(produce(&broker, &[&large]).await, MESSAGE_TOO_LARGE);
    assert_eq!(produce(&broker, &[&large[..1_048_588 - 100]]).await, 0);
    broker.stop().await;

    let broker = TestBroker::start().await;
    create(&broker, &[("max.message.bytes", "2000000")]).await;
    assert_eq!(produce(&broker, &[&large]).await, 0);
    broker.stop().await;
}

#[tokio::test]
async fn the_broker_sets_the_time_where_the_topic_asks_for_it() {
    let broker = TestBroker::start().await;
    create(&broker, &[("message.timestamp.type", "LogAppendTime")]).await;
    let before = now();
    let mut raw = Raw::connect(broker.broker.address()).await;
    let produced = raw.produce("t", batch(-1, -1, -1, &["a"])).await;
    let time = produced.log_append_time_ms;
    assert!(produced.error_code == 0 && (before..=now()).contains(&time), "{produced:?}");

    let fetched = raw.call::<FetchRequest>(&fetch(0), 12).await;
    let mut bytes = fetched.responses[0].partitions[0].records.clone().unwrap();
    // The latest timestamp, behind the attributes and two more fields.
    assert_eq!(bytes[35..43], time.to_be_bytes());
    let set = RecordBatchDecoder::decode(&mut bytes).expect("the checksum is right");
    assert_eq!(set.records[0].timestamp_type, TimestampType::LogAppend);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_get_the_compression_that_the_topic_has() {
    let names = ["uncompressed", "gzip", "snappy", "lz4", "zstd"];
    for (number, name) in (0..).zip(names).chain([(3, "producer")]) {
        let broker = TestBroker::start().await;
        let times = ("message.timestamp.type", "LogAppendTime");
        let with_time = [("compression.type", name), times];
        create(&broker, if number % 2 == 0 { &with_time } else { &with_time[..1] }).await;
        let sent: Vec<String> = (0..500).map(|i| format!("value {i}")).collect();
        send_all(broker.broker.address(), "t", sent.clone());
        let reader = broker.reader("t", 0, 0);
        assert_eq!(values(&reader, sent.len()), sent, "{name}");
        let mut raw = Raw::connect(broker.broker.address()).await;
        let fetched = raw.call::<FetchRequest>(&fetch(0), 12).await;
        let records = fetched.responses[0].partitions[0].records.clone().unwrap();
        assert_eq!(records[22] & 0b111, number, "{name}");
        broker.stop().await;
    }
}

#[tokio::test]
async fn a_batch_is_as_large_as_it_is_stored() {
    let broker = TestBroker::start().await;
    let letters = "abcdefghij".repeat(20);
    let (long, short) = (batch(-1, -1, -1, &[&letters]), batch(-1, -1, -1, &["short"]));
    let largest = (long.len() - 20).to_string();
    create(&broker, &[("compression.type", "gzip"), ("max.message.bytes", &largest)]).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let refused = raw.produce("t", long).await;
    assert_eq!(refused.error_code, MESSAGE_TOO_LARGE, "as it was sent");
    assert_eq!(raw.produce("t", short.clone()).await.error_code, 0);
    broker.stop().await;

    // So short that it grows by being compressed.
    let broker = TestBroker::start().await;
    let largest = short.len().to_string();
    create(&broker, &[("compression.type", "gzip"), ("max.message.bytes", &largest)]).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let refused = raw.produce("t", short).await;
    assert_eq!(refused.error_code, MESSAGE_TOO_LARGE, "as it is stored");
    broker.stop().await;
}

#[tokio::test]
async fn timestamps_beyond_the_limits_are_refused() {
    let broker = TestBroker::start().await;
    create(&broker, &[("message.timestamp.before.max.ms", "1000")]).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let refused = raw.produce("t", batch(-1, -1, -1, &["old"])).await;
    assert_eq!((refused.error_code, refused.record_errors.len()), (INVALID_TIMESTAMP, 1));
    let producer: FutureProducer = broker.future_producer();
    for (timestamp, taken) in [(now(), true), (now() + 600_000, true), (now() + 7_200_000, false)] {
        let record = FutureRecord::<str, str>::to("t").partition(0).payload("x");
        let sent = producer.send(record.timestamp(timestamp), TIMEOUT).await;
        assert_eq!(sent.is_ok(), taken, "{sent:?}");
    }
    broker.stop().await;
}

#[tokio::test]
async fn more_replicas_than_there_are_cannot_acknowledge() {
    let broker = TestBroker::start().await;
    create(&broker, &[("min.insync.replicas", "2")]).await;
    assert_eq!(produce(&broker, &["a"]).await, NOT_ENOUGH_REPLICAS);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_counts_from_the_timestamps_of_messages() {
    let broker =
        TestBroker::with(|config| config.retention_interval = Duration::from_millis(20)).await;
    let age = now() - TIMESTAMP;
    let (longer, shorter) = (age + 3_600_000, age - 3_600_000);
    create(&broker, &[("retention.ms", &longer.to_string())]).await;
    assert_eq!(produce(&broker, &["a"]).await, 0);
    let mut raw = Raw::connect(broker.broker.address()).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(raw.call(&fetch(0), 12).await.responses[0].partitions[0].log_start_offset, 0);
    }
    let topic = rdkafka::admin::ResourceSpecifier::Topic("t");
    let shorter = shorter.to_string();
    let change = rdkafka::admin::AlterConfig::new(topic).set("retention.ms", &shorter);
    broker.admin().alter_configs([&change], &AdminOptions::new()).await.unwrap();
    eventually("the message is deleted", async || broker.watermarks("t", 0) == (1, 1)).await;
    // The offset goes on where it was, also after a restart.
    assert_eq!(segments(broker.dir.path(), "t-0").len(), 1);
    let broker = broker.restart().await;
    assert_eq!(broker.watermarks("t", 0), (1, 1));
    broker.stop().await;
}
