//! Produce.

use std::sync::Arc;

use kafka_protocol::{
    ResponseError,
    messages::{
        ProduceResponse, TopicName,
        produce_response::{
            BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
        },
    },
};

use super::{
    common::{PendingResponse, text},
    produce_request::{IDS_SINCE, Produce, ProducedTopic},
    transaction_partitions,
};
use crate::{
    context::Context,
    log::{
        AppendError, Appended, Health, InvalidBatch, Partition, Refusal, RefusedBatch,
        SequenceError, TransactionCheckError, check,
    },
    wire::{Request, RequestError},
};

/// The first version that allows zstd.
const ZSTD_SINCE: i16 = 7;
/// The first version whose clients know that a transaction can only be aborted.
const ABORTABLE_SINCE: i16 = 11;
/// The first version of the second protocol of transactions: what is appended to is part of the
/// transaction by that.
const IMPLICIT_SINCE: i16 = 12;
/// Kafka's number of zstd.
const ZSTD: i16 = 4;

/// Why a batch was not taken.
struct ProduceError {
    error: ResponseError,
    why: String,
    /// Which of its records are the reason, where that is known.
    records: Vec<i32>,
}

impl From<(ResponseError, String)> for ProduceError {
    fn from((error, why): (ResponseError, String)) -> Self {
        Self { error, why, records: Vec::new() }
    }
}

/// What became of one partition's batch.
struct Outcome {
    index: i32,
    result: Result<(Arc<Partition>, Appended), ProduceError>,
}

/// Appends, and returns what waits for the disk and answers.
pub(super) async fn produce(
    context: Context,
    request: Request,
) -> Result<PendingResponse, RequestError> {
    let mut produce = Produce::decode(&request)?;
    if request.version >= IDS_SINCE {
        name_topics(&context, &mut produce);
    }
    let produce = Arc::new(produce);
    let (acks, timeout, version) = (produce.acks, produce.timeout, request.version);
    let refused = if !(-1..=1).contains(&acks) {
        Some((ResponseError::InvalidRequiredAcks, "acks must be 0, 1 or all"))
    } else if version >= IMPLICIT_SINCE {
        let enlisted = transaction_partitions::enlist(&context, &produce).await;
        enlisted.err().map(|error| (error, "the transaction does not take the partitions"))
    } else {
        None
    };
    let to_append = Arc::clone(&produce);
    let work =
        tokio::task::spawn_blocking(move || append_all(&context, &to_append, version, refused));
    let outcomes = work.await.map_err(|error| RequestError::Unencodable(error.to_string()))?;
    Ok(Box::pin(async move {
        if acks == 0 {
            let failed = outcomes.iter().flatten().any(|o| o.result.is_err());
            return if failed { Err(RequestError::Unacknowledged) } else { Ok(None) };
        }
        let deadline = tokio::time::Instant::now() + timeout;
        let mut responses = Vec::with_capacity(outcomes.len());
        for (topic, outcomes) in produce.topics.iter().zip(outcomes) {
            let mut partitions = Vec::with_capacity(outcomes.len());
            for Outcome { index, result } in outcomes {
                let result = match result {
                    Ok((partition, appended)) if acks == -1 => {
                        let flushed = partition.wait_for(appended.end);
                        let health = tokio::time::timeout_at(deadline, flushed).await;
                        on_disk(health.ok()).map(|()| appended)
                    }
                    other => other.map(|(_, appended)| appended),
                };
                partitions.push(respond(index, result));
            }
            let response = TopicProduceResponse::default().with_partition_responses(partitions);
            responses.push(if version >= IDS_SINCE {
                response.with_topic_id(topic.id)
            } else {
                response.with_name(TopicName(topic.name.clone()))
            });
        }
        let response = ProduceResponse::default().with_responses(responses);
        request.encode(&response).map(|bytes| Some(bytes.into()))
    }))
}

fn on_disk(health: Option<Health>) -> Result<(), ProduceError> {
    let (error, why) = match health {
        Some(Health::Good) => return Ok(()),
        Some(Health::Failed) => (ResponseError::KafkaStorageError, "the disk failed"),
        Some(Health::Deleted) => (ResponseError::UnknownTopicOrPartition, "the topic was deleted"),
        None => (ResponseError::RequestTimedOut, "the disk is too slow"),
    };
    Err((error, why.to_owned()).into())
}

