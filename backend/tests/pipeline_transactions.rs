//! What transactional producers leave in a topic: control records, and messages of aborted transactions.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{path::Path, sync::Arc, time::Duration};

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use support::{
    DEADLINE,
    broker::{Broker, Kafka, on_both_brokers},
    good,
    kafka::{Admin, client},
    manifests, stored_rows, wait_for,
};
use tillstream::{
    batch::Catalogue,
    kafka::{Consumer, ConsumerOptions, MessageOptions},
    progress::Progress,
    shutdown::Shutdown,
};
use uuid::Uuid;

on_both_brokers! {
    once_ends_and_stores_what_was_committed,
    control_records_at_the_end_are_no_lag,
}

const PARTITIONS: i32 = 3;

/// How a transaction ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Commit,
    Abort,
}

/// Sends a line of every invoice in one transaction: the invoice's number and the partition.
fn transaction(producer: &BaseProducer, topic: &str, invoices: &[(&str, i32)], end: End) {
    producer.begin_transaction().unwrap();
    for (invoice, partition) in invoices {
        let line = format!(
            r#"{{"InvoiceNo": "{invoice}", "StockCode": "85123A", "Description": "", "Quantity": 6, "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": 2.55, "CustomerID": "17850", "Country": "France"}}"#
        );
        let record = BaseRecord::<(), _>::to(topic).partition(*partition).payload(&line);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    // What is aborted is in the topic, and not only in the producer's queue.
    producer.flush(DEADLINE).unwrap();
    match end {
        End::Commit => producer.commit_transaction(DEADLINE).unwrap(),
        End::Abort => producer.abort_transaction(DEADLINE).unwrap(),
    }
}

/// A topic whose partitions all end with control records.
fn broker_with_transactions(kafka: Kafka) -> Broker {
    let broker = kafka.broker();
    Admin::connect(&broker).create_topic(&broker.topic, PARTITIONS);
    let id = Uuid::new_v4().to_string();
    let mut config = client(&broker.address);
    let producer: BaseProducer = config.set("transactional.id", id).create().unwrap();
    producer.init_transactions(DEADLINE).unwrap();
    // Partition 0 ends with a commit, 1 with an abort, and 2 has nothing but an abort.
    let transaction = |invoices: &[_], end| transaction(&producer, &broker.topic, invoices, end);
    transaction(&[("1", 0), ("2", 1)], End::Commit);
    transaction(&[("aborted", 0), ("aborted", 1), ("aborted", 2)], End::Abort);
    transaction(&[("3", 0), ("4", 0)], End::Commit);
    broker
}

/// The invoices of all stored lines, sorted.
fn invoices(data: &Path) -> Vec<String> {
    let rows = stored_rows(data);
    let mut invoices: Vec<_> =
        rows.lines().map(|row| row.split(',').next().unwrap().to_owned()).collect();
    invoices.sort();
    invoices
}

fn once_ends_and_stores_what_was_committed(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let broker = broker_with_transactions(kafka);
    good(&mut broker.tillstream(data, &["consume", "--once"]));
    assert_eq!(invoices(data), ["1", "2", "3", "4"]);
    good(&mut broker.tillstream(data, &["consume", "--once"]));
    assert_eq!((invoices(data).len(), manifests(data).len()), (4, 1), "everything is stored");
}

fn control_records_at_the_end_are_no_lag(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker_with_transactions(kafka);
    let batches = Catalogue::open(&folder.path().join("batch")).unwrap();
    let options = ConsumerOptions {
        batch_size: 1000,
        batch_interval: Duration::from_millis(100),
        refresh_interval: Duration::from_secs(30),
        messages: MessageOptions::default(),
    };
    let (progress, shutdown) = (Arc::<Progress>::default(), Shutdown::default());
    let consumer =
        Consumer::connect(broker.cluster().connect().unwrap(), options, batches, progress.clone())
            .unwrap();
    let stop = shutdown.clone();
    let running = std::thread::spawn(move || consumer.run(&stop, |_| ()).unwrap());
    wait_for("lines", || (progress.lines_stored.get() == 4).then_some(()));
    wait_for("the lag", || (progress.lag.messages() == Some(0)).then_some(()));
    shutdown.request();
    running.join().unwrap();
    assert_eq!(invoices(folder.path()), ["1", "2", "3", "4"]);
}
