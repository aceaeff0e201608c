//! Produce.

use std::{sync::Arc, time::Duration};

use bytes::{Buf, Bytes};
use kafka_protocol::{
    ResponseError,
    messages::{
        ProduceResponse, TopicName,
        produce_response::{
            BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
        },
    },
    protocol::StrBytes,
};

use super::common::{PendingResponse, text};
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
/// Kafka's number of zstd.
const ZSTD: i16 = 4;

/// A decoded produce request. It is decoded by hand because it is the one that is large: the general
/// decoder reserves memory for as many elements as an array claims to have, which for a malicious
/// frame of the maximum length is 9.8 GB. In time the two hardly differ (0.2 and 0.4 µs a request).
#[derive(Debug)]
struct Produce {
    transactional: bool,
    acks: i16,
    timeout: Duration,
    topics: Vec<(StrBytes, Vec<(i32, Bytes)>)>,
}

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
    let produce = decode(&request)?;
    let (acks, timeout, version) = (produce.acks, produce.timeout, request.version);
    let work = tokio::task::spawn_blocking(move || append_all(&context, produce, version));
    let outcomes = work.await.map_err(|error| RequestError::Unencodable(error.to_string()))?;
    Ok(Box::pin(async move {
        if acks == 0 {
            let failed = outcomes.iter().flat_map(|(_, all)| all).any(|o| o.result.is_err());
            return if failed { Err(RequestError::Unacknowledged) } else { Ok(None) };
        }
        let deadline = tokio::time::Instant::now() + timeout;
        let mut responses = Vec::with_capacity(outcomes.len());
        for (name, outcomes) in outcomes {
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
            responses.push(
                TopicProduceResponse::default()
                    .with_name(TopicName(name))
                    .with_partition_responses(partitions),
            );
        }
        request.encode(&ProduceResponse::default().with_responses(responses)).map(Some)
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

fn append_all(context: &Context, produce: Produce, version: i16) -> Vec<(StrBytes, Vec<Outcome>)> {
    let refused = if !(-1..=1).contains(&produce.acks) {
        Some((ResponseError::InvalidRequiredAcks, "acks must be 0, 1 or all"))
    } else {
        None
    };
    let (transactional, acks) = (produce.transactional, produce.acks);
    let topics = produce.topics.into_iter().map(|(name, partitions)| {
        let outcomes = partitions.into_iter().map(|(index, records)| Outcome {
            index,
            result: match refused {
                Some((error, why)) => Err((error, why.to_owned()).into()),
                None => partition(context, &name, index, acks).and_then(|partition| {
                    let appended = append(&partition, &records, version, transactional)?;
                    Ok((partition, appended))
                }),
            },
        });
        let outcomes = outcomes.collect();
        (name, outcomes)
    });
    topics.collect()
}

/// The partition, if a request that asks for so many acknowledgements can be appended there.
fn partition(
    context: &Context,
    topic: &str,
    index: i32,
    acks: i16,
) -> Result<Arc<Partition>, ProduceError> {
    let partition = context.node.topics.partition(topic, index).ok_or_else(unknown)?;
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

fn decode(request: &Request) -> Result<Produce, RequestError> {
    let mut fields = Fields { bytes: request.body.clone(), compact: request.version >= 9 };
    let decoded = fields.produce();
    decoded.ok_or_else(|| RequestError::Malformed("a produce request that is cut short".to_owned()))
}

/// Reads the fields of a produce request; none where the bytes do not suffice.
struct Fields {
    bytes: Bytes,
    compact: bool,
}

impl Fields {
    fn produce(&mut self) -> Option<Produce> {
        let transactional = self.text()?.is_some();
        let acks = self.bytes.try_get_i16().ok()?;
        let timeout = self.bytes.try_get_i32().ok()?;
        let mut topics = Vec::new();
        for _ in 0..self.length()?? {
            let name = self.text()??;
            let mut partitions = Vec::new();
            for _ in 0..self.length()?? {
                let index = self.bytes.try_get_i32().ok()?;
                let records = match self.length()? {
                    Some(length) => self.take(length)?,
                    None => Bytes::new(),
                };
                self.skip_tags()?;
                partitions.push((index, records));
            }
            self.skip_tags()?;
            topics.push((name, partitions));
        }
        self.skip_tags()?;
        let timeout = Duration::from_millis(u64::try_from(timeout).unwrap_or(0));
        Some(Produce { transactional, acks, timeout, topics })
    }

    /// The length of an array or of bytes; `Some(None)` for null.
    fn length(&mut self) -> Option<Option<usize>> {
        if self.compact {
            return Some((self.varint()? as usize).checked_sub(1));
        }
        match self.bytes.try_get_i32().ok()? {
            -1 => Some(None),
            length => Some(Some(usize::try_from(length).ok()?)),
        }
    }

    fn text(&mut self) -> Option<Option<StrBytes>> {
        let length = if self.compact {
            self.length()?
        } else {
            match self.bytes.try_get_i16().ok()? {
                -1 => None,
                length => Some(usize::try_from(length).ok()?),
            }
        };
        match length {
            Some(length) => StrBytes::from_utf8(self.take(length)?).ok().map(Some),
            None => Some(None),
        }
    }

    fn take(&mut self, length: usize) -> Option<Bytes> {
        (length <= self.bytes.len()).then(|| self.bytes.split_to(length))
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.bytes.try_get_u8().ok()?;
            value |= u32::from(byte & 0x7F).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn skip_tags(&mut self) -> Option<()> {
        if self.compact {
            for _ in 0..self.varint()? {
                self.varint()?;
                let size = self.varint()?;
                self.take(size as usize)?;
            }
        }
        Some(())
    }
}
