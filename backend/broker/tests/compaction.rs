//! Topics of which only the newest message of each key is kept.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::{AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};
use support::{
    TIMEOUT, TestBroker, eventually,
    raw::{Raw, batch},
    segments,
    transactional::{abort, started},
};
use tillstream_broker::{Broker, BrokerConfig};

const CHILD_DIR: &str = "TILLSTREAM_BROKER_TEST_DIR";
const FAULT: &str = "TILLSTREAM_FAULT_ABORT";
const KEYS: usize = 20;
const MESSAGES: usize = 3000;

/// Not a test of its own: a broker that compacts without pause, started by the test below.
#[test]
fn child() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut config = BrokerConfig::new(dir);
        config.compaction_interval = Duration::from_millis(10);
        let _broker = Broker::start(config).await.unwrap();
        std::future::pending::<()>().await;
    });
}

fn start_child(dir: &Path, fault: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(CHILD_DIR, dir)
        .env(FAULT, fault)
        .spawn()
        .unwrap()
}

fn rarely(config: &mut BrokerConfig) {
    config.compaction_interval = Duration::from_secs(3600);
}

fn often(config: &mut BrokerConfig) {
    config.compaction_interval = Duration::from_millis(10);
}

async fn create(broker: &TestBroker, settings: &[(&str, &str)]) {
    let topic = NewTopic::new("t", 1, TopicReplication::Fixed(1));
    let topic = settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value));
    let created = broker.admin().create_topics([&topic], &AdminOptions::new()).await.unwrap();
    created.into_iter().next().unwrap().unwrap();
}

const COMPACT: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("segment.bytes", "4096"),
    ("min.cleanable.dirty.ratio", "0.01"),
];

fn producer(client: &ClientConfig, codec: &str) -> ThreadedProducer<DefaultProducerContext> {
    let mut client = client.clone();
    client.set("compression.type", codec).set("batch.num.messages", "7").create().unwrap()
}

