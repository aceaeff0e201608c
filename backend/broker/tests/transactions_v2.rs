//! The second protocol of transactions (KIP-890): partitions and groups become part of a transaction by
//! being used, and each transaction has an epoch of its own.
//!
//! Like those in `transactions.rs` the tests hold for Apache Kafka too, with `TILLSTREAM_TEST_KAFKA`.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use kafka_protocol::{
    ResponseError,
    messages::{
        AddPartitionsToTxnRequest, ApiVersionsRequest, ProducerId,
        add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction},
    },
    protocol::StrBytes,
};
use support::{
    eventually,
    raw::{name, transactional_batch},
    raw_producer::{RawProducer, Target, code},
    transactional::{committed, uncommitted},
};

async fn started(target: &Target) -> RawProducer {
    let mut raw = target.raw().await;
    raw.v2 = true;
    assert_eq!(raw.init().await, 0);
    raw
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_that_there_is_the_second_protocol() {
    let target = Target::start().await;
    let mut raw = target.raw().await.raw;
    let asked = ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("raw"))
        .with_client_software_version(StrBytes::from_static_str("1"));
    let answer = raw.call(&asked, 4).await;
    let level = answer.finalized_features.iter().find(|f| &*f.name == "transaction.version");
    assert_eq!(level.unwrap().max_version_level, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_to_is_part_of_the_transaction_and_each_has_its_epoch() {
    let target = Target::start().await;
    let mut raw = started(&target).await;
    let (id, first) = (raw.id, raw.epoch);
    for (value, committed) in [("a", true), ("b", false), ("c", true)] {
        assert_eq!(raw.produce(value).await, 0);
        assert_eq!(raw.produce(value).await, 0);
        assert_eq!(raw.end(committed).await, 0);
    }
    assert_eq!((raw.id, raw.epoch), (id, first + 3));
    let client = target.client();
    assert_eq!(committed(&client, &target.name), ["a", "a", "c", "c"]);
    assert_eq!(uncommitted(&client, &target.name), ["a", "a", "b", "b", "c", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_comes_after_its_transaction_is_refused() {
    let target = Target::start().await;
    let mut raw = started(&target).await;
    let (id, old) = (raw.id, raw.epoch);
    assert_eq!(raw.produce("a").await, 0);
    let late = transactional_batch(id, old, 1, &["late"]);
    assert_eq!(raw.end(false).await, 0);
    // The answer of Apache Kafka does not wait for the marker.
    eventually("the marker is there", async || raw.latest(1).await == 2).await;
    let refused = raw.produce_as(12, late.clone()).await;
    assert_eq!(refused, code(ResponseError::InvalidProducerEpoch));
    // A batch of the next one that overtakes the first must wait for it.
    let second = transactional_batch(id, raw.epoch, 1, &["c"]);
    let refused = raw.produce_as(12, second).await;
    assert_eq!(refused, code(ResponseError::OutOfOrderSequenceNumber));
    assert_eq!(raw.produce("b").await, 0);
    assert_eq!(raw.end(true).await, 0);
    let refused = raw.produce_as(12, late).await;
    assert_eq!(refused, code(ResponseError::InvalidProducerEpoch));
    assert_eq!(committed(&target.client(), &target.name), ["b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_that_did_not_hear_the_end_is_told_again() {
    let target = Target::start().await;
    let mut raw = started(&target).await;
    let old = raw.epoch;
    assert_eq!(raw.produce("a").await, 0);
    assert_eq!(raw.end(true).await, 0);
    let next = raw.epoch;
    raw.epoch = old;
    assert_eq!(raw.end(true).await, 0);
    assert_eq!(raw.epoch, next, "the same once more");
    raw.epoch = old;
    assert_eq!(raw.end(false).await, code(ResponseError::InvalidTxnState));
    raw.epoch = next;
    assert_eq!(raw.end(true).await, code(ResponseError::InvalidTxnState), "none has begun");
    assert_eq!(raw.end(false).await, 0, "there may be nothing to abort");
    assert_eq!(raw.epoch, next + 1);
    // Who asks for an epoch as the one before has not heard of the newest.
    assert_eq!(raw.init_with((raw.id, next), 60_000).await, 0);
    assert_eq!(raw.epoch, next + 1);
    raw.epoch = old;
    assert_eq!(raw.end(true).await, code(ResponseError::ProducerFenced));
    assert_eq!(raw.produce("b").await, code(ResponseError::InvalidProducerEpoch));
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_part_of_the_transaction_without_their_group_being_added() {
    let target = Target::start().await;
    let mut raw = started(&target).await;
    eventually("the group is known", async || raw.commit_offset(5).await == 0).await;
    assert_eq!(raw.group_offset(true).await, (-1, code(ResponseError::UnstableOffsetCommit)));
    assert_eq!(raw.end(true).await, 0);
    eventually("they are committed", async || raw.group_offset(true).await == (5, 0)).await;
    assert_eq!(raw.commit_offset(7).await, 0);
    assert_eq!(raw.end(false).await, 0);
    eventually("nothing is pending", async || raw.group_offset(true).await == (5, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_the_first_protocol_still_name_their_partitions() {
    let target = Target::start().await;
    let mut raw = started(&target).await;
    let batch = transactional_batch(raw.id, raw.epoch, 0, &["a"]);
    assert_eq!(raw.produce_as(11, batch).await, code(ResponseError::TransactionAbortable));
    raw.v2 = false;
    let epoch = raw.epoch;
    assert_eq!(raw.add_partition().await, 0);
    assert_eq!(raw.produce("a").await, 0);
    assert_eq!(raw.end(true).await, 0);
    assert_eq!(raw.epoch, epoch);
    assert_eq!(committed(&target.client(), &target.name), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_transactions_are_added_to_and_verified_at_once() {
    let target = Target::start().await;
    let mut raw = started(&target).await;
    let topic = |partitions: Vec<i32>| {
        AddPartitionsToTxnTopic::default().with_name(name(&target.name)).with_partitions(partitions)
    };
    let transaction = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(raw.transactional_id())
        .with_producer_id(ProducerId(raw.id))
        .with_producer_epoch(raw.epoch)
        .with_topics(vec![topic(vec![0])]);
    let verify = transaction.clone().with_verify_only(true);
    let stranger = transaction.clone().with_producer_id(ProducerId(raw.id + 1));
    let mut ask = async |transactions: &[&AddPartitionsToTxnTransaction], version| {
        let all = transactions.iter().map(|one| (*one).clone()).collect();
        let request = AddPartitionsToTxnRequest::default().with_transactions(all);
        let answer = raw.raw.call(&request, version).await;
        let errors = answer
            .results_by_transaction
            .iter()
            .map(|result| result.topic_results[0].results_by_partition[0].partition_error_code);
        errors.collect::<Vec<_>>()
    };
    assert_eq!(ask(&[&verify], 4).await, [code(ResponseError::TransactionAbortable)]);
    let unknown = code(ResponseError::InvalidProducerIdMapping);
    let mut errors = ask(&[&verify, &stranger], 5).await;
    errors.sort_unstable();
    assert_eq!(errors, [unknown, code(ResponseError::TransactionAbortable)]);
    assert_eq!(ask(&[&transaction], 5).await, [0]);
    assert_eq!(ask(&[&verify], 5).await, [0]);
    assert_eq!(raw.produce("a").await, 0);
    assert_eq!(raw.end(true).await, 0);
}
