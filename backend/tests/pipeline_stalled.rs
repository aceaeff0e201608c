//! Members of a group that something keeps from polling for too long: the group takes their partitions, and
//! nothing is lost or doubled when they go on.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{collections::BTreeSet, process::Command};

use support::{
    Running,
    apache::ApacheKafka,
    assert_offsets_are_covered_once,
    broker::{Broker, Kafka, on_both_brokers},
    disk::Disk,
    generated, good,
    group::{PARTITIONS, assert_stored_once, begin, consume, member, produce, wait_for_lines},
    kafka::{Admin, send},
    manifests,
    s3::S3Server,
    wait_for,
};

on_both_brokers! {
    an_outage_of_the_store_that_is_longer_than_the_time_between_polls,
    a_disk_that_fills_while_partitions_move,
}

/// The longest time between two polls that is possible: no shorter than the session.
fn impatient(command: &mut Command) -> &mut Command {
    command.args(["--kafka-property", "max.poll.interval.ms=6000"])
}

/// The partitions that a group has given a member so far.
fn given(member: &Running) -> BTreeSet<i32> {
    let log = member.log();
    let lists = log
        .lines()
        .filter_map(|line| line.split_once("the group gives partitions [")?.1.split_once(']'));
    lists
        .flat_map(|(list, _)| {
            list.split(", ").filter_map(|number| number.parse().ok()).collect::<Vec<_>>()
        })
        .collect()
}

/// Waits until a member has had all partitions, so that no other has any.
#[track_caller]
fn wait_for_all_partitions(member: &Running, partitions: i32) {
    wait_for("all partitions", || (given(member).len() == partitions as usize).then_some(()));
}

fn an_outage_of_the_store_that_is_longer_than_the_time_between_polls(kafka: Kafka) {
    const LINES: u64 = 12_000;
    let (server, (folder, broker)) = (S3Server::start(), &begin(kafka));
    let (place, gate) = (server.place(), server.another_gate());
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let lines = || place.manifests().iter().map(|manifest| manifest.rows).sum::<u64>();
    let mut stalled = consume(broker, &one);
    impatient(gate.serve(stalled.args(["--batch-store", &place.url()])));
    let stalled = Running::spawn(&mut stalled);
    let producer = Running::start(&mut produce(broker, folder.path(), LINES, "600"), "{");
    wait_for("lines", || (lines() > 0).then_some(()));

    gate.close();
    let mut other = consume(broker, &other);
    let other = Running::spawn(server.serve(other.args(["--batch-store", &place.url()])));
    wait_for("the wait", || stalled.log().contains("the consumer waits").then_some(()));
    wait_for_all_partitions(&other, PARTITIONS);
    producer.kill();
    good(&mut produce(broker, folder.path(), LINES, "max"));
    wait_for("all lines", || (lines() == LINES).then_some(()));

    gate.open();
    wait_for("the loss to be heard of", || {
        stalled.log().contains("the group has taken partitions").then_some(())
    });
    other.interrupt();
    good(&mut produce(broker, folder.path(), 1000, "max"));
    wait_for("the lines after it", || (lines() == LINES + 1000).then_some(()));
    stalled.interrupt();
    assert_offsets_are_covered_once(&place.manifests());
    let (rows, input) = (place.rows(), generated(LINES, LINES) + &generated(1000, 1000));
    let [mut rows, mut input] = [&rows, &input].map(|rows| rows.lines().collect::<Vec<_>>());
    rows.sort_unstable();
    input.sort_unstable();
    assert!(rows == input, "the batches are not the input");
}

fn a_disk_that_fills_while_partitions_move(kafka: Kafka) {
    const LINES: u64 = 5_000;
    let (folder, broker) = &begin(kafka);
    let data = folder.path();
    let disk = Disk::new(data);
    good(&mut produce(broker, data, LINES, "max"));
    // What is left of the lines waits in the open batch for a rebalance.
    let consume = || {
        let mut command = member(&broker.topic, broker, data);
        command.args(["--batch-size", "2000", "--batch-interval", "3600"]);
        command
    };
    let full = Running::spawn(disk.of(&mut consume()));
    wait_for_lines(data, 4000);
    disk.fill();
    let other = Running::spawn(&mut consume());
    wait_for("the pause", || full.log().contains("reading is paused").then_some(()));
    wait_for("the other to have partitions", || (!given(&other).is_empty()).then_some(()));
    disk.make_room();
    wait_for("the end of the pause", || full.log().contains("the consumer goes on").then_some(()));
    full.interrupt();
    wait_for_all_partitions(&other, PARTITIONS);
    other.interrupt();
    good(consume().arg("--once"));
    assert_stored_once(data, LINES);
}

/// The dead-letter topic may not be written to, and so is waited for.
#[test]
fn a_wait_for_the_dead_letter_topic_that_is_longer_than_the_time_between_polls() {
    const LINES: u64 = 2_000;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let kafka = ApacheKafka::start_with(&["--sasl", "plain", "--acl"]);
    let onlooker = Broker::at(&kafka.super_user_address());
    Admin::connect(&onlooker).create_topic(&onlooker.topic, PARTITIONS);
    let secured = |arguments: &[&str]| {
        let mut command = support::tillstream(arguments);
        command.args(["--brokers", &kafka.address, "--topic", &onlooker.topic, "--kafka-config"]);
        command.arg(kafka.client_properties()).arg("--data-dir").arg(data);
        command
    };
    let consume = || {
        let mut command = secured(&["consume", "--group", "stalled", "--batch-interval", "1"]);
        for property in ["session.timeout.ms=6000", "heartbeat.interval.ms=300"] {
            command.args(["--kafka-property", property]);
        }
        impatient(&mut command);
        command
    };
    let write_to_dead_letters = |action: &str| {
        let topic = onlooker.dead_letter_topic();
        let denied = ["--deny-principal", "User:tillstream", "--operation", "Write", "--force"];
        kafka.acl(&[&[action][..], &denied, &["--topic", &topic]].concat());
    };
    let members = [(); 2].map(|()| Running::spawn(&mut consume()));
    for member in &members {
        wait_for("partitions for all", || (!given(member).is_empty()).then_some(()));
    }
    good(&mut produce(&onlooker, data, LINES, "max"));
    wait_for_lines(data, LINES);

    let rebalances = |member: &Running| member.log().matches("the group gives").count();
    let before = members.each_ref().map(rebalances);
    write_to_dead_letters("--add");
    send(&onlooker, &[b"no line"]);
    let waits = |member: &Running| member.log().contains("the consumer waits");
    let at = wait_for("the wait", || members.iter().position(waits));
    // Another member gets the partition, and may not write either.
    wait_for("another to get the partition", || {
        (rebalances(&members[1 - at]) > before[1 - at]).then_some(())
    });
    write_to_dead_letters("--remove");
    wait_for("it to go on", || members[at].log().contains("the consumer goes on").then_some(()));
    good(&mut produce(&onlooker, data, 1000, "max"));
    wait_for_lines(data, LINES + 1000);
    // And it is a member again, which goes on alone.
    let [one, other] = members;
    let (stalled, other) = if at == 0 { (one, other) } else { (other, one) };
    other.interrupt();
    good(&mut produce(&onlooker, data, 500, "max"));
    wait_for_lines(data, LINES + 1500);
    stalled.interrupt();
    let manifests = manifests(data);
    assert_offsets_are_covered_once(&manifests);
    assert_eq!(manifests.iter().map(|manifest| manifest.dead_letters).sum::<u64>(), 1);
}
