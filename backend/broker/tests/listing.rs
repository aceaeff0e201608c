//! Requests that list and describe transactions, producers and what has settings.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use kafka_protocol::{
    messages::{
        DescribeProducersRequest, DescribeTransactionsRequest, ListConfigResourcesRequest,
        ListTransactionsRequest, ProducerId, TransactionalId,
        describe_producers_request::TopicRequest, describe_producers_response::PartitionResponse,
        describe_transactions_response::TransactionState,
    },
    protocol::StrBytes,
};
use rdkafka::producer::Producer;
use support::{
    TIMEOUT, TestBroker,
    raw::{Raw, name},
    transactional::{commit, send, started},
};

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// The ids that a request finds.
async fn listed(raw: &mut Raw, request: ListTransactionsRequest) -> Vec<String> {
    let answer = raw.call(&request, 2).await;
    assert_eq!(answer.error_code, 0);
    let mut ids: Vec<String> =
        answer.transaction_states.iter().map(|t| t.transactional_id.to_string()).collect();
    ids.sort();
    ids
}

async fn describe(raw: &mut Raw, id: &str) -> TransactionState {
    let request = DescribeTransactionsRequest::default();
    let asked = request.with_transactional_ids(vec![TransactionalId(text(id))]);
    raw.call(&asked, 0).await.transaction_states.remove(0)
}

async fn producers(raw: &mut Raw, partition: i32) -> PartitionResponse {
    let topic =
        TopicRequest::default().with_name(name("t")).with_partition_indexes(vec![partition]);
    let request = DescribeProducersRequest::default().with_topics(vec![topic]);
    raw.call(&request, 0).await.topics[0].partitions.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_and_their_producers_are_described() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let done = started(&broker.client(), "done");
    commit(&done, "t", &["a", "b"]);
    let open = started(&broker.client(), "open");
    open.begin_transaction().unwrap();
    send(&open, "t", &["c"]);

    let all = ListTransactionsRequest::default;
    assert_eq!(listed(&mut raw, all().with_duration_filter(-1)).await, ["done", "open"]);
    let ongoing = all().with_duration_filter(-1).with_state_filters(vec![text("Ongoing")]);
    assert_eq!(listed(&mut raw, ongoing).await, ["open"]);
    let unknown = all().with_duration_filter(-1).with_state_filters(vec![text("Odd")]);
    let answer = raw.call(&unknown, 1).await;
    assert_eq!((answer.transaction_states.len(), answer.unknown_state_filters.len()), (0, 1));
    let day = all().with_duration_filter(24 * 60 * 60 * 1000);
    assert_eq!(listed(&mut raw, day).await, [""; 0]);
    let pattern = |pattern: &str| {
        all().with_duration_filter(-1).with_transactional_id_pattern(Some(text(pattern)))
    };
    assert_eq!(listed(&mut raw, pattern("d.*|pen")).await, ["done"]);
    assert_eq!(raw.call(&pattern("("), 2).await.error_code, 128);

    let described = describe(&mut raw, "open").await;
    assert_eq!((described.error_code, &*described.transaction_state), (0, "Ongoing"));
    assert_eq!(
        (&described.topics[0].topic, &described.topics[0].partitions),
        (&name("t"), &vec![0])
    );
    assert!(described.transaction_start_time_ms > 0 && described.transaction_timeout_ms > 0);
    let by_producer =
        all().with_duration_filter(-1).with_producer_id_filters(vec![described.producer_id]);
    assert_eq!(listed(&mut raw, by_producer).await, ["open"]);
    let over = describe(&mut raw, "done").await;
    assert_eq!(&*over.transaction_state, "CompleteCommit");
    assert!(over.topics.is_empty() && over.transaction_start_time_ms > 0);
    assert_eq!(describe(&mut raw, "absent").await.error_code, 105);

    assert_eq!(producers(&mut raw, 1).await.error_code, 3);
    let active = producers(&mut raw, 0).await.active_producers;
    let seen = |id: ProducerId| {
        let producer = active.iter().find(|producer| producer.producer_id == id).unwrap();
        (producer.last_sequence, producer.coordinator_epoch, producer.current_txn_start_offset)
    };
    assert_eq!(seen(over.producer_id), (1, 0, -1));
    assert_eq!(seen(described.producer_id), (0, -1, 3));
    assert!(active.iter().all(|producer| producer.last_timestamp > 0));
    open.abort_transaction(TIMEOUT).unwrap();
    assert_eq!(&*describe(&mut raw, "open").await.transaction_state, "CompleteAbort");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_settings_is_listed() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut raw = Raw::connect(broker.broker.address()).await;
    let resources = async |raw: &mut Raw, kinds: &[i8], version: i16| {
        let request = ListConfigResourcesRequest::default().with_resource_types(kinds.to_vec());
        let answer = raw.call(&request, version).await;
        let named =
            |r: &kafka_protocol::messages::list_config_resources_response::ConfigResource| {
                (r.resource_type, r.resource_name.to_string())
            };
        (answer.error_code, answer.config_resources.iter().map(named).collect::<Vec<_>>())
    };
    let (topic, node, logger) = ((2, "t".to_owned()), (4, "1".to_owned()), (8, "1".to_owned()));
    let all = vec![topic.clone(), node, logger];
    assert_eq!(resources(&mut raw, &[], 1).await, (0, all));
    assert_eq!(resources(&mut raw, &[2, 16], 1).await, (0, vec![topic]));
    assert_eq!(resources(&mut raw, &[7], 1).await, (35, vec![]));
    assert_eq!(resources(&mut raw, &[], 0).await, (0, vec![]), "metrics of clients alone");
}
