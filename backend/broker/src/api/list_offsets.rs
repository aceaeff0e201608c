//! ListOffsets: the first, the last, and by timestamp.

use std::sync::Arc;

use kafka_protocol::{
    ResponseError,
    messages::{
        ListOffsetsRequest, ListOffsetsResponse,
        list_offsets_request::ListOffsetsPartition,
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
    },
};

use super::{LEADER_EPOCH, blocking, storage_error};
use crate::{
    log::{Partition, ReadError, first_not_older},
    server::Context,
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
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let partition = context.node.topics.partition(&topic.name, asked.partition_index);
            partitions.push(answer(partition, &asked, version).await);
        }
        let response = ListOffsetsTopicResponse::default().with_name(topic.name);
        topics.push(response.with_partitions(partitions));
    }
    ListOffsetsResponse::default().with_topics(topics)
}

async fn answer(
    partition: Option<Arc<Partition>>,
    asked: &ListOffsetsPartition,
    version: i16,
) -> ListOffsetsPartitionResponse {
    let response = ListOffsetsPartitionResponse::default()
        .with_partition_index(asked.partition_index)
        .with_timestamp(-1)
        .with_offset(-1);
    let found = match partition {
        Some(partition) => offset_at(partition, asked.timestamp).await,
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

/// Offset and timestamp, if there is such a record.
async fn offset_at(
    partition: Arc<Partition>,
    timestamp: i64,
) -> Result<Option<(i64, i64)>, ResponseError> {
    match timestamp {
        LATEST => Ok(Some((partition.durable().end, -1))),
        EARLIEST | EARLIEST_LOCAL => Ok(Some((partition.start(), -1))),
        LATEST_TIERED => Ok(None),
        LATEST_TIMESTAMP => match partition.latest_timestamp() {
            Some(latest) => by_time(partition, latest).await,
            None => Ok(None),
        },
        0.. => by_time(partition, timestamp).await,
        _ => Err(ResponseError::InvalidRequest),
    }
}

async fn by_time(
    partition: Arc<Partition>,
    timestamp: i64,
) -> Result<Option<(i64, i64)>, ResponseError> {
    blocking(move || match partition.batch_at_time(timestamp) {
        Ok(Some((header, batch))) => {
            Ok(first_not_older(&header, batch, timestamp, partition.start()))
        }
        Ok(None) => Ok(None),
        Err(ReadError::OutOfRange) => Err(ResponseError::OffsetOutOfRange),
        Err(ReadError::Io(error)) => Err(storage_error(format!("{}: {error}", partition.name()))),
    })
    .await
}
