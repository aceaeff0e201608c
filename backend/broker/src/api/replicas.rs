//! DescribeTopicPartitions, ElectLeaders, AlterPartitionReassignments, ListPartitionReassignments and
//! AlterReplicaLogDirs: where partitions are, which is on the only node and in its only folder, always.

use std::collections::BTreeSet;

use kafka_protocol::{
    ResponseError,
    messages::{
        AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
        AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, BrokerId,
        DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, ElectLeadersRequest,
        ElectLeadersResponse, ListPartitionReassignmentsRequest,
        ListPartitionReassignmentsResponse, TopicName,
        alter_partition_reassignments_response::{
            ReassignablePartitionResponse, ReassignableTopicResponse,
        },
        alter_replica_log_dirs_response::{
            AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
        },
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

/// Whether a partition is where it is to be; there is nowhere else.
pub(super) async fn reassign(
    context: &Context,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let reassign = |topic: &str, number: i32, replicas: Option<&[BrokerId]>| {
        let (error, why) = match (context.node.topics.partition(topic, number), replicas) {
            (None, _) => (ResponseError::UnknownTopicOrPartition, "no such partition"),
            // To be given up.
            (_, None) => (ResponseError::NoReassignmentInProgress, "no partition ever moves"),
            (_, Some([NODE_ID])) => return Ok(()),
            _ => (ResponseError::InvalidReplicaAssignment, "there is only one node"),
        };
        Err((error.code(), why))
    };
    let topics = request.topics.into_iter().map(|asked| {
        let partitions = asked.partitions.iter().map(|partition| {
            let (number, replicas) = (partition.partition_index, partition.replicas.as_deref());
            let response = ReassignablePartitionResponse::default().with_partition_index(number);
            match reassign(&asked.name, number, replicas) {
                Ok(()) => response.with_error_message(None),
                Err((code, why)) => {
                    response.with_error_code(code).with_error_message(Some(text(why)))
                }
            }
        });
        ReassignableTopicResponse::default()
            .with_partitions(partitions.collect())
            .with_name(asked.name)
    });
    AlterPartitionReassignmentsResponse::default()
        .with_allow_replication_factor_change(request.allow_replication_factor_change)
        .with_error_message(None)
        .with_responses(topics.collect())
}

/// Whether a partition lies in the folder where it is to lie; there is no other.
pub(super) async fn move_folder(
    context: &Context,
    request: AlterReplicaLogDirsRequest,
) -> AlterReplicaLogDirsResponse {
    let only = context.node.config.dir.to_string_lossy();
    let mut results = Vec::new();
    for folder in request.dirs {
        for asked in folder.topics {
            let partitions = asked.partitions.iter().map(|&number| {
                let error = if context.node.topics.partition(&asked.name, number).is_none() {
                    ResponseError::UnknownTopicOrPartition.code()
                } else if *folder.path != *only {
                    ResponseError::LogDirNotFound.code()
                } else {
                    0
                };
                AlterReplicaLogDirPartitionResult::default()
                    .with_partition_index(number)
                    .with_error_code(error)
            });
            let result = AlterReplicaLogDirTopicResult::default()
                .with_partitions(partitions.collect())
                .with_topic_name(asked.name);
            results.push(result);
        }
    }
    AlterReplicaLogDirsResponse::default().with_results(results)
}
