//! The requests of transactional producers: InitProducerId, AddOffsetsToTxn, TxnOffsetCommit and EndTxn.

use std::{future::Future, sync::Arc, time::Instant};

use kafka_protocol::{
    ResponseError,
    messages::{
        AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, EndTxnRequest, EndTxnResponse,
        InitProducerIdRequest, InitProducerIdResponse, ProducerId, TransactionalId,
        TxnOffsetCommitRequest, TxnOffsetCommitResponse,
        txn_offset_commit_request::TxnOffsetCommitRequestTopic,
        txn_offset_commit_response::{
            TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
        },
    },
};

use super::{
    common::{blocking, error_code, storage_error},
    groups::error_of,
    offsets,
};
use crate::{
    context::{Context, Node},
    groups::{CommittedOffset, Committer, GroupError, OffsetsByTopic},
    log::Marker,
    transactions::{ProducerEpoch, Protocol, StateError, TransactionError},
};

/// Kafka's `transaction.max.timeout.ms`.
const MAX_TIMEOUT_MS: i32 = 15 * 60 * 1000;
/// The first version of AddPartitionsToTxn, AddOffsetsToTxn and EndTxn whose clients know
/// `PRODUCER_FENCED`; for older ones it is `INVALID_PRODUCER_EPOCH`.
const FENCED_SINCE: i16 = 2;
/// The first versions of TxnOffsetCommit and EndTxn of the second protocol of transactions.
const OFFSETS_V2_SINCE: i16 = 5;
const END_V2_SINCE: i16 = 5;

/// Kafka's error for ours; `fenced` is the one for a producer that was replaced.
fn error_for(error: &TransactionError, fenced: ResponseError) -> ResponseError {
    match error {
        TransactionError::State(StateError::InvalidProducerIdMapping) => {
            ResponseError::InvalidProducerIdMapping
        }
        TransactionError::State(StateError::ProducerFenced) => fenced,
        TransactionError::State(StateError::InvalidTxnState) => ResponseError::InvalidTxnState,
        // Clients try that again.
        TransactionError::Storage(error) => {
            storage_error(error);
            ResponseError::CoordinatorNotAvailable
        }
    }
}

/// The error for a producer that was replaced, in that version of a request.
pub(super) fn fenced(version: i16) -> ResponseError {
    if version >= FENCED_SINCE {
        ResponseError::ProducerFenced
    } else {
        ResponseError::InvalidProducerEpoch
    }
}

/// Does something to a transaction, to its end also when the client is gone meanwhile.
pub(super) async fn run<T, F>(
    context: &Context,
    fenced: ResponseError,
    act: impl FnOnce(Arc<Node>) -> F,
) -> Result<T, ResponseError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, TransactionError>> + Send + 'static,
{
    match tokio::spawn(act(Arc::clone(&context.node))).await {
        Ok(result) => result.map_err(|error| error_for(&error, fenced)),
        Err(_) => Err(ResponseError::UnknownServerError),
    }
}

/// Gives out a producer id: a new one, or that of the transactional id with a new epoch.
pub(super) async fn init_producer_id(
    context: &Context,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let given = match request.transactional_id.clone() {
        Some(id) => init_transactional(context, id, &request).await,
        None => {
            let node = Arc::clone(&context.node);
            let id = blocking(move || node.producer_ids.next().map_err(storage_error)).await;
            id.map(|id| ProducerEpoch { id, epoch: 0 })
        }
    };
    let response = InitProducerIdResponse::default().with_error_code(error_code(&given));
    let ProducerEpoch { id, epoch } = given.unwrap_or(ProducerEpoch { id: -1, epoch: -1 });
    response.with_producer_id(ProducerId(id)).with_producer_epoch(epoch)
}

async fn init_transactional(
    context: &Context,
    id: TransactionalId,
    request: &InitProducerIdRequest,
) -> Result<ProducerEpoch, ResponseError> {
    if id.is_empty() {
        return Err(ResponseError::InvalidRequest);
    }
    if !(1..=MAX_TIMEOUT_MS).contains(&request.transaction_timeout_ms) {
        return Err(ResponseError::InvalidTransactionTimeout);
    }
    let timeout_ms = u64::try_from(request.transaction_timeout_ms).unwrap_or(0);
    let claimed = match (request.producer_id.0, request.producer_epoch) {
        (-1, -1) => None,
        (-1, _) | (_, -1) => return Err(ResponseError::InvalidRequest),
        (id, epoch) => Some(ProducerEpoch { id, epoch }),
    };
    run(context, ResponseError::ProducerFenced, |node| async move {
        node.transactions.init(&node, &id, claimed, timeout_ms).await
    })
    .await
}

