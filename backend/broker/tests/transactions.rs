//! Transactions, as rdkafka and as a raw client see them.
//!
//! The same tests hold for Apache Kafka: with `TILLSTREAM_TEST_KAFKA=HOST:PORT` those that need no
//! broker of their own run against the one there (`script/kafka start`).

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::Duration;

use kafka_protocol::{ResponseError, messages::fetch_response::PartitionData};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    producer::Producer,
    types::RDKafkaErrorCode,
};
use support::{
    TIMEOUT, TestBroker, eventually,
    raw::transactional_batch,
    raw_producer::{Target, batches, code},
    transactional::{abort, commit, committed, send, started, uncommitted},
};

const UNCOMMITTED: i8 = 0;
const COMMITTED: i8 = 1;

#[tokio::test(flavor = "multi_thread")]
async fn only_committed_records_are_seen_by_those_who_ask_for_them() {
    let target = Target::start().await;
    let (client, topic) = (target.client(), &target.name);
    let producer = started(&client, topic);
    commit(&producer, topic, &["a", "b"]);
    abort(&producer, topic, &["c"]);
    commit(&producer, topic, &["d"]);
    producer.begin_transaction().unwrap();
    send(&producer, topic, &["e"]);
    assert_eq!(committed(&client, topic), ["a", "b", "d"]);
    assert_eq!(uncommitted(&client, topic), ["a", "b", "c", "d", "e"]);
    producer.commit_transaction(TIMEOUT).unwrap();
    assert_eq!(committed(&client, topic), ["a", "b", "d", "e"]);

    let target = target.restart().await;
    let (client, topic) = (target.client(), &target.name);
    assert_eq!(committed(&client, topic), ["a", "b", "d", "e"]);
    assert_eq!(uncommitted(&client, topic), ["a", "b", "c", "d", "e"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_producer_shuts_out_the_first_and_aborts_what_it_left() {
    let target = Target::start().await;
    let (client, topic) = (target.client(), &target.name);
    let first = started(&client, topic);
    first.begin_transaction().unwrap();
    send(&first, topic, &["lost"]);
    let second = started(&client, topic);
    commit(&second, topic, &["kept"]);
    let error = first.commit_transaction(TIMEOUT).unwrap_err();
    let KafkaError::Transaction(error) = error else { panic!("{error}") };
    assert!(error.is_fatal(), "{error}");
    assert_eq!(error.code(), RDKafkaErrorCode::Fenced);
    assert_eq!(committed(&client, topic), ["kept"]);
    commit(&second, topic, &["more"]);
    assert_eq!(committed(&client, topic), ["kept", "more"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_committed_with_the_records_that_were_made_of_them() {
    let target = Target::start().await;
    let (client, topic) = (target.client(), &target.name);
    let output = format!("{topic}-out");
    let producer = started(&client, topic);
    commit(&producer, topic, &["1", "2", "3", "4"]);
    let consumer: BaseConsumer = client
        .clone()
        .set("group.id", topic)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let values = support::values(&consumer, 4);
    let stored = || {
        let mut asked = TopicPartitionList::new();
        asked.add_partition(topic, 0);
        let committed = consumer.committed_offsets(asked, TIMEOUT).unwrap();
        committed.find_partition(topic, 0).unwrap().offset()
    };
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, 0, Offset::Offset(4)).unwrap();
    let metadata = consumer.group_metadata().unwrap();
    for (keep, expected) in [(false, Offset::Invalid), (true, Offset::Offset(4))] {
        producer.begin_transaction().unwrap();
        let doubled = values.iter().map(|value| format!("{value}{value}")).collect::<Vec<_>>();
        let doubled: Vec<&str> = doubled.iter().map(String::as_str).collect();
        send(&producer, &output, &doubled);
        producer.send_offsets_to_transaction(&offsets, &metadata, TIMEOUT).unwrap();
        if keep {
            producer.commit_transaction(TIMEOUT).unwrap();
        } else {
            producer.abort_transaction(TIMEOUT).unwrap();
        }
        assert_eq!(stored(), expected);
    }
    assert_eq!(committed(&client, &output), ["11", "22", "33", "44"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_answered_as_apache_kafka_does() {
    let target = Target::start().await;
    let mut raw = target.raw().await;
    let none = 0;
    let invalid = code(ResponseError::InvalidTxnState);
    let mapping = code(ResponseError::InvalidProducerIdMapping);

    // Nothing is known of the id.
    (raw.id, raw.epoch) = (4711, 0);
    assert_eq!(raw.add_partition().await, mapping);
    assert_eq!(raw.end(true).await, mapping);
    let timeout = code(ResponseError::InvalidTransactionTimeout);
    assert_eq!(raw.init_with((-1, -1), 0).await, timeout);
    assert_eq!(raw.init_with((-1, -1), 15 * 60 * 1000 + 1).await, timeout);

    assert_eq!(raw.init().await, none);
    assert_eq!(raw.epoch, 0);
    let id = raw.id;
    assert_eq!(raw.end(true).await, invalid, "no transaction");
    let outside = transactional_batch(raw.id, 0, 0, &["x"]);
    assert_eq!(raw.produce_as(10, outside.clone()).await, invalid, "not a part of it");
    let abortable = code(ResponseError::TransactionAbortable);
    assert_eq!(raw.produce_as(11, outside).await, abortable, "a newer client is told otherwise");
    let unknown = code(ResponseError::UnknownTopicOrPartition);
    let not_attempted = code(ResponseError::OperationNotAttempted);
    assert_eq!(raw.add_partitions(&[0, 9]).await, [not_attempted, unknown]);

    // One is aborted.
    assert_eq!(raw.add_partition().await, none);
    assert_eq!(raw.produce("aborted").await, none);
    assert_eq!(raw.produce("aborted too").await, none);
    assert_eq!(raw.latest(UNCOMMITTED).await, 2);
    assert_eq!(raw.latest(COMMITTED).await, 0);
    for (timestamp, uncommitted, committed) in [(-2, 0, 0), (1, 0, -1)] {
        assert_eq!(raw.list(timestamp, UNCOMMITTED).await, uncommitted, "{timestamp}");
        assert_eq!(raw.list(timestamp, COMMITTED).await, committed, "{timestamp}");
    }
    let open = raw.fetch(0, COMMITTED).await;
    assert_eq!((open.high_watermark, open.last_stable_offset), (2, 0));
    assert!(open.records.unwrap_or_default().is_empty());
    assert_eq!(raw.fetch(0, UNCOMMITTED).await.last_stable_offset, 0);
    assert_eq!(raw.end(false).await, none);
    assert_eq!(raw.end(false).await, none, "once more");
    assert_eq!(raw.end(true).await, invalid, "it is aborted");
    eventually("the marker is there", async || raw.latest(COMMITTED).await == 3).await;

    // One is committed; its first record is where the aborted one has ended.
    assert_eq!(raw.add_partition().await, none);
    assert_eq!(raw.produce("committed").await, none);
    assert_eq!(raw.end(true).await, none);
    assert_eq!(raw.end(true).await, none, "once more");
    eventually("the marker is there", async || raw.latest(COMMITTED).await == 5).await;

    let aborted = |data: &PartitionData| {
        let aborted = data
            .aborted_transactions
            .clone()
            .map(|all| all.iter().map(|a| (a.producer_id.0, a.first_offset)).collect::<Vec<_>>());
        aborted.unwrap_or_default()
    };
    let all = raw.fetch(0, COMMITTED).await;
    assert_eq!((all.high_watermark, all.last_stable_offset), (5, 5));
    assert_eq!(aborted(&all), [(id, 0)]);
    let records = raw.fetch_all(COMMITTED).await;
    assert_eq!(markers(&records, id), [(2, marker("00000000")), (4, marker("00000001"))]);
    assert_eq!(aborted(&raw.fetch(3, COMMITTED).await), []);
    let plain = raw.fetch(0, UNCOMMITTED).await;
    assert_eq!(plain.aborted_transactions, None);
    assert_eq!(raw.fetch_all(UNCOMMITTED).await, records);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_producer_gets_a_higher_epoch_and_the_older_ones_are_refused() {
    let target = Target::start().await;
    let (mut old, mut new) = (target.raw().await, target.raw().await);
    assert_eq!(old.init().await, 0);
    assert_eq!(old.add_partition().await, 0);
    assert_eq!(old.produce("aborted").await, 0);
    assert_eq!(new.init().await, 0);
    // One epoch to shut the old one out, one for the new one.
    assert_eq!((new.id, new.epoch), (old.id, 2));
    let fenced = code(ResponseError::ProducerFenced);
    assert_eq!(old.end(true).await, fenced);
    assert_eq!(old.add_partition().await, fenced);
    assert_eq!(old.add_group().await, fenced);
    assert_eq!(old.init_with((old.id, old.epoch), 60_000).await, fenced);
    let epoch = code(ResponseError::InvalidProducerEpoch);
    assert_eq!(old.produce("late").await, epoch);
    assert_eq!(new.add_partition().await, 0);
    assert_eq!(old.produce("late").await, epoch);
    assert_eq!(new.produce("committed").await, 0);
    assert_eq!(new.end(true).await, 0);
    eventually("the marker is there", async || new.latest(COMMITTED).await == 4).await;

    // A producer that names itself goes on with the next epoch, and asking again changes nothing.
    let claimed = (new.id, new.epoch);
    for _ in 0..2 {
        assert_eq!(new.init_with(claimed, 60_000).await, 0);
        assert_eq!((new.id, new.epoch), (claimed.0, 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_in_a_transaction_are_held_back_until_it_ends() {
    let target = Target::start().await;
    let mut raw = target.raw().await;
    assert_eq!(raw.init().await, 0);
    assert_eq!(raw.add_group().await, 0);
    let nobody = raw.commit_offset_as("nobody", 1, 5).await;
    assert_eq!(nobody, code(ResponseError::IllegalGeneration), "there is no such group");
    for (offset, keep, expected) in [(5, false, -1), (6, true, 6), (7, false, 6)] {
        assert_eq!(raw.add_group().await, 0);
        assert_eq!(raw.commit_offset(offset).await, 0);
        let unstable = code(ResponseError::UnstableOffsetCommit);
        assert_eq!(raw.group_offset(true).await.1, unstable);
        let before = if offset == 7 { 6 } else { -1 };
        assert_eq!(raw.group_offset(false).await, (before, 0));
        assert_eq!(raw.end(keep).await, 0);
        eventually("it has ended", async || raw.group_offset(true).await == (expected, 0)).await;
    }
    assert_eq!(raw.add_group().await, 0);
    let nobody = raw.commit_offset_as("nobody", 1, 5).await;
    assert_eq!(nobody, code(ResponseError::UnknownMemberId), "there is no such member");
    assert_eq!(raw.end(true).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_open_for_too_long_is_aborted() {
    let target = Target::start().await;
    let mut raw = target.raw().await;
    assert_eq!(raw.init_with((-1, -1), 3000).await, 0);
    assert_eq!(raw.add_partition().await, 0);
    assert_eq!(raw.produce("forgotten").await, 0);
    assert_eq!(raw.latest(COMMITTED).await, 0);
    eventually("it is aborted", async || raw.latest(COMMITTED).await == 2).await;
    assert_eq!(committed(&target.client(), &target.name), [""; 0]);
    assert_eq!(raw.end(true).await, code(ResponseError::ProducerFenced));
    assert_eq!(raw.produce("late").await, code(ResponseError::InvalidProducerEpoch));
    let mut next = target.raw().await;
    assert_eq!(next.init().await, 0);
    assert_eq!(next.epoch, 2, "one was spent on the abort");
}

/// What Apache Kafka 4.1 writes, in hexadecimal, behind the offset: length, leader epoch, magic byte,
/// checksum (blank), attributes and last offset delta; timestamps (blank); producer id (blank), epoch
/// and sequence; the number of records, and the one record with the given key.
fn marker(key: &str) -> String {
    [
        "00000042",
        "00000000",
        "02",
        "00000000",
        "0030",
        "00000000",
        &"0".repeat(32),
        &"0".repeat(16),
        "0000",
        "ffffffff",
        "00000001",
        "2000000008",
        key,
        "0c",
        "000000000000",
        "00",
    ]
    .concat()
}

/// Offset and bytes of the control batches, as [`marker`] has them; all of them of that producer.
fn markers(records: &[u8], producer: i64) -> Vec<(i64, String)> {
    let mut found = Vec::new();
    for batch in batches(records) {
        if batch[22] & 0x20 == 0 {
            continue;
        }
        assert_eq!(batch[17..21], crc32c::crc32c(&batch[21..]).to_be_bytes());
        assert_eq!(batch[43..51], producer.to_be_bytes());
        assert_eq!(batch[27..35], batch[35..43], "one record, one timestamp");
        let mut bytes = batch.to_vec();
        for blank in [17..21, 27..43, 43..51] {
            bytes[blank].fill(0);
        }
        let hex = bytes[8..].iter().map(|byte| format!("{byte:02x}")).collect();
        found.push((i64::from_be_bytes(batch[..8].try_into().unwrap()), hex));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_only_the_log_knows_is_aborted_at_the_start() {
    let broker = TestBroker::start().await;
    let client = broker.client();
    let producer = started(&client, "tx");
    commit(&producer, "t", &["kept"]);
    producer.begin_transaction().unwrap();
    send(&producer, "t", &["lost"]);
    let dir = broker.stop().await;
    std::fs::remove_dir_all(dir.path().join("transactions")).unwrap();
    let broker = TestBroker::reopen(dir, |_| {}).await;
    let client = broker.client();
    let later = broker.future_producer();
    let record = rdkafka::producer::FutureRecord::<str, str>::to("t").payload("later");
    later.send(record, TIMEOUT).await.unwrap();
    assert_eq!(committed(&client, "t"), ["kept", "later"]);
    assert_eq!(uncommitted(&client, "t"), ["kept", "lost", "later"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unused_transactional_id_is_forgotten() {
    let broker = TestBroker::with(|config| {
        config.retention_interval = Duration::from_millis(20);
        config.transactional_id_retention = Duration::ZERO;
    })
    .await;
    broker.create_topic("tx", 1).await;
    let (address, name) = (broker.broker.address(), "tx".to_owned());
    let target = Target { address, own: None, name };
    let mut raw = target.raw().await;
    assert_eq!(raw.init().await, 0);
    let first = raw.id;
    let files = || std::fs::read_dir(broker.dir.path().join("transactions")).unwrap().count();
    eventually("it is forgotten", async || files() == 0).await;
    assert_eq!(raw.add_partition().await, code(ResponseError::InvalidProducerIdMapping));
    let mut again = target.raw().await;
    assert_eq!(again.init().await, 0);
    assert_eq!(again.epoch, 0);
    assert_ne!(again.id, first);
}
