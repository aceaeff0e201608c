//! Inputs as people have them: grown, changed, compressed, dirty, piped, empty.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};
use support::{
    DEADLINE, Running, assert_rows_are_stored_once,
    broker::{Broker, Kafka, on_both_brokers},
    generated, good,
    kafka::{client, messages, send},
    output, refused, status, stored_rows, summary, tillstream,
};

on_both_brokers! {
    a_file_that_has_grown_goes_on_and_a_changed_one_is_another,
    an_input_that_the_version_before_began_goes_on,
    what_arrives_on_standard_input_is_sent,
    the_order_of_day_and_month_and_the_days_of_a_topic_are_options,
}

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

/// Rows of so many invoices.
fn rows(count: usize) -> String {
    let row = |number| {
        format!("{},71053,LANTERN,6,2010-12-01 08:26:00,3.39,17850,UK\n", 536_365 + number)
    };
    (0..count).map(row).collect()
}

struct Sending {
    folder: tempfile::TempDir,
    broker: Broker,
}

impl Sending {
    fn new(kafka: Kafka) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), broker: kafka.broker() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.broker.tillstream(&self.data(), arguments)
    }

    /// Sends a file with this content; gives what is said on standard output and standard error.
    #[track_caller]
    fn produce(&self, content: impl AsRef<[u8]>) -> (String, String) {
        let path = self.folder.path().join("lines");
        fs::write(&path, content).unwrap();
        let mut command = self.command(&["produce", "--rate", "max"]);
        let output = output(command.arg("--input").arg(path));
        let [out, log] =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        assert!(output.status.success(), "{log}");
        (out, log)
    }

    fn stored(&self) -> String {
        good(&mut self.command(&["consume", "--once"]));
        stored_rows(&self.data())
    }
}

fn a_file_that_has_grown_goes_on_and_a_changed_one_is_another(kafka: Kafka) {
    let sending = Sending::new(kafka);
    let file = |rows: &str| format!("{HEADER}{rows}");
    let sent = |content: &[u8]| sending.produce(content).0;
    assert!(sent(file(&rows(30)).as_bytes()).starts_with("30 lines sent, 0 were"));
    assert!(sent(file(&rows(40)).as_bytes()).starts_with("10 lines sent, 30 were"));
    let compressed = zstd::encode_all(file(&rows(40)).as_bytes(), 1).unwrap();
    assert!(sent(&compressed).starts_with("0 lines sent, 40 were"));
    assert!(sent(file(&rows(30)).as_bytes()).starts_with("0 lines sent, 30 were"));
    assert!(sent(file(&rows(45)).as_bytes()).starts_with("5 lines sent, 40 were"));
    assert_eq!(sending.stored(), rows(45));

    let changed = rows(45).replacen("LANTERN", "CANDLE", 20).replacen("CANDLE", "LANTERN", 19);
    let (out, log) = sending.produce(file(&changed));
    assert!(out.starts_with("45 lines sent, 0 were"), "{out}");
    assert!(log.contains("begins like this one and then differs"), "{log}");
    assert_eq!(sending.stored(), rows(45) + &changed);
}