fn respond(index: i32, result: Result<Appended, ProduceError>) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default().with_index(index);
    match result {
        Ok(appended) => response
            .with_base_offset(appended.base)
            .with_log_append_time_ms(appended.append_time.unwrap_or(-1))
            .with_log_start_offset(appended.log_start),
        Err(ProduceError { error, why, records }) => {
            let records = records.into_iter().map(|record| {
                BatchIndexAndErrorMessage::default()
                    .with_batch_index(record)
                    .with_batch_index_error_message(Some(text(&why)))
            });
            response
                .with_record_errors(records.collect())
                .with_error_code(error.code())
                .with_base_offset(-1)
                .with_log_append_time_ms(-1)
                .with_log_start_offset(-1)
                .with_error_message(Some(text(why)))
        }
    }
}

fn append_all(
    context: &Context,
    produce: &Produce,
    version: i16,
    refused: Option<(ResponseError, &str)>,
) -> Vec<Vec<Outcome>> {
    let (transactional, acks) = (produce.transactional_id.is_some(), produce.acks);
    let topics = produce.topics.iter().map(|topic| {
        let outcomes = topic.partitions.iter().map(|(index, records)| Outcome {
            index: *index,
            result: match refused {
                Some((error, why)) => Err((error, why.to_owned()).into()),
                None => partition(context, topic, *index, acks).and_then(|partition| {
                    let appended = append(&partition, records, version, transactional)?;
                    Ok((partition, appended))
                }),
            },
        });
        outcomes.collect()
    });
    topics.collect()
}

/// Finds the names of topics that are named by their ids.
fn name_topics(context: &Context, produce: &mut Produce) {
    for topic in &mut produce.topics {
        topic.name = context.node.topics.name_of(topic.id).map(text).unwrap_or_default();
    }
}

/// The partition, if a request that asks for so many acknowledgements can be appended there.
fn partition(
    context: &Context,
    topic: &ProducedTopic,
    index: i32,
    acks: i16,
) -> Result<Arc<Partition>, ProduceError> {
    if topic.name.is_empty() && !topic.id.is_nil() {
        return Err((ResponseError::UnknownTopicId, "no such topic".to_owned()).into());
    }
    let partition = context.node.topics.partition(&topic.name, index).ok_or_else(unknown)?;
    if acks == -1 && partition.settings().min_insync_replicas > 1 {
        let why = "min.insync.replicas asks for more than the one replica that there is".to_owned();
        return Err((ResponseError::NotEnoughReplicas, why).into());
    }
    Ok(partition)
}

fn unknown() -> ProduceError {
    (ResponseError::UnknownTopicOrPartition, "no such partition".to_owned()).into()
}

fn append(
    partition: &Arc<Partition>,
    records: &[u8],
    version: i16,
    transactional: bool,
) -> Result<Appended, ProduceError> {
    let header = check(records).map_err(|fault| {
        let error = match fault {
            InvalidBatch::Short | InvalidBatch::Length | InvalidBatch::Checksum => {
                ResponseError::CorruptMessage
            }
            InvalidBatch::Magic => ResponseError::UnsupportedForMessageFormat,
            InvalidBatch::Attributes => ResponseError::InvalidTimestamp,
            _ => ResponseError::InvalidRecord,
        };
        (error, fault.to_string())
    })?;
    if header.is_transactional() && !transactional {
        let why = "the request names no transactional id".to_owned();
        return Err((ResponseError::TransactionalIdAuthorizationFailed, why).into());
    }
    if header.compression() == ZSTD && version < ZSTD_SINCE {
        let why = "zstd needs a newer version of the request".to_owned();
        return Err((ResponseError::UnsupportedCompressionType, why).into());
    }
    partition.append(&header, records).map_err(|error| {
        let code = match &error {
            AppendError::Refused(RefusedBatch { reason, records }) => {
                let (error, records) = (refusal_code(*reason), records.clone());
                return ProduceError { error, why: reason.to_string(), records };
            }
            AppendError::Sequence(SequenceError::OutOfOrder) => {
                ResponseError::OutOfOrderSequenceNumber
            }
            AppendError::Sequence(SequenceError::InvalidEpoch)
            | AppendError::Transaction(TransactionCheckError::InvalidEpoch) => {
                ResponseError::InvalidProducerEpoch
            }
            AppendError::Transaction(TransactionCheckError::InvalidState) => {
                if version >= ABORTABLE_SINCE {
                    ResponseError::TransactionAbortable
                } else {
                    ResponseError::InvalidTxnState
                }
            }
            AppendError::Closed(Health::Deleted) => return unknown(),
            AppendError::Closed(_) | AppendError::Io(_) => ResponseError::KafkaStorageError,
        };
        (code, error.to_string()).into()
    })
}

fn refusal_code(reason: Refusal) -> ResponseError {
    match reason {
        Refusal::TooLarge => ResponseError::MessageTooLarge,
        Refusal::Timestamp => ResponseError::InvalidTimestamp,
        Refusal::NoKey | Refusal::Invalid(_) => ResponseError::InvalidRecord,
    }
}
