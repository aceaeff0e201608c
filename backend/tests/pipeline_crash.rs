//! Killed at random moments and started again, every line of the input is in exactly one batch.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{path::Path, process::Command, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use support::{
    Running, assert_offsets_are_covered_once, good, manifests, stored_rows, summary, tillstream,
    wait_for,
};

const LINES: u64 = 40_000;

fn up(data: &Path, partitions: &str) -> Command {
    tillstream(&[
        "up",
        "--input",
        "generate:40000:7",
        "--rate",
        "20000",
        "--batch-size",
        "500",
        "--listen",
        "127.0.0.1:0",
        "--partitions",
        partitions,
        "--once",
        "--data-dir",
        data.to_str().unwrap(),
    ])
}

fn killed_again_and_again(partitions: &str, seed: u64) -> String {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut random = StdRng::seed_from_u64(seed);
    let mut kills = 0;
    for _ in 0..6 {
        let before = manifests(data).len();
        let mut running = Running::start(&mut up(data, partitions), "Page:");
        // Once it has stored some more, at any moment of what it does then.
        let goal = before + random.random_range(1..8);
        wait_for("batches", || {
            (manifests(data).len() >= goal || !running.is_running()).then_some(())
        });
        std::thread::sleep(Duration::from_micros(random.random_range(0..20_000)));
        kills += u64::from(running.is_running());
        running.kill();
    }
    assert!(kills >= 3, "it was to be killed at work, and it was only {kills} times");

    let summary = summary(&good(&mut up(data, partitions)));
    assert_eq!(summary["lines_stored"], LINES, "{summary}");
    assert_eq!(summary["lines_sent"], LINES, "{summary}");
    let manifests = manifests(data);
    assert_offsets_are_covered_once(&manifests);
    assert_eq!(manifests.iter().map(|manifest| manifest.rows).sum::<u64>(), LINES);
    // A batch may hold too few customers for a model; products and countries it always has.
    for number in manifests.iter().map(|manifest| manifest.number) {
        for entity in ["product", "country"] {
            let file = data.join(format!("models/{entity}_model_{number}.json"));
            assert!(file.is_file(), "no {entity} model {number}");
        }
    }
    stored_rows(data)
}

fn generated() -> String {
    let csv = good(&mut tillstream(&["generate", "--lines", "40000", "--seed", "7"]));
    csv.split_once('\n').unwrap().1.to_owned()
}

#[test]
fn one_partition_keeps_every_line_once_and_in_order() {
    assert!(killed_again_and_again("1", 1) == generated(), "the batches are not the input");
}

#[test]
fn several_partitions_keep_every_line_once() {
    let rows = killed_again_and_again("3", 2);
    let mut stored: Vec<_> = rows.lines().collect();
    let generated = generated();
    let mut input: Vec<_> = generated.lines().collect();
    stored.sort_unstable();
    input.sort_unstable();
    assert!(stored == input, "the batches are not the input");
}