fn send(
    producer: &ThreadedProducer<DefaultProducerContext>,
    messages: impl IntoIterator<Item = (usize, Option<String>)>,
) {
    for (key, value) in messages {
        let key = format!("key {key}");
        let mut record = BaseRecord::<str, str>::to("t").partition(0).key(&key);
        record.payload = value.as_deref();
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(TIMEOUT).unwrap();
}

/// Key and value of all messages by offset, as a consumer sees them.
fn read(client: &ClientConfig) -> BTreeMap<i64, (String, Option<String>)> {
    let mut client = client.clone();
    client.set("group.id", "reader").set("enable.auto.commit", "false").set("check.crcs", "true");
    let consumer: BaseConsumer = client.set("enable.partition.eof", "true").create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset("t", 0, Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    let (deadline, mut all) = (Instant::now() + TIMEOUT, BTreeMap::new());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    loop {
        assert!(Instant::now() < deadline, "the end never came, but {} messages", all.len());
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                let (key, value) = (message.key().map(text).unwrap(), message.payload().map(text));
                assert!(all.insert(message.offset(), (key, value)).is_none(), "offsets ascend");
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return all,
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
    }
}

fn value(n: usize) -> String {
    format!("value {n} {}", "x".repeat(n % 61))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_codec_is_compacted_and_nothing_newer_is_lost() {
    let broker = TestBroker::with(often).await;
    create(&broker, &COMPACT).await;
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    for (round, codec) in codecs.into_iter().enumerate() {
        let numbers = round * 500..(round + 1) * 500;
        send(&producer(&broker.client(), codec), numbers.map(|n| (n % 50, Some(value(n)))));
    }
    // The newest message of each of the other keys is older than the last segments.
    send(&producer(&broker.client(), "none"), (0..500).map(|n| (n % 5, Some(value(n)))));
    eventually("most of it is compacted", async || read(&broker.client()).len() < 300).await;
    let left = read(&broker.client());
    for key in 0..50 {
        let newest = if key < 5 { 495 + key } else { 2450 + key };
        let mut of_key = left.values().filter(|(found, _)| *found == format!("key {key}"));
        assert_eq!(of_key.next_back().unwrap().1, Some(value(newest)), "{key}");
    }
    assert_eq!(broker.watermarks("t", 0), (0, 3000), "offsets stay");
    for (offset, (key, found)) in &left {
        let n = *offset as usize % 2500;
        let expected = if *offset < 2500 { n % 50 } else { n % 5 };
        assert_eq!((key, found), (&format!("key {expected}"), &Some(value(n))));
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_keys_and_aborted_messages_go() {
    let broker = TestBroker::with(often).await;
    create(&broker, &[&COMPACT[..], &[("delete.retention.ms", "0")]].concat()).await;
    let (client, plain) = (broker.client(), producer(&broker.client(), "none"));
    send(&plain, (0..50).map(|n| (n, Some(value(n)))));
    abort(&started(&client, "tx"), "t", &["aborted"; 50]);
    send(&plain, (0..50).map(|n| (n, None)));
    let left = async || {
        // Something must be dirty, or nothing is compacted; 50 messages fill a segment.
        send(&plain, (0..50).map(|n| (99, Some(value(n)))));
        let mut all = client.clone();
        let left = read(all.set("isolation.level", "read_uncommitted"));
        left.values().all(|(key, value)| key == "key 99" && value.is_some())
    };
    eventually("tombstones and aborted messages are gone", left).await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_without_key_are_refused() {
    const INVALID_RECORD: i16 = 87;
    let broker = TestBroker::with(rarely).await;
    create(&broker, &COMPACT).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let refused = raw.produce("t", batch(-1, -1, -1, &["a"])).await;
    assert_eq!(refused.error_code, INVALID_RECORD, "{refused:?}");
    let records: Vec<i32> = refused.record_errors.iter().map(|error| error.batch_index).collect();
    assert_eq!(records, [0]);
    assert_eq!(broker.watermarks("t", 0), (0, 0));
    broker.stop().await;
}

#[test]
fn killed_at_any_step_of_a_compaction_nothing_is_lost() {
    let original = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let filled = runtime.block_on(async {
        let broker = TestBroker::reopen(original, rarely).await;
        create(&broker, &COMPACT).await;
        let messages = (0..MESSAGES).map(|n| (n % KEYS, Some(value(n))));
        send(&producer(&broker.client(), "lz4"), messages);
        assert!(segments(broker.dir.path(), "t-0").len() > 5);
        broker.stop().await
    });
    let points = ["written", "synced", "renamed"].map(|step| format!("swap.{step}"));
    let others = ["compaction.removed", "compaction.renamed"].map(str::to_owned);
    for point in points.iter().chain(&others) {
        let dir = tempfile::tempdir().unwrap();
        copy(filled.path(), dir.path());
        let mut child = start_child(dir.path(), point);
        let deadline = Instant::now() + TIMEOUT;
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "{point} is never reached");
            std::thread::sleep(Duration::from_millis(5));
        }
        runtime.block_on(async {
            let broker = TestBroker::reopen(dir, rarely).await;
            check(&read(&broker.client()), point);
            assert_eq!(broker.watermarks("t", 0), (0, MESSAGES as i64), "{point}");
            let broker = TestBroker::reopen(broker.stop().await, often).await;
            let compacted = async || read(&broker.client()).len() < MESSAGES / 4;
            eventually("it is compacted after all", compacted).await;
            check(&read(&broker.client()), point);
            let dir = broker.stop().await;
            for entry in fs::read_dir(dir.path().join("t-0")).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!(!name.ends_with(".swap") && !name.ends_with(".tmp"), "{point}: {name}");
            }
        });
    }
}

/// Every message is as it was sent, and the newest of each key is there.
fn check(found: &BTreeMap<i64, (String, Option<String>)>, point: &str) {
    for (offset, (key, found)) in found {
        let n = *offset as usize;
        assert_eq!(key, &format!("key {}", n % KEYS), "{point}");
        assert_eq!(found, &Some(value(n)), "{point}");
    }
    for n in MESSAGES - KEYS..MESSAGES {
        assert!(found.contains_key(&(n as i64)), "{point}: {n} is missing");
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
