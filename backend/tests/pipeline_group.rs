//! Several consumers of one group that store into one folder: whatever becomes of them, every line is stored once.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use support::{
    Running, assert_offsets_are_covered_once,
    broker::{Kafka, on_both_brokers},
    good,
    group::{PARTITIONS, assert_stored_once, begin, consume, consume_in, produce, wait_for_lines},
    kafka::{committed_by, send},
    manifests, tillstream, wait_for,
};
use tillstream_shared::Manifest;

on_both_brokers! {
    consumers_join_leave_and_are_killed,
    a_consumer_that_slept_does_not_store_again_what_others_have,
    consumers_of_two_groups_do_not_store_a_line_twice,
    members_end_when_all_of_the_topic_is_stored,
    invalid_messages_alone_are_not_read_again_by_another_member,
    a_storm_of_rebalances_loses_nothing,
}

/// The variable with the seconds that the storm lasts.
const STORM_SECONDS: &str = "TILLSTREAM_TEST_STORM_SECONDS";

/// Which consumer has stored a batch.
fn consumer_of(manifest: &Manifest) -> String {
    manifest.file.trim_end_matches(".csv").rsplit('_').next().unwrap().to_owned()
}

/// The consumers of the batches after the first `from`.
fn consumers(data: &Path, from: usize) -> BTreeSet<String> {
    manifests(data).iter().skip(from).map(consumer_of).collect()
}

/// Waits until so many consumers have stored batches after the first `from`.
#[track_caller]
fn wait_for_consumers(data: &Path, from: usize, count: usize) {
    wait_for("batches of all", || (consumers(data, from).len() >= count).then_some(()));
}

/// Waits until batches after the first `from` have lines of every partition.
#[track_caller]
fn wait_for_all_partitions(data: &Path, from: usize) {
    wait_for("all partitions", || {
        let stored = manifests(data);
        let ranges = stored.iter().skip(from).flat_map(|manifest| &manifest.partitions);
        let partitions: BTreeSet<_> = ranges.map(|range| range.partition).collect();
        (partitions.len() == PARTITIONS as usize).then_some(())
    });
}

fn consumers_join_leave_and_are_killed(kafka: Kafka) {
    const LINES: u64 = 12_000;
    let (folder, broker) = &begin(kafka);
    let data = folder.path();
    let producer = Running::start(&mut produce(broker, data, LINES, "600"), "{");
    let first = Running::start(&mut consume(broker, data), "batch");
    let second = Running::spawn(&mut consume(broker, data));
    wait_for_consumers(data, 0, 2);
    let third = Running::spawn(&mut consume(broker, data));
    wait_for_consumers(data, manifests(data).len(), 3);

    let before = manifests(data).len();
    first.interrupt();
    wait_for_all_partitions(data, before);
    second.kill();
    producer.kill();
    good(&mut produce(broker, data, LINES, "max"));
    wait_for_lines(data, LINES);
    assert_stored_once(data, LINES);

    // What Kafka's own tools tell of the group.
    let ends: Vec<_> =
        broker.cluster().connect().unwrap().current_ends().unwrap().into_values().collect();
    wait_for("the commit of all offsets", || {
        (committed_by(&broker.topic, broker, PARTITIONS) == ends).then_some(())
    });
    third.interrupt();
    let trained = good(tillstream(&["train", "--k", "2", "--data-dir"]).arg(data));
    assert!(trained.contains(" models"), "{trained}");
}

fn a_consumer_that_slept_does_not_store_again_what_others_have(kafka: Kafka) {
    const LINES: u64 = 12_000;
    let (folder, broker) = &begin(kafka);
    let data = folder.path();
    let producer = Running::start(&mut produce(broker, data, LINES, "600"), "{");
    let sleeper = Running::start(&mut consume(broker, data), "batch");
    let other = Running::spawn(&mut consume(broker, data));
    wait_for_consumers(data, manifests(data).len(), 2);

    sleeper.signal("-STOP");
    wait_for_all_partitions(data, manifests(data).len());
    sleeper.signal("-CONT");
    producer.kill();
    good(&mut produce(broker, data, LINES, "max"));
    wait_for_lines(data, LINES);
    assert_stored_once(data, LINES);
    // And it is a member again, which goes on alone.
    wait_for("the loss to be heard of", || {
        sleeper.log().contains("the group has taken partitions").then_some(())
    });
    other.interrupt();
    good(&mut produce(broker, data, 1000, "max"));
    wait_for_lines(data, LINES + 1000);
    sleeper.interrupt();
    assert_offsets_are_covered_once(&manifests(data));
}

