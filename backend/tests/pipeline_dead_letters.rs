//! Messages that cannot be decoded: where they go, and how they come back.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::process::Stdio;

use rdkafka::{
    Message,
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};
use serde_json::Value;
use support::{
    broker::{Broker, Kafka, on_both_brokers},
    good,
    kafka::{Admin, client, headers, messages, send},
    manifests, stored_rows, tillstream, wait_for,
};

on_both_brokers! {
    an_invalid_message_keeps_its_origin_and_comes_back_as_it_was,
    a_large_invalid_message_does_not_stop_the_consumer,
    a_batch_is_not_stored_without_its_dead_letters,
}

const LINE: &str = r#"{"InvoiceNo": "536365", "StockCode": "85123A", "Description": "T-LIGHT", "Quantity": 6, "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": 2.55, "CustomerID": "17850", "Country": "United Kingdom"}"#;

fn dead_letters(broker: &Broker, arguments: &[&str]) -> String {
    good(tillstream(&["dead-letters"]).args(arguments).args(broker.arguments()))
}

fn list(broker: &Broker) -> Vec<Value> {
    let lines = dead_letters(broker, &["list"]);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A message with a key and headers of its own, some of which are called like a dead letter's.
fn send_with_headers(broker: &Broker, payload: &str) {
    let producer: BaseProducer = client(&broker.address).create().unwrap();
    let headers = OwnedHeaders::new()
        .insert(Header { key: "source", value: Some("file/1") })
        .insert(Header { key: "line", value: Some("1") })
        .insert(Header { key: "reason", value: Some("theirs") })
        .insert(Header { key: "trace", value: None::<&str> });
    let record =
        BaseRecord::to(&broker.topic).partition(0).key("key").payload(payload).headers(headers);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(support::DEADLINE).unwrap();
}

fn an_invalid_message_keeps_its_origin_and_comes_back_as_it_was(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = &kafka.broker();
    send(broker, &[LINE.as_bytes()]);
    send_with_headers(broker, "hello");
    good(&mut broker.tillstream(data, &["consume", "--once"]));

    let dead = &messages(broker, &broker.dead_letter_topic(), 1)[0];
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
    assert_eq!(
        [value(0), value(1), value(2), value(7)],
        [broker.topic.as_str(), "0", "1", "theirs"]
    );
    assert!(value(3).parse::<u64>().is_ok() && value(4).contains("expected"), "{found:?}");

    let listed = &list(broker)[0];
    assert_eq!(listed["payload"], "hello");
    assert_eq!((&listed["size"], &listed["origin"]["offset"]), (&5.into(), &1.into()));

    assert_eq!(dead_letters(broker, &["replay", "--offset", "7"]), "0 messages sent again\n");
    assert_eq!(dead_letters(broker, &["replay"]), "1 messages sent again\n");
    let back = &messages(broker, &broker.topic, 3)[2];
    assert_eq!((back.key(), back.payload()), (Some(&b"key"[..]), Some(&b"hello"[..])));
    let ours = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(headers(back), [ours("reason", "theirs"), ours("trace", "(null)")]);
}

fn a_large_invalid_message_does_not_stop_the_consumer(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = &kafka.broker();
    // The text of the error repeats it; and the other one is too large for the dead-letter topic.
    let large = format!("\"{}\"", "x".repeat(600_000));
    let larger = format!("\"{}\"", "x".repeat(1_500_000));
    let setting = ("max.message.bytes", "10000000");
    Admin::connect(broker).create_topic_with(&broker.topic, setting);
    send(broker, &[large.as_bytes(), larger.as_bytes(), LINE.as_bytes()]);
    good(&mut broker.tillstream(data, &["consume", "--once"]));
    let manifest = &manifests(data)[0];
    assert_eq!((manifest.rows, manifest.dead_letters), (1, 2));

    let dead = messages(broker, &broker.dead_letter_topic(), 2);
    assert_eq!(dead[0].payload(), Some(large.as_bytes()));
    let reason = &headers(&dead[0])[4];
    assert!(reason.0 == "reason" && reason.1.len() <= 1024, "{} bytes", reason.1.len());
    assert_eq!((dead[1].payload(), &headers(&dead[1])[5].1), (None, &larger.len().to_string()));
    assert_eq!(list(broker)[1]["size"], larger.len());

    send(broker, &[LINE.as_bytes()]);
    good(&mut broker.tillstream(data, &["consume", "--once"]));
    assert_eq!(stored_rows(data).lines().count(), 2);
    let replayed = dead_letters(broker, &["replay"]);
    assert!(replayed.starts_with("not sent: offset 1 of partition 0, whose payload of 1500002"));
    assert!(replayed.ends_with("1 messages sent again\n"), "{replayed}");
}

/// What cannot be kept anywhere is not passed over.
fn a_batch_is_not_stored_without_its_dead_letters(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = &kafka.broker();
    send(broker, &[LINE.as_bytes()]);
    let mut command = broker.tillstream(data, &["consume", "--batch-size", "1"]);
    let consumer = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("a batch", || (manifests(data).len() == 1).then_some(()));
    Admin::connect(broker).delete_topic(&broker.dead_letter_topic());
    send(broker, &[b"hello", LINE.as_bytes()]);
    let output = consumer.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), manifests(data).len()), (Some(1), 1), "{error}");
    let named = format!("dead-letter topic {}", broker.dead_letter_topic());
    assert!(error.contains(&named), "{error}");

    // The next start makes the topic again, and nothing is lost.
    good(&mut broker.tillstream(data, &["consume", "--once"]));
    assert_eq!((manifests(data)[1].rows, manifests(data)[1].dead_letters), (1, 1));
    assert_eq!(list(broker).len(), 1);
}
