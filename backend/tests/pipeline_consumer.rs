//! The parts one by one, and messages of other producers.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use rdkafka::Message;
use support::{
    Running,
    broker::{Kafka, on_both_brokers},
    good,
    kafka::{Admin, committed, headers, messages, send},
    manifests, stored_rows, tillstream,
};
use tillstream_shared::ClosedBy;

on_both_brokers! {
    the_parts_run_one_by_one,
    messages_of_the_original_producer_are_stored_and_others_are_dead_letters,
    a_quiet_topic_is_stored_after_the_interval,
    topics_keep_messages_as_long_as_asked_for_when_they_are_made,
}

fn the_parts_run_one_by_one(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = kafka.broker();
    let produce = |arguments: &[&str]| good(broker.tillstream(data, &["produce"]).args(arguments));
    let input = ["--input", "generate:5000:3", "--rate", "max"];
    assert!(produce(&input).starts_with("5000 lines sent, 0 were"));
    assert!(produce(&input).starts_with("0 lines sent, 5000 were"));
    let consume = |size: &str| {
        good(&mut broker.tillstream(data, &["consume", "--once", "--batch-size", size]))
    };
    assert_eq!(consume("2000").lines().count(), 3);
    assert_eq!(consume("2000"), "", "everything is stored");
    let left = std::fs::read_dir(data.join("batch")).unwrap().count();
    assert_eq!(left, 7, "three batches, their manifests and the folder's lock");
    assert!(
        produce(&["--restart", "--input", "generate:5000:3", "--rate", "max"])
            .starts_with("5000 lines sent")
    );
    consume("10000");
    assert_eq!(
        manifests(data).iter().map(|m| m.rows).collect::<Vec<_>>(),
        [2000, 2000, 1000, 5000]
    );
    assert_eq!(committed(&broker), 10_000, "what onlookers are told");
    let trained = good(tillstream(&["train", "--data-dir"]).arg(data));
    // 12 of a batch each, and of all three entities one of all batches, one live and one of profiles.
    assert!(trained.starts_with("21 models"), "{trained}");
}

fn messages_of_the_original_producer_are_stored_and_others_are_dead_letters(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = kafka.broker();
    let line = r#"{"InvoiceNo": "536365", "StockCode": "85123A", "Description": "T-LIGHT, \"WHITE\"", "Quantity": "6", "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": "2.55", "CustomerID": "17850.0", "Country": "United Kingdom"}"#;
    let anonymous = r#"{"InvoiceNo": 536366, "StockCode": 22139, "Description": NaN, "Quantity": 6, "InvoiceDate": "12/1/2010 8:26", "UnitPrice": 3, "CustomerID": NaN, "Country": "France"}"#;
    let invalid = r#"{"Quantity": 1}"#;
    send(&broker, &[line, "hello", anonymous, invalid].map(str::as_bytes));

    good(&mut broker.tillstream(data, &["consume", "--once"]));
    assert_eq!(
        stored_rows(data),
        "536365,85123A,\"T-LIGHT, \"\"WHITE\"\"\",6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n\
         536366,22139,,6,2010-12-01 08:26:00,3.0,,France\n"
    );
    let manifest = &manifests(data)[0];
    assert_eq!((manifest.rows, manifest.dead_letters), (2, 2));

    let dead = messages(&broker, &broker.dead_letter_topic(), 2);
    assert_eq!(
        [dead[0].payload(), dead[1].payload()],
        ["hello", invalid].map(|p| Some(p.as_bytes()))
    );
    let [offset, reason] = [2, 4].map(|at| headers(&dead[1])[at].1.clone());
    assert!(offset == "3" && reason.contains("InvoiceNo"), "{offset}: {reason}");
}

fn a_quiet_topic_is_stored_after_the_interval(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = kafka.broker();
    good(&mut broker.tillstream(data, &["produce", "--input", "generate:30", "--rate", "max"]));
    let mut consume = broker.tillstream(data, &["consume", "--batch-interval", "0.2"]);
    let consume = Running::start(&mut consume, "batch_000001");
    let manifest = &manifests(data)[0];
    assert_eq!((manifest.rows, manifest.closed_by), (30, ClosedBy::Time));
    consume.interrupt();
}

fn topics_keep_messages_as_long_as_asked_for_when_they_are_made(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let mut broker = kafka.broker();
    let admin = Admin::connect(&broker);
    let [default, hour, all] = ["default", "hour", "all"].map(|n| format!("{}.{n}", broker.topic));
    for (arguments, topic, millis) in [
        (&[][..], &default, "604800000"),
        (&["--retention", "1h"], &hour, "3600000"),
        (&["--retention", "forever"], &all, "-1"),
        (&["--retention", "1h"], &all, "-1"),
    ] {
        broker.topic.clone_from(topic);
        let mut consume = broker.tillstream(folder.path(), &["consume", "--once"]);
        good(consume.args(arguments));
        for topic in [topic, &broker.dead_letter_topic()] {
            assert_eq!(admin.config(topic, "retention.ms").as_deref(), Some(millis), "{topic}");
        }
    }
}
