//! Consumers of one group that store into one folder.

use std::{path::Path, process::Command};

use tempfile::TempDir;

use super::{
    assert_offsets_are_covered_once, assert_rows_are_stored_once,
    broker::{Broker, Kafka},
    generated,
    kafka::Admin,
    manifests, stored_lines, wait_for,
};

/// Of the topic.
pub const PARTITIONS: i32 = 6;

/// The command of a member of the topic's own group.
pub fn consume(broker: &Broker, data: &Path) -> Command {
    consume_in(&broker.topic, broker, data)
}

/// The command of a member of another group.
pub fn consume_in(group: &str, broker: &Broker, data: &Path) -> Command {
    let mut command = member(group, broker, data);
    command.args(["--batch-size", "200", "--batch-interval", "1"]);
    command
}

/// The same with batches of the usual size.
pub fn member(group: &str, broker: &Broker, data: &Path) -> Command {
    let mut command = broker.tillstream(data, &["consume", "--group", group]);
    // The shortest that Apache Kafka allows, and rebalances that are heard of soon.
    for property in ["session.timeout.ms=6000", "heartbeat.interval.ms=300"] {
        command.args(["--kafka-property", property]);
    }
    command
}

/// The command that sends so many lines, at so many a second.
pub fn produce(broker: &Broker, data: &Path, lines: u64, rate: &str) -> Command {
    let input = format!("generate:{lines}:{lines}");
    broker.tillstream(data, &["produce", "--input", &input, "--rate", rate, "--print"])
}

/// A data folder, and a broker with the topic.
pub fn begin(kafka: Kafka) -> (TempDir, Broker) {
    let broker = kafka.broker();
    Admin::connect(&broker).create_topic(&broker.topic, PARTITIONS);
    (tempfile::tempdir().unwrap(), broker)
}

/// Waits until so many lines are stored.
#[track_caller]
pub fn wait_for_lines(data: &Path, lines: u64) {
    wait_for("lines", || (stored_lines(data) >= lines).then_some(()));
}

/// Checks that the lines of [`produce`] are stored, each once.
#[track_caller]
pub fn assert_stored_once(data: &Path, lines: u64) {
    assert_offsets_are_covered_once(&manifests(data));
    assert_rows_are_stored_once(data, &generated(lines, lines));
}
