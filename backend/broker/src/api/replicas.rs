//! DescribeTopicPartitions, ElectLeaders and ListPartitionReassignments: where partitions are, which is on
//! the only node, always.

use std::collections::BTreeSet;

use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, ElectLeadersRequest,
        ElectLeadersResponse, ListPartitionReassignmentsRequest,
        ListPartitionReassignmentsResponse, TopicName,
        describe_topic_partitions_response::{
            Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
        },
        elect_leaders_response::{PartitionResult, ReplicaElectionResult},
    },
};

use super::common::{LEADER_EPOCH, NODE_ID, text};
use crate::context::Context;

/// Kafka's `max.request.partition.size.limit`: a response describes no more partitions.
const MAX_DESCRIBED: usize = 2000;

/// Describes topics in order of their names, page by page.
pub(super) async fn describe(
    context: &Context,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let topics = context.node.topics.all();
    let all = request.topics.is_empty();
    let asked: BTreeSet<String> = match all {
        true => topics.keys().cloned().collect(),
        false => request.topics.iter().map(|topic| topic.name.to_string()).collect(),
    };
    let (first, mut skip) = match &request.cursor {
        Some(cursor) => {
            let skip = usize::try_from(cursor.partition_index).unwrap_or(0);
            (cursor.topic_name.to_string(), skip)
        }
        None => (String::new(), 0),
    };
    let limit = usize::try_from(request.response_partition_limit).unwrap_or(MAX_DESCRIBED);
    let mut left = limit.clamp(1, MAX_DESCRIBED);
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in asked.range(first.clone()..) {
        // The cursor says where to go on in its own topic.
        let from = if *name == first { std::mem::take(&mut skip) } else { 0 };
        let described =
            DescribeTopicPartitionsResponseTopic::default().with_name(Some(TopicName(text(name))));
        let Some(topic) = topics.get(name) else {
            response
                .topics
                .push(described.with_error_code(ResponseError::UnknownTopicOrPartition.code()));
            continue;
        };
        let count = topic.partitions.len();
        if left == 0 {
            response.next_cursor = Some(cursor(name, from));
            break;
        }
        let to = count.min(from + left);
        left -= to.saturating_sub(from);
        let partitions = (from..to).map(describe_partition).collect();
        response.topics.push(described.with_topic_id(topic.id).with_partitions(partitions));
        if to < count {
            response.next_cursor = Some(cursor(name, to));
            break;
        }
    }
    response
}

fn cursor(topic: &str, partition: usize) -> Cursor {
    Cursor::default().with_topic_name(TopicName(text(topic))).with_partition_index(partition as i32)
}

fn describe_partition(number: usize) -> DescribeTopicPartitionsResponsePartition {
    DescribeTopicPartitionsResponsePartition::default()
        .with_partition_index(number as i32)
        .with_leader_id(NODE_ID)
        .with_leader_epoch(LEADER_EPOCH)
        .with_replica_nodes(vec![NODE_ID])
        .with_isr_nodes(vec![NODE_ID])
        .with_eligible_leader_replicas(Some(Vec::new()))
        .with_last_known_elr(Some(Vec::new()))
}

/// The only node leads every partition already. Of all partitions, when none are named, only those
/// would be listed that have another leader afterwards: none.
pub(super) async fn elect_leaders(
    context: &Context,
    request: ElectLeadersRequest,
) -> ElectLeadersResponse {
    let elect = |topic: &str, number: i32| {
        let (error, why) = match context.node.topics.partition(topic, number) {
            Some(_) => (ResponseError::ElectionNotNeeded, "the only node leads every partition"),
            None => (ResponseError::UnknownTopicOrPartition, "no such partition"),
        };
        PartitionResult::default()
            .with_partition_id(number)
            .with_error_code(error.code())
            .with_error_message(Some(text(why)))
    };
    let results = request.topic_partitions.unwrap_or_default().into_iter().map(|asked| {
        let partitions = asked.partitions.iter().map(|&number| elect(&asked.topic, number));
        ReplicaElectionResult::default()
            .with_partition_result(partitions.collect())
            .with_topic(asked.topic)
    });
    ElectLeadersResponse::default().with_replica_election_results(results.collect())
}

/// No partition ever moves.
pub(super) async fn list_reassignments(
    _: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    ListPartitionReassignmentsResponse::default()
}
