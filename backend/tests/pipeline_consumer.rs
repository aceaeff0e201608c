//! The parts one by one, and messages of other producers.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use rdkafka::Message;
use support::{
    Running, good,
    kafka::{Admin, DEAD_LETTERS, broker, committed, headers, messages, send},
    manifests, stored_rows, tillstream,
};
use tillstream_shared::ClosedBy;

#[test]
fn the_parts_run_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker(data);
    let shared = ["--data-dir", data.to_str().unwrap(), "--brokers", &broker.announced];
    let produce = |arguments: &[&str]| good(tillstream(&["produce"]).args(shared).args(arguments));
    let input = ["--input", "generate:5000:3", "--rate", "max"];
    assert!(produce(&input).starts_with("5000 lines sent, 0 were"));
    assert!(produce(&input).starts_with("0 lines sent, 5000 were"));
    let consume = |size: &str| {
        let mut command = tillstream(&["consume", "--once", "--batch-size", size]);
        good(command.args(shared))
    };
    assert_eq!(consume("2000").lines().count(), 3);
    assert_eq!(consume("2000"), "", "everything is stored");
    assert!(
        produce(&["--restart", "--input", "generate:5000:3", "--rate", "max"])
            .starts_with("5000 lines sent")
    );
    consume("10000");
    assert_eq!(
        manifests(data).iter().map(|m| m.rows).collect::<Vec<_>>(),
        [2000, 2000, 1000, 5000]
    );
    assert_eq!(committed(&broker.announced), 10_000, "what onlookers are told");
    let trained = good(tillstream(&["train", "--data-dir"]).arg(data));
    // 12 of a batch each, and of all three entities one of all batches, one live and one of profiles.
    assert!(trained.starts_with("21 models"), "{trained}");
    broker.interrupt();
}

#[test]
fn messages_of_the_original_producer_are_stored_and_others_are_dead_letters() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker(data);
    let line = r#"{"InvoiceNo": "536365", "StockCode": "85123A", "Description": "T-LIGHT, \"WHITE\"", "Quantity": "6", "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": "2.55", "CustomerID": "17850.0", "Country": "United Kingdom"}"#;
    let anonymous = r#"{"InvoiceNo": 536366, "StockCode": 22139, "Description": NaN, "Quantity": 6, "InvoiceDate": "12/1/2010 8:26", "UnitPrice": 3, "CustomerID": NaN, "Country": "France"}"#;
    let invalid = r#"{"Quantity": 1}"#;
    send(&broker.announced, &[line, "hello", anonymous, invalid].map(str::as_bytes));

    let mut consume = tillstream(&["consume", "--once", "--brokers", &broker.announced]);
    good(consume.arg("--data-dir").arg(data));
    assert_eq!(
        stored_rows(data),
        "536365,85123A,\"T-LIGHT, \"\"WHITE\"\"\",6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n\
         536366,22139,,6,2010-12-01 08:26:00,3.0,,France\n"
    );
    let manifest = &manifests(data)[0];
    assert_eq!((manifest.rows, manifest.dead_letters), (2, 2));

    let dead = messages(&broker.announced, DEAD_LETTERS, 2);
    assert_eq!(
        [dead[0].payload(), dead[1].payload()],
        ["hello", invalid].map(|p| Some(p.as_bytes()))
    );
    let [offset, reason] = [2, 4].map(|at| headers(&dead[1])[at].1.clone());
    assert!(offset == "3" && reason.contains("InvoiceNo"), "{offset}: {reason}");
}

#[test]
fn a_quiet_topic_is_stored_after_the_interval() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker(data);
    let input = ["--input", "generate:30", "--rate", "max", "--brokers", &broker.announced];
    good(tillstream(&["produce", "--data-dir"]).arg(data).args(input));
    let mut consume = tillstream(&["consume", "--batch-interval", "0.2", "--brokers"]);
    let consume =
        Running::start(consume.arg(&broker.announced).arg("--data-dir").arg(data), "batch_000001");
    let manifest = &manifests(data)[0];
    assert_eq!((manifest.rows, manifest.closed_by), (30, ClosedBy::Time));
    consume.interrupt();
}

#[test]
fn topics_keep_messages_as_long_as_asked_for_when_they_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path());
    let admin = Admin::connect(&broker.announced);
    let consume = |arguments: &[&str]| {
        let mut command = tillstream(&["consume", "--once", "--brokers", &broker.announced]);
        good(command.arg("--data-dir").arg(folder.path()).args(arguments));
    };
    for (arguments, topic, millis) in [
        (&[][..], "retail_stream", "604800000"),
        (&["--topic", "hour", "--retention", "1h"], "hour", "3600000"),
        (&["--topic", "all", "--retention", "forever"], "all", "-1"),
        (&["--topic", "all", "--retention", "1h"], "all", "-1"),
    ] {
        consume(arguments);
        for topic in [topic.to_owned(), format!("{topic}.dead_letter")] {
            assert_eq!(admin.config(&topic, "retention.ms").as_deref(), Some(millis), "{topic}");
        }
    }
}