fn consumers_of_two_groups_do_not_store_a_line_twice(kafka: Kafka) {
    const LINES: u64 = 10_000;
    let (folder, broker) = &begin(kafka);
    let data = folder.path();
    let consumers = ["one", "other"].map(|group| {
        let group = format!("{}.{group}", broker.topic);
        Running::spawn(&mut consume_in(&group, broker, data))
    });
    good(&mut produce(broker, data, LINES, "3000"));
    wait_for_lines(data, LINES);
    assert_stored_once(data, LINES);
    wait_for("one to be late", || {
        let is_late = |consumer: &Running| consumer.log().contains("a batch is given up");
        consumers.iter().any(is_late).then_some(())
    });
    consumers.into_iter().for_each(Running::interrupt);
}

fn members_end_when_all_of_the_topic_is_stored(kafka: Kafka) {
    const LINES: u64 = 5_000;
    let (folder, broker) = &begin(kafka);
    let data = folder.path();
    good(&mut produce(broker, data, LINES, "max"));
    let consume = || {
        let mut command = consume(broker, data);
        command.arg("--once");
        command
    };
    let others = [Running::spawn(&mut consume()), Running::spawn(&mut consume())];
    good(&mut consume());
    assert_stored_once(data, LINES);
    for mut other in others {
        wait_for("the end of the others", || (!other.is_running()).then_some(()));
    }
    assert_eq!(good(&mut consume()), "", "everything is stored");
}

fn invalid_messages_alone_are_not_read_again_by_another_member(kafka: Kafka) {
    let (folder, broker) = &begin(kafka);
    let data = folder.path();
    send(broker, &[b"one", b"two"]);
    let invalid = |consumer: &Running| consumer.log().matches("invalid message at").count();
    let first = Running::spawn(&mut consume(broker, data));
    wait_for("the dead letters", || (invalid(&first) == 2).then_some(()));
    let second = Running::spawn(&mut consume(broker, data));
    wait_for("a rebalance", || second.log().contains("the group gives").then_some(()));
    first.interrupt();
    send(broker, &[b"three"]);
    wait_for("the dead letter", || (invalid(&second) > 0).then_some(()));
    good(&mut produce(broker, data, 1000, "max"));
    second.interrupt();
    let stored = manifests(data);
    assert_eq!(stored.iter().map(|manifest| manifest.dead_letters).sum::<u64>(), 3);
    assert_offsets_are_covered_once(&stored);
    let mut list = tillstream(&["dead-letters", "list", "--limit=9"]);
    assert_eq!(good(list.args(broker.arguments())).lines().count(), 3);
}

fn a_storm_of_rebalances_loses_nothing(kafka: Kafka) {
    const RATE: u64 = 2000;
    let seconds = std::env::var(STORM_SECONDS).map_or(10, |seconds| seconds.parse().unwrap());
    let lines = seconds * RATE;
    let (folder, broker) = &begin(kafka);
    let data = folder.path();
    let mut random = StdRng::seed_from_u64(10);
    let mut producer = Running::start(&mut produce(broker, data, lines, &RATE.to_string()), "{");
    let mut members = vec![Running::start(&mut consume(broker, data), "batch")];
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(random.random_range(0..1500)));
        if members.len() > 1 && (members.len() == 4 || random.random_bool(0.5)) {
            let leaver = members.swap_remove(random.random_range(0..members.len()));
            // One that is still starting cannot leave.
            let is_member = leaver.log().contains("the group gives");
            if is_member && random.random_bool(0.7) { leaver.interrupt() } else { leaver.kill() }
        } else {
            members.push(Running::spawn(&mut consume(broker, data)));
        }
    }
    wait_for_lines(data, lines);
    wait_for("the end of the producer", || (!producer.is_running()).then_some(()));
    drop(members);
    assert_stored_once(data, lines);
    let by = consumers(data, 0).len();
    assert!(by > 1, "one consumer has stored all");
}
