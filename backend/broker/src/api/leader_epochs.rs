//! OffsetForLeaderEpoch: where the records of a leader end, so that a client notices when they were lost.
//! There was never another leader.

use kafka_protocol::{
    ResponseError,
    messages::{
        OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
        offset_for_leader_epoch_request::OffsetForLeaderPartition,
        offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult},
    },
};

use super::common::LEADER_EPOCH;
use crate::context::Context;

pub(super) async fn end_offsets(
    context: &Context,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let end_of = |topic: &str, asked: &OffsetForLeaderPartition| {
        let result = EpochEndOffset::default().with_partition(asked.partition);
        let Some(partition) = context.node.topics.partition(topic, asked.partition) else {
            return result.with_error_code(ResponseError::UnknownTopicOrPartition.code());
        };
        if asked.current_leader_epoch > LEADER_EPOCH {
            return result.with_error_code(ResponseError::UnknownLeaderEpoch.code());
        }
        if asked.leader_epoch != LEADER_EPOCH {
            // Undefined, as of every leader that there was not.
            return result;
        }
        result.with_leader_epoch(LEADER_EPOCH).with_end_offset(partition.status().high_watermark)
    };
    let topics = request.topics.into_iter().map(|asked| {
        let partitions = asked.partitions.iter().map(|partition| end_of(&asked.topic, partition));
        OffsetForLeaderTopicResult::default()
            .with_partitions(partitions.collect())
            .with_topic(asked.topic)
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}
