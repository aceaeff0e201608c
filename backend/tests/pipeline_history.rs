//! Batches that know where they come from: topics that are not the one before, and lines sent again.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{path::Path, sync::Arc, time::Duration};

use support::{
    Running,
    broker::{Broker, Kafka, on_both_brokers},
    good,
    kafka::{Admin, send},
    manifests, refused, stored_rows, tillstream, wait_for,
};
use tillstream::{
    batch::Catalogue,
    kafka::{Consumer, ConsumerOptions, KafkaError, MessageOptions},
    shutdown::Shutdown,
};

on_both_brokers! {
    another_broker_is_refused_and_a_new_history_keeps_the_old_one_aside,
    a_recreated_topic_is_refused,
    a_topic_that_lost_what_is_stored_is_refused,
    lines_sent_again_after_retention_are_stored_once,
    a_restarted_input_is_another_run_that_goes_on,
    invalid_messages_alone_are_not_read_again,
    a_topic_that_is_recreated_while_it_is_read_ends_the_consumer,
}

fn produce(broker: &Broker, data: &Path, arguments: &[&str]) -> String {
    good(broker.tillstream(data, &["produce", "--rate", "max"]).args(arguments))
}

fn consume(broker: &Broker, data: &Path) -> std::process::Command {
    broker.tillstream(data, &["consume", "--once"])
}

fn rows(data: &Path) -> usize {
    stored_rows(data).lines().count()
}

fn another_broker_is_refused_and_a_new_history_keeps_the_old_one_aside(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let first = kafka.broker();
    produce(&first, data, &["--input", "generate:500:1"]);
    good(&mut consume(&first, data));
    let stored = manifests(data);
    assert!(stored[0].cluster_id.is_some() && stored[0].topic_id.is_some());

    let mut second = kafka.own_broker();
    second.topic.clone_from(&first.topic);
    produce(&second, data, &["--input", "generate:1200:2"]);
    let error = refused(&mut consume(&second, data));
    let cluster = stored[0].cluster_id.as_deref().unwrap();
    assert!(error.contains(cluster) && error.contains("--new-history"), "{error}");
    assert_eq!(manifests(data), stored, "nothing is written");

    good(consume(&second, data).arg("--new-history"));
    assert_eq!(rows(data), 1200);
    let aside = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let aside = aside.filter(|path| path.to_string_lossy().contains("batch_replaced")).last();
    assert!(aside.unwrap().join(&stored[0].file).is_file());
}

fn a_recreated_topic_is_refused(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = kafka.broker();
    produce(&broker, data, &["--input", "generate:500:1"]);
    good(&mut consume(&broker, data));
    let admin = Admin::connect(&broker);
    admin.delete_topic(&broker.topic);
    admin.create_topic(&broker.topic, 1);
    produce(&broker, data, &["--input", "generate:1200:2"]);
    let error = refused(&mut consume(&broker, data));
    assert!(error.contains("created again") && error.contains("--data-dir"), "{error}");
    assert_eq!(rows(data), 500);
}

fn a_topic_that_lost_what_is_stored_is_refused(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut broker = kafka.own_broker();
    produce(&broker, data, &["--input", "generate:500:1"]);
    good(&mut consume(&broker, data));
    // As with an older copy of the broker's folder.
    broker.kill();
    broker.lose_messages();
    broker.restart();
    let error = refused(&mut consume(&broker, data));
    assert!(error.contains("up to offset 500"), "{error}");
}

fn lines_sent_again_after_retention_are_stored_once(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = kafka.broker();
    let input = ["--input", "generate:1000:5"];
    assert!(produce(&broker, data, &input).starts_with("1000 lines sent"));
    good(&mut consume(&broker, data));
    Admin::connect(&broker).delete_records(&broker.topic, 1000);
    // Nothing of the input is in the topic, so all of it is sent again.
    assert!(produce(&broker, data, &input).starts_with("1000 lines sent, 0 were"));
    good(&mut consume(&broker, data));
    assert_eq!((rows(data), manifests(data).len()), (1000, 1));

    // What was skipped is not read again, and counted in the next batch.
    Admin::connect(&broker).delete_records(&broker.topic, 2000);
    assert!(produce(&broker, data, &["--input", "generate:300:6"]).starts_with("300"));
    good(&mut consume(&broker, data));
    let manifests = manifests(data);
    assert_eq!(manifests[1].partitions[0].first, 1000);
    assert_eq!((manifests[1].rows, manifests[1].repeated), (300, 1000));
}

fn a_restarted_input_is_another_run_that_goes_on(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = kafka.broker();
    let input = ["--input", "generate:2000:5", "--partitions", "3"];
    let again = [&input[..], &["--restart"]].concat();
    assert!(produce(&broker, data, &input).starts_with("2000 lines sent"));
    assert!(produce(&broker, data, &again).starts_with("2000 lines sent"));
    assert!(produce(&broker, data, &input).starts_with("0 lines sent, 2000 were"));
    good(&mut consume(&broker, data));
    assert_eq!(rows(data), 4000, "the second run is no repetition");

    // A run that was cut short goes on, and not the complete one before it.
    let mut slow = broker.tillstream(data, &["produce", "--rate", "2000", "--print"]);
    let running = Running::start(slow.args(&again), "{");
    let mut follow = broker.tillstream(data, &["consume", "--batch-size", "100"]);
    let follow = Running::start(&mut follow, "batch");
    wait_for("lines", || (rows(data) > 4100).then_some(()));
    running.kill();
    produce(&broker, data, &input);
    follow.interrupt();
    good(&mut consume(&broker, data));
    assert_eq!(rows(data), 6000);
}

fn invalid_messages_alone_are_not_read_again(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = kafka.broker();
    produce(&broker, data, &["--input", "generate:10"]);
    good(&mut consume(&broker, data));
    send(&broker, &[b"one", b"two"]);
    for _ in 0..2 {
        good(&mut consume(&broker, data));
    }
    let mut list = tillstream(&["dead-letters", "list", "--limit=9"]);
    let dead = good(list.args(broker.arguments()));
    assert_eq!(dead.lines().count(), 2, "{dead}");
}

/// The new topic has more messages than were read of the old one, so that offsets do not tell.
fn a_topic_that_is_recreated_while_it_is_read_ends_the_consumer(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = kafka.broker();
    produce(&broker, data, &["--input", "generate:10:1"]);
    let batches = Catalogue::open(&data.join("batch")).unwrap();
    let options = ConsumerOptions {
        batch_size: 1_000_000,
        batch_interval: Duration::from_secs(3600),
        refresh_interval: Duration::from_millis(50),
        messages: MessageOptions::default(),
    };
    let consumer =
        Consumer::connect(broker.cluster().connect().unwrap(), options, batches, Arc::default())
            .unwrap();
    let running = std::thread::spawn(move || consumer.run(&Shutdown::default(), |_| ()));
    let admin = Admin::connect(&broker);
    admin.delete_topic(&broker.topic);
    admin.create_topic(&broker.topic, 1);
    produce(&broker, data, &["--input", "generate:1200:2"]);
    let error = running.join().unwrap().unwrap_err();
    let is_told = matches!(error, KafkaError::OtherHistory { .. } | KafkaError::Broker { .. });
    assert!(is_told, "{error}");
    assert!(manifests(data).is_empty());
}
