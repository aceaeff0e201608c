//! Killed between every two steps of storing a batch and of training, nothing is lost or doubled.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{fs, os::unix::process::ExitStatusExt, path::Path, process::Command};

use support::{
    assert_offsets_are_covered_once,
    broker::{Broker, Kafka, on_both_brokers},
    good, manifests, models, output, stored_rows, tillstream,
};

/// The steps of writing a file, by its extension.
const FILE_STEPS: [&str; 3] = ["written", "synced", "renamed"];
/// What SIGABRT is on every Linux.
const SIGABRT: i32 = 6;

/// Runs the command to the point where it dies.
#[track_caller]
fn dies_at(point: &str, command: &mut Command) {
    let output = output(command.env("TILLSTREAM_FAULT_ABORT", point));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(SIGABRT), "{point}: {stderr}");
}

fn consume(broker: &Broker, data: &Path) -> Command {
    broker.tillstream(data, &["consume", "--once", "--batch-size", "300"])
}

fn train(data: &Path) -> Command {
    let mut command = tillstream(&["train", "--data-dir"]);
    command.arg(data);
    command
}

on_both_brokers! {
    a_batch_is_stored_once_wherever_the_consumer_dies,
}

fn a_batch_is_stored_once_wherever_the_consumer_dies(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let broker = kafka.broker();
    let produce = ["produce", "--rate", "max", "--input", "generate:1000:9"];
    good(&mut broker.tillstream(folder.path(), &produce));
    let csv = good(&mut tillstream(&["generate", "--lines", "1000", "--seed", "9"]));
    let rows = csv.split_once('\n').unwrap().1;

    let of_file = FILE_STEPS.map(|step| format!("csv.{step}"));
    let of_manifest =
        ["written", "synced", "linked", "unlinked"].map(|step| format!("json.{step}"));
    let of_consumer = ["consumer.stored", "consumer.committed"].map(str::to_owned);
    for point in of_file.into_iter().chain(of_manifest).chain(of_consumer) {
        let data = tempfile::tempdir().unwrap();
        dies_at(&point, &mut consume(&broker, data.path()));
        // And once more, at the same step of what is then the next batch.
        dies_at(&point, &mut consume(&broker, data.path()));
        good(&mut consume(&broker, data.path()));
        assert_offsets_are_covered_once(&manifests(data.path()));
        assert!(stored_rows(data.path()) == rows, "{point}: the batches are not the input");
        let left = fs::read_dir(data.path().join("batch")).unwrap();
        assert_eq!(left.count(), 2 * 4 + 1, "{point}: more is left than batches and the lock");
    }
}

#[test]
fn models_are_the_same_wherever_the_trainer_dies() {
    let stored = tempfile::tempdir().unwrap();
    let up = ["up", "--once", "--rate", "max", "--listen", "127.0.0.1:0", "--batch-size", "500"];
    let input = ["--input", "generate:2000:9", "--data-dir"];
    good(tillstream(&up).args(input).arg(stored.path()));
    let expected = models(stored.path(), &["trained_at"]);
    assert_eq!(expected.len(), 4 * 3 + 2 * 3 + 3, "{:?}", expected.keys());

    let of_files = ["json", "bin", "zst"]
        .into_iter()
        .flat_map(|extension| FILE_STEPS.map(|step| format!("{extension}.{step}")));
    for point in of_files {
        let data = tempfile::tempdir().unwrap();
        let batches = data.path().join("batch");
        fs::create_dir(&batches).unwrap();
        for entry in fs::read_dir(stored.path().join("batch")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), batches.join(entry.file_name())).unwrap();
        }
        dies_at(&point, &mut train(data.path()));
        good(&mut train(data.path()));
        let models = models(data.path(), &["trained_at"]);
        assert!(models == expected, "{point}: the models are others");
    }
}