/// Adds the offsets of a group to a transaction.
pub(super) async fn add_offsets(
    context: &Context,
    request: AddOffsetsToTxnRequest,
    version: i16,
) -> AddOffsetsToTxnResponse {
    let producer = producer(request.producer_id, request.producer_epoch);
    let added = if request.group_id.is_empty() {
        Err(ResponseError::InvalidGroupId)
    } else {
        run(context, fenced(version), |node| async move {
            let (id, group) = (&request.transactional_id, &request.group_id);
            node.transactions.add_group(&node, id, producer, group).await
        })
        .await
    };
    AddOffsetsToTxnResponse::default().with_error_code(error_code(&added))
}

/// Keeps offsets until their transaction is committed.
pub(super) async fn commit_offsets(
    context: &Context,
    request: TxnOffsetCommitRequest,
    version: i16,
) -> TxnOffsetCommitResponse {
    let (offsets, results) = check_offsets(context, request.topics.clone());
    let done = match validate_member(context, &request) {
        Ok(()) if !offsets.is_empty() => {
            let producer = producer(request.producer_id, request.producer_epoch);
            run(context, ResponseError::InvalidProducerEpoch, |node| async move {
                let (id, kept) = (&request.transactional_id, (&**request.group_id, offsets));
                let protocol = protocol(version, OFFSETS_V2_SINCE);
                node.transactions.add_offsets(&node, id, producer, kept, protocol).await
            })
            .await
        }
        other => other,
    };
    let topics = request.topics.into_iter().zip(results).map(|(topic, results)| {
        let partitions = topic.partitions.iter().zip(results).map(|(asked, result)| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(error_code(&done.and(result)))
        });
        TxnOffsetCommitResponseTopic::default()
            .with_name(topic.name)
            .with_partitions(partitions.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

fn validate_member(
    context: &Context,
    request: &TxnOffsetCommitRequest,
) -> Result<(), ResponseError> {
    if request.group_id.is_empty() {
        return Err(ResponseError::InvalidGroupId);
    }
    let (id, instance) = (&*request.member_id, request.group_instance_id.as_deref());
    if request.generation_id < 0 && id.is_empty() && instance.is_none() {
        // From a client of before version 3, or one that is no member: the producer's epoch guards.
        return Ok(());
    }
    let group = context.node.groups.get(&request.group_id);
    let group = group.ok_or(ResponseError::IllegalGeneration)?;
    let epoch = request.generation_id;
    let committer = Committer { member_id: id, instance_id: instance, epoch, knows_epochs: true };
    match group.with(|state| state.validate_offset_commit(Instant::now(), committer)) {
        // Clients of this request know generations alone.
        Err(GroupError::StaleMemberEpoch) => Err(ResponseError::IllegalGeneration),
        valid => valid.map_err(|error| error_of(&error)),
    }
}

/// The offsets that can be kept, and what is wrong with each, by topic.
fn check_offsets(
    context: &Context,
    topics: Vec<TxnOffsetCommitRequestTopic>,
) -> (OffsetsByTopic, Vec<Vec<Result<(), ResponseError>>>) {
    let mut kept = OffsetsByTopic::new();
    let mut results = Vec::with_capacity(topics.len());
    for topic in topics {
        let mut of_topic = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let index = asked.partition_index;
            let offset = CommittedOffset {
                offset: asked.committed_offset,
                leader_epoch: asked.committed_leader_epoch,
                metadata: asked.committed_metadata.unwrap_or_default().to_string(),
            };
            let checked = offsets::check(context, &topic.name, index, offset);
            of_topic.push(checked.map(|offset| {
                kept.entry(topic.name.to_string()).or_default().insert(index, offset);
            }));
        }
        results.push(of_topic);
    }
    (kept, results)
}

/// Commits or aborts a transaction; answered when that is on disk.
pub(super) async fn end(context: &Context, request: EndTxnRequest, version: i16) -> EndTxnResponse {
    let producer = producer(request.producer_id, request.producer_epoch);
    let marker = if request.committed { Marker::Commit } else { Marker::Abort };
    let protocol = protocol(version, END_V2_SINCE);
    let ended = run(context, fenced(version), |node| async move {
        let id = &request.transactional_id;
        node.transactions.end(&node, id, producer, marker, protocol).await
    });
    let ended = ended.await;
    let response = EndTxnResponse::default().with_error_code(error_code(&ended));
    match ended {
        Ok(next) => response.with_producer_id(ProducerId(next.id)).with_producer_epoch(next.epoch),
        Err(_) => response,
    }
}

fn protocol(version: i16, v2_since: i16) -> Protocol {
    if version >= v2_since { Protocol::V2 } else { Protocol::V1 }
}

pub(super) fn producer(id: ProducerId, epoch: i16) -> ProducerEpoch {
    ProducerEpoch { id: id.0, epoch }
}
