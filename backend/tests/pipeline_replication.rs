//! Three brokers of Apache Kafka, of which any one is killed at work.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{
    Running, apache::ApacheKafka, assert_offsets_are_covered_once, assert_rows_are_stored_once,
    broker::Broker, generated, good, manifests, stored_lines, wait_for,
};

const LINES: u64 = 40_000;

/// Every topic has three replicas, of which two must have a line before it is acknowledged.
#[test]
fn each_of_three_brokers_killed_in_turn_keeps_every_line_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let kafka = ApacheKafka::start(3);
    let broker = Broker::at(&kafka.address);
    // Each broker leads one of the partitions.
    let input = ["produce", "--input", "generate:40000:7", "--print", "--partitions", "3"];
    let mut produce = broker.tillstream(data, &input);
    let mut producer = Running::start(produce.args(["--rate", "2000"]), "{");
    let consume = ["consume", "--batch-size", "500", "--batch-interval", "0.3"];
    let mut consumer = Running::start(&mut broker.tillstream(data, &consume), "batch_000001");
    let wait_for_more = || {
        let goal = stored_lines(data) + 1000;
        wait_for("lines", || (stored_lines(data) >= goal).then_some(()));
    };
    for killed in 1..=3 {
        assert!(producer.is_running(), "it was to be killed at work: {}", producer.log());
        kafka.kill(killed);
        wait_for_more();
        kafka.resume(killed);
        wait_for_more();
        assert!(consumer.is_running(), "it outlives the brokers: {}", consumer.log());
    }
    wait_for("the end of the producer", || (!producer.is_running()).then_some(()));
    assert!(!producer.log().contains("error:"), "it outlives the brokers: {}", producer.log());
    consumer.interrupt();
    good(&mut broker.tillstream(data, &["consume", "--once"]));
    assert_rows_are_stored_once(data, &generated(LINES, 7));
    assert_offsets_are_covered_once(&manifests(data));
}
