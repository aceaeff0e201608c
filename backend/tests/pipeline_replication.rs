//! Three brokers of Apache Kafka, of which any one is killed at work.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{collections::BTreeMap, path::Path};

use support::{
    Running, apache::ApacheKafka, assert_offsets_are_covered_once, assert_rows_are_stored_once,
    broker::Broker, generated, good, manifests, wait_for,
};

const LINES: u64 = 300_000;
const PARTITIONS: i32 = 3;
/// So many that the producer is at work as long as brokers are killed.
const INPUT: [&str; 5] = ["produce", "--input", "generate:300000:7", "--partitions", "3"];

/// The last stored offset of every partition.
fn last_offsets(data: &Path) -> BTreeMap<i32, i64> {
    let manifests = manifests(data);
    let ranges = manifests.iter().flat_map(|manifest| &manifest.partitions);
    ranges.map(|range| (range.partition, range.last)).collect()
}

/// Every topic has three replicas, of which two must have a line before it is acknowledged.
#[test]
fn each_of_three_apache_brokers_killed_in_turn_keeps_every_line_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let kafka = ApacheKafka::start(3);
    let broker = Broker::at(&kafka.address);
    // Each broker leads one of the partitions, and another takes over when it is killed.
    let mut produce = broker.tillstream(data, &INPUT);
    let mut producer = Running::start(produce.args(["--rate", "1000", "--print"]), "{");
    let consume = ["consume", "--batch-size", "500", "--batch-interval", "0.3"];
    let mut consumer = Running::start(&mut broker.tillstream(data, &consume), "batch_000001");
    let wait_for_more = || {
        let before = last_offsets(data);
        wait_for("lines of every partition", || {
            let now = last_offsets(data);
            let goes_on = |partition| now.get(&partition) > before.get(&partition);
            (0..PARTITIONS).all(goes_on).then_some(())
        });
    };
    for killed in 1..=3 {
        assert!(producer.is_running(), "it was to be killed at work: {}", producer.log());
        kafka.kill(killed);
        wait_for_more();
        kafka.resume(killed);
        wait_for_more();
        assert!(consumer.is_running(), "it outlives the brokers: {}", consumer.log());
    }
    assert!(producer.is_running(), "it outlives the brokers: {}", producer.log());
    producer.interrupt();
    good(broker.tillstream(data, &INPUT).args(["--rate", "max"]));
    consumer.interrupt();
    good(&mut broker.tillstream(data, &["consume", "--once"]));
    assert_rows_are_stored_once(data, &generated(LINES, 7));
    assert_offsets_are_covered_once(&manifests(data));
}
