//! A disk without room, for a while: everything waits, says so, and loses nothing.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{fs, path::Path};

use support::{
    Running, assert_offsets_are_covered_once, assert_rows_are_stored_once,
    broker::{Kafka, on_both_brokers},
    disk::Disk,
    generated, good,
    kafka::{committed, send},
    manifests, status, stored_lines, wait_for,
};
use tillstream::kafka::Cluster;
use tillstream_shared::api::{Component, Status};

on_both_brokers! {
    a_full_disk_pauses_the_consumer,
    a_consumer_that_waits_for_room_can_be_stopped,
    the_whole_pipeline_waits_for_room,
}

/// Bytes in files that are no part of a batch.
fn unfinished(data: &Path) -> u64 {
    let files = fs::read_dir(data.join("batch")).unwrap().map(|file| file.unwrap());
    let unfinished = files.filter(|file| file.file_name().to_string_lossy().ends_with(".tmp"));
    unfinished.map(|file| file.metadata().map_or(0, |file| file.len())).sum()
}

fn a_full_disk_pauses_the_consumer(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (broker, disk) = (kafka.broker(), Disk::new(data));
    let produce = |seed: u64| {
        let input = format!("generate:1500:{seed}");
        let arguments = ["produce", "--rate", "max", "--partitions", "3", "--input", &input];
        good(&mut broker.tillstream(data, &arguments));
        send(&broker, &[b"no line".as_slice(), b"", b"none either"]);
        generated(1500, seed)
    };
    let mut input = produce(0);
    let arguments = ["consume", "--batch-size", "1000", "--batch-interval", "0.3"];
    let consume = Running::start(disk.of(&mut broker.tillstream(data, &arguments)), "batch_000001");
    let rounds = 4;
    for round in 1..rounds {
        disk.fill();
        input += &produce(round);
        let waits = || consume.log().matches("the consumer waits: reading is paused").count();
        wait_for("the pause", || (waits() as u64 >= round).then_some(()));
        let before = stored_lines(data);
        assert_eq!(unfinished(data), 0, "bytes that take room");
        disk.make_room();
        wait_for("a batch", || (stored_lines(data) > before).then_some(()));
    }
    wait_for("all lines", || (stored_lines(data) == rounds * 1500).then_some(()));
    consume.interrupt();
    assert_rows_are_stored_once(data, &input);
    // What came last may be no line, and goes into the next batch.
    produce(rounds);
    good(&mut broker.tillstream(data, &["consume", "--once"]));
    let manifests = manifests(data);
    assert_offsets_are_covered_once(&manifests);
    let sum = |count: fn(&tillstream_shared::Manifest) -> u64| manifests.iter().map(count).sum();
    let (dead, empty): (u64, u64) = (sum(|m| m.dead_letters), sum(|m| m.empty));
    assert_eq!((dead, empty), (2 * (rounds + 1), rounds + 1));
    let letters =
        Cluster::new(&broker.address, broker.dead_letter_topic()).connect().unwrap().current_ends();
    assert_eq!(letters.unwrap()[&0] as u64, dead, "each once");
    let ranges = manifests.iter().flat_map(|manifest| &manifest.partitions);
    let last = ranges.filter(|range| range.partition == 0).map(|range| range.last).max();
    assert_eq!(last.map(|last| last + 1), Some(committed(&broker)));
}

fn a_consumer_that_waits_for_room_can_be_stopped(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (broker, disk) = (kafka.broker(), Disk::new(data));
    let produce = |input: &str| {
        good(&mut broker.tillstream(data, &["produce", "--rate", "max", "--input", input]));
    };
    produce("generate:1500:1");
    let arguments = ["consume", "--batch-size", "1000", "--batch-interval", "3600"];
    let consume = Running::start(disk.of(&mut broker.tillstream(data, &arguments)), "batch_000001");
    disk.fill();
    produce("generate:1500:2");
    wait_for("the pause", || consume.log().contains("reading is paused").then_some(()));
    consume.interrupt();
    assert_eq!(stored_lines(data), 1000);

    disk.make_room();
    good(&mut broker.tillstream(data, &["consume", "--once"]));
    assert_rows_are_stored_once(data, &(generated(1500, 1) + &generated(1500, 2)));
    assert_offsets_are_covered_once(&manifests(data));
}

fn the_whole_pipeline_waits_for_room(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let disk = Disk::new(folder.path());
    let lines = generated(20_000, 5);
    let (header, invalid) = (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n",
        "1,2,three,many,never,0,,\n",
    );
    let rows = lines
        .lines()
        .enumerate()
        .map(|(n, line)| format!("{line}\n{}", if n % 100 == 0 { invalid } else { "" }));
    let input = folder.path().join("lines.csv");
    fs::write(&input, header.to_owned() + &rows.collect::<String>()).unwrap();

    let mut up = support::tillstream(&["up", "--rate", "4000", "--batch-size", "1000"]);
    up.args(["--batch-interval", "1", "--listen", "127.0.0.1:0", "--input"])
        .arg(&input)
        .arg("--data-dir")
        .arg(&data);
    let up = Running::start(disk.of(up.args(kafka.arguments_of_up())), "Page:");
    let now = || status(&up.announced);
    let is_waiting = |status: &Status, component| {
        status.component(component).is_some_and(|status| status.waiting.is_some())
    };
    for stored in [0, 5000] {
        wait_for("lines", || (now().lines_stored > stored).then_some(()));
        disk.fill();
        wait_for("the pause", || {
            let status = now();
            let waits = |component| is_waiting(&status, component);
            (waits(Component::Producer) && waits(Component::Consumer)).then_some(())
        });
        let waiting = now().component(Component::Consumer).unwrap().waiting.clone().unwrap();
        assert!(waiting.contains("the disk is full") && waiting.contains("batch"), "{waiting}");
        disk.make_room();
        wait_for("the end of the pause", || {
            let status = now();
            let waits = |component| is_waiting(&status, component);
            (!waits(Component::Producer) && !waits(Component::Consumer)).then_some(())
        });
    }
    wait_for("all lines", || {
        let status = now();
        (status.lines_sent == 20_000 && status.lines_stored + status.lines_open == 20_000)
            .then_some(())
    });
    assert_eq!(now().rejects, 200);
    up.interrupt();
    assert_rows_are_stored_once(&data, &lines);
    assert_offsets_are_covered_once(&manifests(&data));
    let rejects = fs::read_dir(data.join("rejects")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_to_string(rejects).unwrap().lines().count(), 201);
}
