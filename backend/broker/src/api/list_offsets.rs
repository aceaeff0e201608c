//! ListOffsets: the first, the last, and by timestamp.

use std::collections::BTreeMap;

use kafka_protocol::{
    ResponseError,
    messages::{
        ListOffsetsRequest, ListOffsetsResponse,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
    },
};

use super::common::{LEADER_EPOCH, blocking, isolation, storage_error};
use crate::{
    context::Context,
    log::{Isolation, Partition, ReadError, first_record_at},
    topics::Topic,
};

/// The offset that the next record gets (as far as consumers may see).
const LATEST: i64 = -1;
/// The first offset there is.
const EARLIEST: i64 = -2;
/// The record with the latest timestamp.
const LATEST_TIMESTAMP: i64 = -3;
/// The first offset on local disk; the same here.
const EARLIEST_LOCAL: i64 = -4;
/// The last offset moved elsewhere; none here.
const LATEST_TIERED: i64 = -5;

pub(super) async fn list(
    context: &Context,
    request: ListOffsetsRequest,
    version: i16,
) -> ListOffsetsResponse {
    let timestamps = request.topics.iter().flat_map(|topic| &topic.partitions);
    let reads_log =
        timestamps.map(|asked| asked.timestamp).any(|t| t >= 0 || t == LATEST_TIMESTAMP);
    let topics = context.node.topics.all();
    if !reads_log {
        return list_all(&topics, request, version);
    }
    // One blocking task for the whole request, however many partitions it asks for.
    match blocking(move || Ok(list_all(&topics, request, version))).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!("cannot list offsets: {error}");
            ListOffsetsResponse::default()
        }
    }
}

fn list_all(
    topics: &BTreeMap<String, Topic>,
    request: ListOffsetsRequest,
    version: i16,
) -> ListOffsetsResponse {
    let isolation = isolation(request.isolation_level);
    let list_topic = |topic: ListOffsetsTopic| {
        let known = topics.get(&**topic.name);
        let partitions = topic.partitions.iter().map(|asked| {
            let partition = known.and_then(|topic| topic.partition(asked.partition_index));
            respond(partition.map(|partition| &**partition), asked, isolation, version)
        });
        let partitions = partitions.collect();
        ListOffsetsTopicResponse::default().with_name(topic.name).with_partitions(partitions)
    };
    let topics = request.topics.into_iter().map(list_topic).collect();
    ListOffsetsResponse::default().with_topics(topics)
}

fn respond(
    partition: Option<&Partition>,
    asked: &ListOffsetsPartition,
    isolation: Isolation,
    version: i16,
) -> ListOffsetsPartitionResponse {
    let response = ListOffsetsPartitionResponse::default()
        .with_partition_index(asked.partition_index)
        .with_timestamp(-1)
        .with_offset(-1);
    let found = match partition {
        Some(partition) => offset_at(partition, asked.timestamp, isolation),
        None => Err(ResponseError::UnknownTopicOrPartition),
    };
    match found {
        Ok(Some((offset, timestamp))) => {
            let epoch = if version >= 4 { LEADER_EPOCH } else { -1 };
            response.with_offset(offset).with_timestamp(timestamp).with_leader_epoch(epoch)
        }
        Ok(None) => response,
        Err(error) => response.with_error_code(error.code()),
    }
}

/// Offset and timestamp, if there is such a record. Blocks for timestamps and the latest timestamp.
fn offset_at(
    partition: &Partition,
    timestamp: i64,
    isolation: Isolation,
) -> Result<Option<(i64, i64)>, ResponseError> {
    let end = partition.status().end(isolation);
    let found = match timestamp {
        LATEST => return Ok(Some((end, -1))),
        EARLIEST | EARLIEST_LOCAL => return Ok(Some((partition.status().log_start, -1))),
        LATEST_TIERED => None,
        LATEST_TIMESTAMP => match partition.latest_timestamp() {
            Some(latest) => first_at(partition, latest)?,
            None => None,
        },
        0.. => first_at(partition, timestamp)?,
        _ => return Err(ResponseError::InvalidRequest),
    };
    Ok(found.filter(|(offset, _)| *offset < end))
}

fn first_at(partition: &Partition, timestamp: i64) -> Result<Option<(i64, i64)>, ResponseError> {
    match partition.batch_at_time(timestamp) {
        Ok(Some((header, batch))) => {
            Ok(first_record_at(&header, &batch, timestamp, partition.status().log_start))
        }
        Ok(None) => Ok(None),
        Err(ReadError::OutOfRange) => Err(ResponseError::OffsetOutOfRange),
        Err(ReadError::Io(error)) => Err(storage_error(format!("{}: {error}", partition.name()))),
    }
}
