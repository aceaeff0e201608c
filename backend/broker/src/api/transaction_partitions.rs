//! How partitions become part of a transaction: by AddPartitionsToTxn or, in the second protocol of
//! transactions, by being appended to.

use std::sync::Arc;

use kafka_protocol::{
    ResponseError,
    messages::{
        AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, TransactionalId,
        add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction},
        add_partitions_to_txn_response::{
            AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult,
            AddPartitionsToTxnTopicResult,
        },
    },
};

use super::{
    common::{blocking, error_code},
    produce_request::Produce,
    transactions::{fenced, producer, run},
};
use crate::{
    context::{Context, Node},
    log::BatchHeader,
    transactions::ProducerEpoch,
};

/// The first version that is about several transactions.
const TRANSACTIONS_SINCE: i16 = 4;

/// A producer, and partitions by topic and number.
type ProducerPartitions = (ProducerEpoch, Vec<(String, i32)>);

/// Adds partitions to transactions: to each all of them, or none if one does not exist.
pub(super) async fn add(
    context: &Context,
    request: AddPartitionsToTxnRequest,
    version: i16,
) -> AddPartitionsToTxnResponse {
    let response = AddPartitionsToTxnResponse::default();
    if version < TRANSACTIONS_SINCE {
        let only = AddPartitionsToTxnTransaction::default()
            .with_transactional_id(request.v3_and_below_transactional_id)
            .with_producer_id(request.v3_and_below_producer_id)
            .with_producer_epoch(request.v3_and_below_producer_epoch)
            .with_topics(request.v3_and_below_topics);
        let results = add_to_one(context, only, version).await;
        return response.with_results_by_topic_v3_and_below(results);
    }
    let mut results = Vec::with_capacity(request.transactions.len());
    for one in request.transactions {
        let result = AddPartitionsToTxnResult::default()
            .with_transactional_id(one.transactional_id.clone())
            .with_topic_results(add_to_one(context, one, version).await);
        results.push(result);
    }
    response.with_results_by_transaction(results)
}

async fn add_to_one(
    context: &Context,
    asked: AddPartitionsToTxnTransaction,
    version: i16,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let id = asked.transactional_id;
    let producer = producer(asked.producer_id, asked.producer_epoch);
    let named = |topic: &AddPartitionsToTxnTopic| {
        let name = topic.name.to_string();
        topic.partitions.iter().map(move |partition| (name.clone(), *partition)).collect::<Vec<_>>()
    };
    let all: Vec<(String, i32)> = asked.topics.iter().flat_map(named).collect();
    let errors = if asked.verify_only {
        verify(context, id, producer, all, version).await
    } else {
        let exists = |(topic, partition): &(String, i32)| {
            context.node.topics.partition(topic, *partition).is_some()
        };
        let exist: Vec<bool> = all.iter().map(exists).collect();
        let added = if exist.iter().all(|exists| *exists) {
            run(context, fenced(version), |node| async move {
                node.transactions.add_partitions(&node, &id, producer, all).await
            })
            .await
        } else {
            Err(ResponseError::OperationNotAttempted)
        };
        let unknown = ResponseError::UnknownTopicOrPartition.code();
        exist.into_iter().map(|exists| if exists { error_code(&added) } else { unknown }).collect()
    };
    let mut errors = errors.into_iter();
    let results = asked.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().zip(&mut errors).map(|(&partition, error)| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(partition)
                .with_partition_error_code(error)
        });
        AddPartitionsToTxnTopicResult::default()
            .with_results_by_partition(partitions.collect())
            .with_name(topic.name)
    });
    results.collect()
}

/// Kafka's number of an error for each partition that is not part of the open transaction, 0 for others.
async fn verify(
    context: &Context,
    id: TransactionalId,
    producer: ProducerEpoch,
    asked: Vec<(String, i32)>,
    version: i16,
) -> Vec<i16> {
    let count = asked.len();
    let missing = ResponseError::TransactionAbortable.code();
    let verified = run(context, fenced(version), |node| async move {
        node.transactions.verify_partitions(&node, &id, producer, asked).await
    });
    match verified.await {
        Ok(found) => found.into_iter().map(|found| if found { 0 } else { missing }).collect(),
        Err(error) => vec![error.code(); count],
    }
}

/// Adds what a request appends to, to the transaction that it names, if any.
pub(super) async fn enlist(context: &Context, produce: &Arc<Produce>) -> Result<(), ResponseError> {
    let Some(id) = produce.transactional_id.clone() else { return Ok(()) };
    let (node, request) = (Arc::clone(&context.node), Arc::clone(produce));
    match blocking(move || not_enlisted(&node, &request)).await? {
        None => Ok(()),
        Some((producer, partitions)) => {
            run(context, ResponseError::InvalidProducerEpoch, |node| async move {
                node.transactions.add_partitions(&node, &id, producer, partitions).await
            })
            .await
        }
    }
}

/// The producer of the request and the partitions that are not yet part of its transaction, if there are
/// such; blocks.
fn not_enlisted(
    node: &Node,
    request: &Produce,
) -> Result<Option<ProducerPartitions>, ResponseError> {
    let mut missing: Option<ProducerPartitions> = None;
    for topic in &request.topics {
        for (index, records) in &topic.partitions {
            // What is invalid, or goes nowhere, is refused later.
            let Ok(header) = BatchHeader::parse(records) else { continue };
            let Some(partition) = node.topics.partition(&topic.name, *index) else { continue };
            let (id, epoch) = (header.producer_id, header.producer_epoch);
            if !header.is_transactional() || partition.is_enlisted(id, epoch) {
                continue;
            }
            let producer = ProducerEpoch { id, epoch };
            let (first, all) = missing.get_or_insert_with(|| (producer, Vec::new()));
            if *first != producer {
                return Err(ResponseError::InvalidProducerIdMapping);
            }
            all.push((topic.name.to_string(), *index));
        }
    }
    Ok(missing)
}
