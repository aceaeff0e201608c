//! Messages as producers of all kinds write them: keys, headers, timestamps, codecs, frames, and no payload.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::path::Path;

use rdkafka::{
    Message,
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};
use support::{
    assert_offsets_are_covered_once,
    broker::{Broker, Kafka, on_both_brokers},
    good,
    kafka::{Admin, client, headers, messages},
    manifests, stored_rows, tillstream,
};

on_both_brokers! {
    codecs_keys_headers_and_timestamps_make_no_difference,
    a_dead_letter_may_lack_key_headers_and_timestamp,
    messages_of_a_schema_registry_are_decoded_or_named,
    messages_without_payload_are_skipped_and_counted,
    the_largest_numbers_of_a_line_do_not_hinder_training,
    topics_with_the_time_of_the_broker_are_read,
}

/// Worth compressing: librdkafka sends a batch as it is where a codec does not save anything.
const DESCRIPTION: &str =
    "T-LIGHT T-LIGHT T-LIGHT T-LIGHT T-LIGHT T-LIGHT T-LIGHT T-LIGHT T-LIGHT T-LIGHT";

/// The message of a line, whose receipt has that number.
fn message(invoice: usize) -> String {
    format!(
        r#"{{"InvoiceNo": "{invoice}", "StockCode": "85123A", "Description": "{DESCRIPTION}", "Quantity": "6", "InvoiceDate": "12/1/2010 8:26", "UnitPrice": "2.55", "CustomerID": NaN, "Country": "France"}}"#
    )
}

/// Its row in a batch.
fn row(invoice: usize) -> String {
    format!("{invoice},85123A,{DESCRIPTION},6,2010-12-01 08:26:00,2.55,,France\n")
}

fn producer(broker: &Broker, codec: &str) -> BaseProducer {
    client(&broker.address).set("compression.type", codec).create().unwrap()
}

/// A record for partition 0 without key, headers and payload.
fn record(broker: &Broker) -> BaseRecord<'_, [u8], [u8]> {
    BaseRecord::to(&broker.topic).partition(0)
}

fn send(producer: &BaseProducer, record: BaseRecord<'_, [u8], [u8]>) {
    producer.send(record).map_err(|(error, _)| error).unwrap();
}

fn consume(broker: &Broker, data: &Path) {
    good(&mut broker.tillstream(data, &["consume", "--once"]));
}

fn codecs_keys_headers_and_timestamps_make_no_difference(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let broker = &kafka.broker();
    let mut invoice = 0;
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let producer = producer(broker, codec);
        let headers = OwnedHeaders::new()
            .insert(Header { key: "source", value: None::<&str> })
            .insert(Header { key: "line", value: Some("seven") })
            .insert(Header { key: "", value: None::<&str> });
        for (key, timestamp) in [
            (None, None),
            (Some(&b""[..]), None),
            (Some(&b"\xff\x00"[..]), None),
            (None, Some(-1)),
            (None, Some(1)),
        ] {
            invoice += 1;
            let payload = message(invoice);
            let mut record = record(broker).payload(payload.as_bytes()).headers(headers.clone());
            (record.key, record.timestamp) = (key, timestamp);
            send(&producer, record);
        }
        producer.flush(support::DEADLINE).unwrap();
    }
    consume(broker, folder.path());
    assert_eq!(stored_rows(folder.path()), (1..=25).map(row).collect::<String>());
    assert_eq!(manifests(folder.path())[0].dead_letters, 0);
}

fn a_dead_letter_may_lack_key_headers_and_timestamp(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let broker = &kafka.broker();
    let producer = producer(broker, "none");
    send(&producer, record(broker).payload(b"hello").timestamp(-1));
    producer.flush(support::DEADLINE).unwrap();
    consume(broker, folder.path());
    let dead = &messages(broker, &broker.dead_letter_topic(), 1)[0];
    assert_eq!((dead.key(), dead.payload()), (None, Some(&b"hello"[..])));
    let headers = headers(dead);
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["topic", "partition", "offset", "timestamp", "reason"]);
    assert_eq!(headers[3].1, "(null)");
}

