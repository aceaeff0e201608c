//! DescribeProducers: who has appended to partitions.

use std::sync::Arc;

use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeProducersRequest, DescribeProducersResponse, ProducerId,
        describe_producers_response::{PartitionResponse, ProducerState, TopicResponse},
    },
};

use super::common::{blocking, error_code};
use crate::{context::Context, log::ActiveProducer};

/// The coordinator never changes; as in the markers that it writes.
const COORDINATOR_EPOCH: i32 = 0;

pub(super) async fn describe(
    context: &Context,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let (node, name) = (Arc::clone(&context.node), topic.name.clone());
        let described = blocking(move || {
            let describe = |index: i32| {
                let partition = node.topics.partition(&name, index);
                let producers = partition.map(|partition| partition.active_producers());
                respond(index, producers.ok_or(ResponseError::UnknownTopicOrPartition))
            };
            Ok(topic.partition_indexes.into_iter().map(describe).collect::<Vec<_>>())
        });
        let partitions = described.await.unwrap_or_default();
        topics.push(TopicResponse::default().with_name(topic.name).with_partitions(partitions));
    }
    DescribeProducersResponse::default().with_topics(topics)
}

fn respond(index: i32, producers: Result<Vec<ActiveProducer>, ResponseError>) -> PartitionResponse {
    let response = PartitionResponse::default()
        .with_partition_index(index)
        .with_error_code(error_code(&producers));
    let described = producers.unwrap_or_default().into_iter().map(|producer| {
        ProducerState::default()
            .with_producer_id(ProducerId(producer.id))
            .with_producer_epoch(producer.epoch.into())
            .with_last_sequence(producer.last_sequence.unwrap_or(-1))
            .with_last_timestamp(producer.last_timestamp)
            .with_coordinator_epoch(if producer.has_marker { COORDINATOR_EPOCH } else { -1 })
            .with_current_txn_start_offset(producer.transaction_start.unwrap_or(-1))
    });
    response.with_active_producers(described.collect())
}
