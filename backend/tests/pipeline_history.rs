//! Batches that know where they come from: topics that are not the one before, and lines sent again.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{path::Path, sync::Arc, time::Duration};

use support::{
    Running, good,
    kafka::{Admin, TOPIC, broker, send},
    manifests, refused, stored_rows, tillstream, wait_for,
};
use tillstream::{
    batch::Catalogue,
    kafka::{Cluster, Consumer, ConsumerOptions, KafkaError},
    shutdown::Shutdown,
};

fn produce(brokers: &str, data: &Path, arguments: &[&str]) -> String {
    let mut command = tillstream(&["produce", "--rate", "max", "--brokers", brokers, "--data-dir"]);
    good(command.arg(data).args(arguments))
}

fn consume(brokers: &str, data: &Path) -> std::process::Command {
    let mut command = tillstream(&["consume", "--once", "--brokers", brokers, "--data-dir"]);
    command.arg(data);
    command
}

fn rows(data: &Path) -> usize {
    stored_rows(data).lines().count()
}

#[test]
fn another_broker_is_refused_and_a_new_history_keeps_the_old_one_aside() {
    let (data, a, b) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = data.path();
    let first = broker(a.path());
    produce(&first.announced, data, &["--input", "generate:500:1"]);
    good(&mut consume(&first.announced, data));
    let stored = manifests(data);
    assert!(stored[0].cluster_id.is_some() && stored[0].topic_id.is_some());
    first.interrupt();

    let second = broker(b.path());
    produce(&second.announced, data, &["--input", "generate:1200:2"]);
    let error = refused(&mut consume(&second.announced, data));
    let cluster = stored[0].cluster_id.as_deref().unwrap();
    assert!(error.contains(cluster) && error.contains("--new-history"), "{error}");
    assert_eq!(manifests(data), stored, "nothing is written");

    good(consume(&second.announced, data).arg("--new-history"));
    assert_eq!(rows(data), 1200);
    let aside = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let aside = aside.filter(|path| path.to_string_lossy().contains("batch_replaced")).last();
    assert!(aside.unwrap().join(&stored[0].file).is_file());
}

#[test]
fn a_recreated_topic_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker(data);
    produce(&broker.announced, data, &["--input", "generate:500:1"]);
    good(&mut consume(&broker.announced, data));
    let admin = Admin::connect(&broker.announced);
    admin.delete_topic(TOPIC);
    admin.create_topic(TOPIC, 1);
    produce(&broker.announced, data, &["--input", "generate:1200:2"]);
    let error = refused(&mut consume(&broker.announced, data));
    assert!(error.contains("created again") && error.contains("--data-dir"), "{error}");
    assert_eq!(rows(data), 500);
}

#[test]
fn a_topic_that_lost_what_is_stored_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let first = broker(data);
    produce(&first.announced, data, &["--input", "generate:500:1"]);
    good(&mut consume(&first.announced, data));
    first.interrupt();
    // An older copy of the broker's folder: same cluster, same topic, fewer messages.
    let log = data.join("broker/retail_stream-0");
    for file in std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::remove_file(file).unwrap();
    }
    let second = broker(data);
    let error = refused(&mut consume(&second.announced, data));
    assert!(error.contains("up to offset 500"), "{error}");
}

#[test]
fn lines_sent_again_after_retention_are_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker(data);
    let input = ["--input", "generate:1000:5"];
    assert!(produce(&broker.announced, data, &input).starts_with("1000 lines sent"));
    good(&mut consume(&broker.announced, data));
    Admin::connect(&broker.announced).delete_records(TOPIC, 1000);
    // Nothing of the input is in the topic, so all of it is sent again.
    assert!(produce(&broker.announced, data, &input).starts_with("1000 lines sent, 0 were"));
    good(&mut consume(&broker.announced, data));
    assert_eq!((rows(data), manifests(data).len()), (1000, 1));

    // What was skipped is not read again, and counted in the next batch.
    Admin::connect(&broker.announced).delete_records(TOPIC, 2000);
    assert!(produce(&broker.announced, data, &["--input", "generate:300:6"]).starts_with("300"));
    good(&mut consume(&broker.announced, data));
    let manifests = manifests(data);
    assert_eq!(manifests[1].partitions[0].first, 1000);
    assert_eq!((manifests[1].rows, manifests[1].repeated), (300, 1000));
}

#[test]
fn a_restarted_input_is_another_run_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker(data);
    let input = ["--input", "generate:2000:5", "--partitions", "3"];
    let again = [&input[..], &["--restart"]].concat();
    assert!(produce(&broker.announced, data, &input).starts_with("2000 lines sent"));
    assert!(produce(&broker.announced, data, &again).starts_with("2000 lines sent"));
    assert!(produce(&broker.announced, data, &input).starts_with("0 lines sent, 2000 were"));
    good(&mut consume(&broker.announced, data));
    assert_eq!(rows(data), 4000, "the second run is no repetition");

    // A run that was cut short goes on, and not the complete one before it.
    let mut slow = tillstream(&["produce", "--rate", "2000", "--print", "--data-dir"]);
    slow.arg(data).args(["--brokers", &broker.announced]).args(&again);
    let running = Running::start(&mut slow, "{");
    let mut follow = tillstream(&["consume", "--batch-size", "100", "--data-dir"]);
    let follow = Running::start(follow.arg(data).args(["--brokers", &broker.announced]), "batch");
    wait_for("lines", || (rows(data) > 4100).then_some(()));
    running.kill();
    produce(&broker.announced, data, &input);
    follow.interrupt();
    good(&mut consume(&broker.announced, data));
    assert_eq!(rows(data), 6000);
}

#[test]
fn invalid_messages_alone_are_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker(data);
    produce(&broker.announced, data, &["--input", "generate:10"]);
    good(&mut consume(&broker.announced, data));
    send(&broker.announced, &[b"one", b"two"]);
    for _ in 0..2 {
        good(&mut consume(&broker.announced, data));
    }
    let dead = good(
        tillstream(&["dead-letters", "list", "--brokers", &broker.announced]).arg("--limit=9"),
    );
    assert_eq!(dead.lines().count(), 2, "{dead}");
}

/// The new topic has more messages than were read of the old one, so that offsets do not tell.
#[test]
fn a_topic_that_is_recreated_while_it_is_read_ends_the_consumer() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker(data);
    produce(&broker.announced, data, &["--input", "generate:10:1"]);
    let (catalogue, _lock) = Catalogue::open(&data.join("batch")).unwrap();
    let cluster = Cluster::new(&broker.announced, TOPIC);
    let options = ConsumerOptions {
        batch_size: 1_000_000,
        batch_interval: Duration::from_secs(3600),
        refresh_interval: Duration::from_millis(50),
    };
    let consumer = Consumer::connect(cluster, options, catalogue, Arc::default()).unwrap();
    let running = std::thread::spawn(move || consumer.run(&Shutdown::default(), |_| ()));
    let admin = Admin::connect(&broker.announced);
    admin.delete_topic(TOPIC);
    admin.create_topic(TOPIC, 1);
    produce(&broker.announced, data, &["--input", "generate:1200:2"]);
    let error = running.join().unwrap().unwrap_err();
    let is_told = matches!(error, KafkaError::OtherHistory { .. } | KafkaError::Broker { .. });
    assert!(is_told, "{error}");
    assert!(manifests(data).is_empty());
}