fn an_input_that_the_version_before_began_goes_on(kafka: Kafka) {
    let sending = Sending::new(kafka);
    let file = format!("{HEADER}{}", rows(30));
    let source = format!("blake3:{}/1", &blake3::hash(file.as_bytes()).to_hex()[..32]);
    // The topic exists, with what that version had sent before it was killed.
    good(&mut sending.command(&["consume", "--once"]));
    let producer: BaseProducer = client(&sending.broker.address).create().unwrap();
    for (index, row) in rows(20).lines().enumerate() {
        let number = (index + 1).to_string();
        let headers = OwnedHeaders::new()
            .insert(Header { key: "source", value: Some(source.as_str()) })
            .insert(Header { key: "line", value: Some(number.as_str()) });
        let invoice = row.split(',').next().unwrap();
        let payload = format!(
            r#"{{"InvoiceNo":"{invoice}","StockCode":"71053","Description":"LANTERN","Quantity":6,"InvoiceDate":"2010-12-01 08:26:00","UnitPrice":3.39,"CustomerID":"17850","Country":"UK"}}"#
        );
        let record = BaseRecord::to(&sending.broker.topic)
            .partition(0)
            .key(invoice)
            .payload(&payload)
            .headers(headers);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(DEADLINE).unwrap();
    assert!(sending.produce(&file).0.starts_with("10 lines sent, 20 were"));
    assert!(sending.produce(&file).0.starts_with("0 lines sent, 30 were"));
    assert_eq!(sending.stored(), rows(30));
}

fn what_arrives_on_standard_input_is_sent(kafka: Kafka) {
    let sending = Sending::new(kafka);
    for _ in 0..2 {
        let mut command = sending.command(&["produce", "--rate", "max", "--input", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let content = format!("{HEADER}{}no line\n", rows(25));
        child.stdin.take().unwrap().write_all(content.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{log}");
        assert!(log.contains("standard input cannot be read again"), "{log}");
        assert!(output.stdout.starts_with(b"25 lines sent, 0 were"), "{log}");
    }
    assert_eq!(sending.stored(), rows(25).repeat(2));
}

fn the_order_of_day_and_month_and_the_days_of_a_topic_are_options(kafka: Kafka) {
    let sending = Sending::new(kafka);
    let dated = |date: &str| {
        format!(
            r#"{{"InvoiceNo":"1","StockCode":"A","Quantity":1,"InvoiceDate":{date},"UnitPrice":1,"Country":"F"}}"#
        )
    };
    let dates = [
        r#""12/9/2011 12:50""#,
        r#""2011-12-09T12:50:00Z""#,
        "1323435000000",
        r#""not a date""#,
        r#""""#,
        r#""12/13/2011""#,
        r#""2031-01-01""#,
    ];
    let payloads: Vec<String> = dates.iter().map(|date| dated(date)).collect();
    good(&mut sending.command(&["consume", "--once"]));
    send(&sending.broker, &payloads.iter().map(String::as_bytes).collect::<Vec<_>>());
    let options = [
        "consume",
        "--once",
        "--message-date-order",
        "day-first",
        "--dates",
        "2011-01-01..2030-12-31",
    ];
    good(&mut sending.command(&options));
    let row = |date: &str| format!("1,A,,1,{date} 12:50:00,1.0,,F\n");
    assert_eq!(
        stored_rows(&sending.data()),
        ["2011-09-12", "2011-12-09", "2011-12-09"].map(row).concat()
    );
    let dead = messages(&sending.broker, &sending.broker.dead_letter_topic(), 4);
    assert_eq!(dead.len(), 4);
}

/// `up --once` with a file of this content.
fn up(folder: &Path, content: impl AsRef<[u8]>) -> Command {
    let path = folder.join("lines");
    fs::write(&path, content).unwrap();
    let mut command = tillstream(&["up", "--once", "--rate", "max", "--listen", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(folder.join("data")).arg("--input").arg(path);
    command
}

#[test]
fn an_input_without_a_line_is_an_error() {
    for (content, reason) in [
        (HEADER.to_owned(), "the input has no line: it has no row"),
        (
            format!("{HEADER}{}", "no line\n".repeat(3)),
            "the input has no line: its 3 rows are all invalid, see",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let error = refused(&mut up(folder.path(), content));
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_dirty_input_is_stored_without_its_dirt() {
    let folder = tempfile::tempdir().unwrap();
    let generate = ["generate", "--lines", "5000", "--seed", "4", "--dirt", "0.05"];
    let csv = output(&mut tillstream(&generate)).stdout;
    let found = summary(&good(&mut up(folder.path(), csv)));
    assert_eq!((&found["lines_stored"], &found["dead_letters"]), (&5000.into(), &0.into()));
    assert!(found["rejects"].as_u64().unwrap() > 50, "{found}");
    assert_rows_are_stored_once(&folder.path().join("data"), &generated(5000, 4));
}

#[test]
fn what_a_person_should_know_of_an_input_is_in_the_status() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines.csv");
    fs::write(&path, format!("{HEADER}{}", rows(3)).replace("2010-12-01", "1/12/2010")).unwrap();
    let mut command = tillstream(&["up", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(folder.path().join("data")).arg("--input").arg(&path);
    let running = Running::start(&mut command, "Page:");
    let notices = status(&running.announced).notices;
    assert!(
        notices.iter().any(|notice| notice.contains("1/12/2010 08:26:00 are ambiguous")),
        "{notices:?}"
    );
    running.interrupt();
}