fn messages_of_a_schema_registry_are_decoded_or_named(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let broker = &kafka.broker();
    let producer = producer(broker, "none");
    let frame = b"\x00\x00\x00\x00\x2a";
    let json = [&frame[..], message(1).as_bytes()].concat();
    let avro = [&frame[..], b"\x02\x31\x0c85123A\x0c\x66\x66\x66\x66\x66\x66\x04\x40"].concat();
    let protobuf = [&frame[..], b"\x00\x0a\x06536365\x20\x06"].concat();
    let unframed = [b"\x00", message(2).as_bytes()].concat();
    for payload in [&json, &avro, &protobuf, &unframed] {
        send(&producer, record(broker).payload(payload));
    }
    producer.flush(support::DEADLINE).unwrap();
    consume(broker, folder.path());
    assert_eq!(stored_rows(folder.path()), row(1));
    let dead = messages(broker, &broker.dead_letter_topic(), 3);
    for (dead, (payload, reason)) in dead.iter().zip([
        (avro, "it is Avro with the schema 42 of a schema registry: only JSON can be read"),
        (protobuf, "it is Protobuf with the schema 42 of a schema registry: only JSON can be read"),
        (unframed, "expected value at line 1 column 1"),
    ]) {
        assert_eq!(dead.payload(), Some(payload.as_slice()));
        assert_eq!(headers(dead)[4], ("reason".to_owned(), reason.to_owned()));
    }
}

fn messages_without_payload_are_skipped_and_counted(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = &kafka.broker();
    let producer = producer(broker, "lz4");
    let tombstone = || record(broker).key(b"key");
    send(&producer, tombstone());
    send(&producer, record(broker).payload(b""));
    producer.flush(support::DEADLINE).unwrap();
    consume(broker, data);
    assert_eq!(manifests(data), [], "nothing to train on");

    send(&producer, tombstone());
    send(&producer, record(broker).payload(message(1).as_bytes()));
    send(&producer, record(broker).payload(b"hello"));
    producer.flush(support::DEADLINE).unwrap();
    consume(broker, data);
    let manifests = manifests(data);
    assert_offsets_are_covered_once(&manifests);
    assert_eq!((manifests[0].rows, manifests[0].empty, manifests[0].dead_letters), (1, 3, 1));
    assert_eq!(messages(broker, &broker.dead_letter_topic(), 1)[0].payload(), Some(&b"hello"[..]));

    let up = ["up", "--once", "--input", "generate:10", "--rate", "max", "--listen", "127.0.0.1:0"];
    let summary = support::summary(&good(&mut broker.tillstream(data, &up)));
    assert_eq!((&summary["empty"], &summary["dead_letters"]), (&3.into(), &1.into()), "{summary}");
}

/// One line with a price whose square is infinite would leave no model of all lines, for ever.
fn the_largest_numbers_of_a_line_do_not_hinder_training(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = &kafka.broker();
    let numbers = [
        ("9007199254740992", "9007199254740992"),
        ("-9007199254740992", "-9007199254740992"),
        ("9007199254740992", "5e-324"),
        ("1", "1e308"),
    ];
    let ordinary = (1..=20).map(|n| (n.to_string(), (0.5 * f64::from(n % 7 + 1)).to_string()));
    let extreme = numbers.map(|(quantity, price)| (quantity.to_owned(), price.to_owned()));
    let lines = ordinary.chain(extreme).enumerate().map(|(n, (quantity, price))| {
        format!(
            r#"{{"InvoiceNo": {n}, "StockCode": "S{}", "Quantity": {quantity}, "InvoiceDate": "2010-12-01", "UnitPrice": {price}, "CustomerID": "C{}", "Country": "K{}"}}"#,
            n % 5,
            n % 7,
            n % 4
        )
    });
    let producer = producer(broker, "none");
    lines.for_each(|line| send(&producer, record(broker).payload(line.as_bytes())));
    producer.flush(support::DEADLINE).unwrap();
    consume(broker, data);
    assert_eq!((manifests(data)[0].rows, manifests(data)[0].dead_letters), (23, 1));
    let trained = good(tillstream(&["train", "--data-dir"]).arg(data));
    // Of three entities one of the batch, one of all batches, one live and one of profiles.
    assert!(trained.starts_with("12 models"), "{trained}");
}

fn topics_with_the_time_of_the_broker_are_read(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let broker = &kafka.broker();
    let setting = ("message.timestamp.type", "LogAppendTime");
    Admin::connect(broker).create_topic_with(&broker.topic, setting);
    let producer = producer(broker, "zstd");
    send(&producer, record(broker).payload(message(1).as_bytes()).timestamp(1));
    send(&producer, record(broker).payload(b"hello").timestamp(1));
    producer.flush(support::DEADLINE).unwrap();
    consume(broker, folder.path());
    assert_eq!(stored_rows(folder.path()), row(1));
    let dead = &messages(broker, &broker.dead_letter_topic(), 1)[0];
    let timestamp: u64 = headers(dead)[3].1.parse().unwrap();
    assert!(timestamp > 1, "{timestamp}");
}
