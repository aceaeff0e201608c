//! The page about the broker names the requests that it answers.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::collections::BTreeSet;

use kafka_protocol::messages::{ApiKey, ApiVersionsRequest};
use support::{TestBroker, raw::Raw};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/BROKER.md");
/// Apache Kafka names versions of Produce that it refuses, and so does this broker.
const FIRST_PRODUCE: i16 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_lists_every_api_with_its_versions() {
    let broker = TestBroker::start().await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let offered = raw.call(&ApiVersionsRequest::default(), 4).await.api_keys;
    let offered: BTreeSet<String> = offered
        .iter()
        .map(|api| {
            let key = ApiKey::try_from(api.api_key).unwrap();
            let first = if key == ApiKey::Produce { FIRST_PRODUCE } else { api.min_version };
            format!("| {key:?} | {first}–{} |", api.max_version)
        })
        .collect();
    let page = std::fs::read_to_string(PAGE).unwrap();
    let section = page.split("## ").find(|part| part.starts_with("What is answered")).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(2);
    let listed: BTreeSet<String> =
        rows.map(|row| row.split('|').take(3).collect::<Vec<_>>().join("|") + "|").collect();
    assert_eq!(listed, offered);
}
