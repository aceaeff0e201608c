//! Killed at random moments and started again, every line of the input is in exactly one batch.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{path::Path, process::Command, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use support::{
    Running, assert_offsets_are_covered_once, assert_rows_are_stored_once,
    broker::{Broker, Kafka, on_both_brokers},
    generated, good,
    kafka::Admin,
    manifests, stored_lines, stored_rows, summary, tillstream, wait_for,
};
use tillstream::registry::ProfileRowStore;
use tillstream_shared::{Entity, Model};

on_both_brokers! {
    one_partition_keeps_every_line_once_and_in_order,
    several_partitions_keep_every_line_once,
    the_producer_killed_alone_keeps_every_line_once,
    the_broker_killed_alone_keeps_every_line_once,
}

const LINES: u64 = 40_000;
const SEED: u64 = 7;
/// So many that a slow producer is at work however long the broker takes to start.
const MANY_LINES: u64 = 200_000;

fn up(data: &Path, partitions: &str, kafka: &[String]) -> Command {
    let mut command = tillstream(&[
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
    ]);
    command.args(kafka);
    command
}

fn killed_again_and_again(data: &Path, partitions: &str, kafka: Kafka, seed: u64) {
    let kafka = kafka.arguments_of_up();
    let up = || up(data, partitions, &kafka);
    let mut random = StdRng::seed_from_u64(seed);
    let mut kills = 0;
    for _ in 0..6 {
        let before = manifests(data).len();
        let mut running = Running::start(&mut up(), "Page:");
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

    let summary = summary(&good(&mut up()));
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
}

/// What the models of many batches amount to, but for when they were trained: points, profiles and
/// live clusters would differ if a batch were left out or counted twice.
fn models_of_many_batches(data: &Path) -> Vec<String> {
    let last = manifests(data).len() as u64;
    let rows = ProfileRowStore::of(&data.join("models"));
    Entity::ALL
        .into_iter()
        .flat_map(|entity| {
            let model = |number: &str| {
                let path = data.join(format!("models/{entity}_model_{number}.json"));
                let model: Model = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
                let Model { batch, sizes, model_centroids, sse, funnel, decay, .. } = model;
                format!("{batch:?} {sizes:?} {model_centroids:?} {sse} {funnel:?} {decay:?}")
            };
            let path = data.join(format!("models/{entity}_profile_model_{last}.json"));
            let model_of_rows = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            let rows = rows.load(&model_of_rows).unwrap();
            [model("all"), model("live"), format!("{rows:?}")]
        })
        .collect()
}

fn one_partition_keeps_every_line_once_and_in_order(kafka: Kafka) {
    let (killed, quiet) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    killed_again_and_again(killed.path(), "1", kafka, 1);
    assert!(stored_rows(killed.path()) == generated(LINES, SEED), "the batches are not the input");
    good(&mut up(quiet.path(), "1", &kafka.arguments_of_up()));
    let [killed, quiet] = [killed, quiet].map(|folder| models_of_many_batches(folder.path()));
    assert_eq!(killed, quiet);
}

fn several_partitions_keep_every_line_once(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    killed_again_and_again(folder.path(), "3", kafka, 2);
    assert_rows_are_stored_once(folder.path(), &generated(LINES, SEED));
}

fn produce(broker: &Broker, data: &Path, lines: u64, rate: &str) -> Command {
    let input = format!("generate:{lines}:{SEED}");
    broker.tillstream(data, &["produce", "--input", &input, "--print", "--rate", rate])
}

fn consume(broker: &Broker, data: &Path) -> Command {
    broker.tillstream(data, &["consume", "--batch-size", "500", "--batch-interval", "0.3"])
}

#[track_caller]
fn assert_every_line_is_stored_once(broker: &Broker, data: &Path, lines: u64) {
    good(consume(broker, data).arg("--once"));
    assert!(stored_rows(data) == generated(lines, SEED), "the batches are not the input");
    assert_offsets_are_covered_once(&manifests(data));
}

/// The last requests to the slow broker are appended and not visible yet when the producer is started again, and
/// so sent again; and once, all that was stored has left the topic meanwhile.
fn the_producer_killed_alone_keeps_every_line_once(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = &kafka.slow_broker();
    let mut random = StdRng::seed_from_u64(3);
    let mut producer = Running::start(&mut produce(broker, data, LINES, "5000"), "{");
    let consumer = Running::start(&mut consume(broker, data), "batch_000001");
    for round in 0..5 {
        let goal = stored_lines(data) + random.random_range(200..1000);
        wait_for("lines", || (stored_lines(data) >= goal).then_some(()));
        std::thread::sleep(Duration::from_micros(random.random_range(0..200_000)));
        assert!(producer.is_running(), "it was to be killed at work");
        producer.kill();
        if round == 3 {
            let next = manifests(data).last().unwrap().partitions[0].last + 1;
            Admin::connect(broker).delete_records(&broker.topic, next);
        }
        producer = Running::start(&mut produce(broker, data, LINES, "5000"), "{");
    }
    wait_for("the end of the producer", || (!producer.is_running()).then_some(()));
    assert!(
        good(&mut produce(broker, data, LINES, "5000")).starts_with("0 lines sent, 40000 were")
    );
    consumer.interrupt();
    assert_every_line_is_stored_once(broker, data, LINES);
    let repeated: u64 = manifests(data).iter().map(|manifest| manifest.repeated).sum();
    if kafka == Kafka::Embedded {
        assert!(repeated > 0, "nothing was sent twice, so that the test tests nothing");
    }
}

fn the_broker_killed_alone_keeps_every_line_once(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut broker = kafka.slow_broker();
    let mut random = StdRng::seed_from_u64(4);
    let mut producer = Running::start(&mut produce(&broker, data, MANY_LINES, "1000"), "{");
    let mut consumer = Running::start(&mut consume(&broker, data), "batch_000001");
    for _ in 0..4 {
        let goal = stored_lines(data) + random.random_range(200..1000);
        wait_for("lines", || (stored_lines(data) >= goal).then_some(()));
        std::thread::sleep(Duration::from_micros(random.random_range(0..200_000)));
        assert!(producer.is_running(), "it outlives the broker: {}", producer.log());
        assert!(consumer.is_running(), "it outlives the broker: {}", consumer.log());
        broker.kill();
        broker.restart();
    }
    producer.interrupt();
    good(&mut produce(&broker, data, MANY_LINES, "max"));
    consumer.interrupt();
    assert_every_line_is_stored_once(&broker, data, MANY_LINES);
}
