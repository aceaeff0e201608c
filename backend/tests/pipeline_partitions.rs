//! Topics with many partitions.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{sync::Arc, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use support::{
    Running, assert_offsets_are_covered_once, assert_rows_are_stored_once,
    broker::{Kafka, on_both_brokers},
    generated, good,
    kafka::Admin,
    manifests,
    proxy::{CountingProxy, FETCH, LIST_OFFSETS, METADATA},
    stored_lines, stored_rows, wait_for,
};
use tillstream::{
    batch::Catalogue,
    kafka::{Consumer, ConsumerOptions, MessageOptions},
    progress::Progress,
    shutdown::Shutdown,
};

on_both_brokers! {
    the_consumer_of_many_partitions_asks_for_messages_only,
    new_partitions_are_found_and_stored_from_their_beginning,
    a_killed_consumer_keeps_every_line_once_however_many_partitions,
}

/// A consumer that waits for messages asks for messages, and hardly for anything else.
fn the_consumer_of_many_partitions_asks_for_messages_only(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut broker = kafka.broker();
    let proxy = CountingProxy::start(broker.address.parse().unwrap());
    let input = ["produce", "--input", "generate:5000", "--rate", "max", "--partitions", "12"];
    good(&mut broker.tillstream(data, &input));

    broker.address = proxy.address.to_string();
    let mut consume = broker.tillstream(data, &["consume", "--batch-interval", "0.2"]);
    let _consumer = Running::start(&mut consume, "batch_000001");
    let count = |key| proxy.counts().get(&key).copied().unwrap_or_default();
    let questions = || count(METADATA) + count(LIST_OFFSETS);
    assert!(count(LIST_OFFSETS) <= 4, "one request for all partitions: {:?}", proxy.counts());

    let (fetches, before) = (count(FETCH), questions());
    wait_for("fetches", || (count(FETCH) >= fetches + 40).then_some(()));
    let asked = questions() - before;
    assert!(asked <= 2, "{asked} questions beside 40 fetches: {:?}", proxy.counts());
    assert_eq!(stored_rows(data).lines().count(), 5000);
}

fn new_partitions_are_found_and_stored_from_their_beginning(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = kafka.broker();
    let produce = |input: &str| {
        good(&mut broker.tillstream(data, &["produce", "--rate", "max", "--input", input]));
    };
    produce("generate:500:1");

    let batches = Catalogue::open(&data.join("batch")).unwrap();
    let options = ConsumerOptions {
        batch_size: 1000,
        batch_interval: Duration::from_millis(100),
        refresh_interval: Duration::from_millis(100),
        messages: MessageOptions::default(),
    };
    let (progress, shutdown) = (Arc::<Progress>::default(), Shutdown::default());
    let consumer =
        Consumer::connect(broker.cluster().connect().unwrap(), options, batches, progress.clone())
            .unwrap();
    let stop = shutdown.clone();
    let running = std::thread::spawn(move || consumer.run(&stop, |_| ()).unwrap());
    let wait_for_lines = |count| {
        wait_for("lines", || (progress.lines_stored.get() == count).then_some(()));
    };
    wait_for_lines(500);
    Admin::connect(&broker).create_partitions(&broker.topic, 5);
    produce("generate:2000:2");
    wait_for_lines(2500);
    wait_for("the lag", || (progress.lag.messages() == Some(0)).then_some(()));
    shutdown.request();
    running.join().unwrap();

    let manifests = manifests(data);
    assert_offsets_are_covered_once(&manifests);
    let last = manifests.iter().flat_map(|m| &m.partitions).map(|range| range.partition).max();
    assert_eq!(last, Some(4));
    let status = progress.status();
    assert_eq!((status.lag, status.lag_seconds, status.partition_count), (Some(0), Some(0), 5));
    let next: i64 = status.partitions.iter().map(|lag| lag.next).sum();
    assert_eq!(next, 2500, "{:?}", status.partitions);
    let newest = manifests.last().unwrap();
    let last_batch = status.last_batch.unwrap();
    assert_eq!((last_batch.number, last_batch.rows), (newest.number, newest.rows));
}

fn a_killed_consumer_keeps_every_line_once_however_many_partitions(kafka: Kafka) {
    const LINES: u64 = 12_000;
    let mut broker = kafka.broker();
    let mut random = StdRng::seed_from_u64(24);
    let (topic, input) = (broker.topic.clone(), generated(LINES, 24));
    for partitions in ["1", "3", "6", "12", "24"] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        broker.topic = format!("{topic}.{partitions}");
        let produce = ["produce", "--partitions", partitions, "--rate", "max"];
        good(broker.tillstream(data, &produce).args(["--input", "generate:12000:24"]));
        let consume = |size| broker.tillstream(data, &["consume", "--batch-size", size]);
        for _ in 0..5 {
            let consumer = Running::start(&mut consume("50"), "batch");
            std::thread::sleep(Duration::from_micros(random.random_range(0..20_000)));
            consumer.kill();
        }
        assert!(stored_lines(data) < LINES, "it was to be killed at work");
        good(consume("1000").arg("--once"));
        assert_offsets_are_covered_once(&manifests(data));
        assert_rows_are_stored_once(data, &input);
    }
}
