//! Messages that cannot be decoded: where they go, and how they come back.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{path::Path, process::Stdio};

use rdkafka::{
    Message,
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};
use serde_json::Value;
use support::{
    good,
    kafka::{Admin, DEAD_LETTERS, TOPIC, broker, client, headers, messages, send},
    manifests, stored_rows, tillstream, wait_for,
};

const LINE: &str = r#"{"InvoiceNo": "536365", "StockCode": "85123A", "Description": "T-LIGHT", "Quantity": 6, "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": 2.55, "CustomerID": "17850", "Country": "United Kingdom"}"#;

fn consume(brokers: &str, data: &Path) -> std::process::Command {
    let mut command = tillstream(&["consume", "--once", "--brokers", brokers, "--data-dir"]);
    command.arg(data);
    command
}

fn dead_letters(brokers: &str, arguments: &[&str]) -> String {
    good(tillstream(&["dead-letters"]).args(arguments).args(["--brokers", brokers]))
}

fn list(brokers: &str) -> Vec<Value> {
    let lines = dead_letters(brokers, &["list"]);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A message with a key and headers of its own, some of which are called like a dead letter's.
fn send_with_headers(brokers: &str, payload: &str) {
    let producer: BaseProducer = client(brokers).create().unwrap();
    let headers = OwnedHeaders::new()
        .insert(Header { key: "source", value: Some("file/1") })
        .insert(Header { key: "line", value: Some("1") })
        .insert(Header { key: "reason", value: Some("theirs") })
        .insert(Header { key: "trace", value: None::<&str> });
    let record = BaseRecord::to(TOPIC).partition(0).key("key").payload(payload).headers(headers);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(support::DEADLINE).unwrap();
}

#[test]
fn an_invalid_message_keeps_its_origin_and_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker(data);
    let brokers = &broker.announced;
    send(brokers, &[LINE.as_bytes()]);
    send_with_headers(brokers, "hello");
    good(&mut consume(brokers, data));

    let dead = &messages(brokers, DEAD_LETTERS, 1)[0];
    assert_eq!((dead.key(), dead.payload()), (Some(&b"key"[..]), Some(&b"hello"[..])));
    let found = headers(dead);
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "topic",
            "partition",
            "offset",
            "timestamp",
            "reason",
            "source",
            "line",
            "reason",
            "trace"
        ]
    );
    let value = |at: usize| found[at].1.as_str();
    assert_eq!([value(0), value(1), value(2), value(7)], [TOPIC, "0", "1", "theirs"]);
    assert!(value(3).parse::<u64>().is_ok() && value(4).contains("expected"), "{found:?}");

    let listed = &list(brokers)[0];
    assert_eq!(listed["payload"], "hello");
    assert_eq!((&listed["size"], &listed["origin"]["offset"]), (&5.into(), &1.into()));

    assert_eq!(dead_letters(brokers, &["replay", "--offset", "7"]), "0 messages sent again\n");
    assert_eq!(dead_letters(brokers, &["replay"]), "1 messages sent again\n");
    let back = &messages(brokers, TOPIC, 3)[2];
    assert_eq!((back.key(), back.payload()), (Some(&b"key"[..]), Some(&b"hello"[..])));
    let ours = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(headers(back), [ours("reason", "theirs"), ours("trace", "(null)")]);
}

#[test]
fn a_large_invalid_message_does_not_stop_the_consumer() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker(data);
    let brokers = &broker.announced;
    // The text of the error repeats it; and the other one is too large for the dead-letter topic.
    let large = format!("\"{}\"", "x".repeat(600_000));
    let larger = format!("\"{}\"", "x".repeat(1_500_000));
    send(brokers, &[large.as_bytes(), larger.as_bytes(), LINE.as_bytes()]);
    good(&mut consume(brokers, data));
    let manifest = &manifests(data)[0];
    assert_eq!((manifest.rows, manifest.dead_letters), (1, 2));

    let dead = messages(brokers, DEAD_LETTERS, 2);
    assert_eq!(dead[0].payload(), Some(large.as_bytes()));
    let reason = &headers(&dead[0])[4];
    assert!(reason.0 == "reason" && reason.1.len() <= 1024, "{} bytes", reason.1.len());
    assert_eq!((dead[1].payload(), &headers(&dead[1])[5].1), (None, &larger.len().to_string()));
    assert_eq!(list(brokers)[1]["size"], larger.len());

    send(brokers, &[LINE.as_bytes()]);
    good(&mut consume(brokers, data));
    assert_eq!(stored_rows(data).lines().count(), 2);
    let replayed = dead_letters(brokers, &["replay"]);
    assert!(replayed.starts_with("not sent: offset 1 of partition 0, whose payload of 1500002"));
    assert!(replayed.ends_with("1 messages sent again\n"), "{replayed}");
}

/// What cannot be kept anywhere is not passed over.
#[test]
fn a_batch_is_not_stored_without_its_dead_letters() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker(data);
    let brokers = &broker.announced;
    send(brokers, &[LINE.as_bytes()]);
    let mut command = tillstream(&["consume", "--batch-size", "1", "--brokers", brokers]);
    command.arg("--data-dir").arg(data).stdout(Stdio::null()).stderr(Stdio::piped());
    let consumer = command.spawn().unwrap();
    wait_for("a batch", || (manifests(data).len() == 1).then_some(()));
    Admin::connect(brokers).delete_topic(DEAD_LETTERS);
    send(brokers, &[b"hello", LINE.as_bytes()]);
    let output = consumer.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), manifests(data).len()), (Some(1), 1), "{error}");
    assert!(error.contains("dead-letter topic retail_stream.dead_letter"), "{error}");

    // The next start makes the topic again, and nothing is lost.
    good(&mut consume(brokers, data));
    assert_eq!((manifests(data)[1].rows, manifests(data)[1].dead_letters), (1, 1));
    assert_eq!(list(brokers).len(), 1);
}
