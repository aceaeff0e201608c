//! OffsetCommit and OffsetFetch.

use std::time::Instant;

use kafka_protocol::{
    ResponseError,
    messages::{
        OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
        TopicName,
        offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic},
        offset_fetch_request::OffsetFetchRequestGroup,
        offset_fetch_response::{
            OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
            OffsetFetchResponseTopic, OffsetFetchResponseTopics,
        },
    },
};

use super::{
    common::{blocking, error_code, storage_error, text},
    groups::error_of,
};
use crate::{
    context::Context,
    groups::{CommittedOffset, Committer},
};

/// Kafka's bound on what a client may remember beside an offset.
const MAX_METADATA_LEN: usize = 4096;
/// The first version of OffsetCommit whose clients know `STALE_MEMBER_EPOCH`.
const MEMBER_EPOCHS_SINCE: i16 = 9;

/// Checks that `offset` can be kept for partition `index` of `topic`.
///
/// # Errors
/// Kafka's error for a partition that is not there, and for metadata that is too long.
pub(super) fn check(
    context: &Context,
    topic: &TopicName,
    index: i32,
    offset: CommittedOffset,
) -> Result<CommittedOffset, ResponseError> {
    if context.node.topics.partition(topic, index).is_none() {
        return Err(ResponseError::UnknownTopicOrPartition);
    }
    if offset.metadata.len() > MAX_METADATA_LEN {
        return Err(ResponseError::OffsetMetadataTooLarge);
    }
    Ok(offset)
}

/// Commits, durably. A group that only keeps offsets here comes into being by that.
pub(super) async fn commit(
    context: &Context,
    request: OffsetCommitRequest,
    version: i16,
) -> OffsetCommitResponse {
    let pending = if request.group_id.is_empty() {
        Err(ResponseError::InvalidGroupId)
    } else {
        let committer = Committer {
            member_id: &request.member_id,
            instance_id: request.group_instance_id.as_deref(),
            epoch: request.generation_id_or_member_epoch,
            knows_epochs: version >= MEMBER_EPOCHS_SINCE,
        };
        let pending = context.node.groups.begin_offset_commit(&request.group_id, |state| {
            state.validate_offset_commit(Instant::now(), committer)
        });
        pending.map_err(|error| error_of(&error))
    };
    let mut offsets = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let index = asked.partition_index;
            let offset = CommittedOffset {
                offset: asked.committed_offset,
                leader_epoch: asked.committed_leader_epoch,
                metadata: asked.committed_metadata.unwrap_or_default().to_string(),
            };
            let result = check(context, &topic.name, index, offset)
                .map(|offset| offsets.push((topic.name.to_string(), index, offset)));
            partitions.push((index, result));
        }
        topics.push((topic.name, partitions));
    }
    let done = match pending {
        Ok(pending) if !offsets.is_empty() => {
            blocking(move || pending.commit(offsets).map_err(storage_error)).await
        }
        other => other.map(|_| ()),
    };
    let topics = topics.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|(index, result)| {
            OffsetCommitResponsePartition::default()
                .with_partition_index(index)
                .with_error_code(error_code(&done.and(result)))
        });
        OffsetCommitResponseTopic::default().with_name(name).with_partitions(partitions.collect())
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

/// What was committed for a partition, or why that is not said.
type FoundOffset = Result<Option<CommittedOffset>, ResponseError>;

/// Topic, then partition and what was committed for it.
type Found = Vec<(TopicName, Vec<(i32, FoundOffset)>)>;

/// With `require_stable`, an offset that an open transaction may still change is an error.
fn look_up(
    context: &Context,
    name: &str,
    asked: Option<Vec<(TopicName, Vec<i32>)>>,
    require_stable: bool,
) -> Found {
    let group = context.node.groups.get(name);
    let find = |topic: &TopicName, partition: i32| {
        // Looked at first: a transaction that ends meanwhile has changed what is committed.
        let transactions = &context.node.transactions;
        if require_stable && transactions.has_pending_offset(name, topic, partition) {
            return Err(ResponseError::UnstableOffsetCommit);
        }
        Ok(group.as_ref().and_then(|group| group.offsets.get(topic, partition)))
    };
    let asked = asked.unwrap_or_else(|| {
        let all = group.as_ref().map(|group| group.offsets.all()).unwrap_or_default();
        let topics = all.into_iter();
        topics.map(|(topic, found)| (TopicName(text(topic)), found.into_keys().collect())).collect()
    });
    let topics = asked.into_iter().map(|(topic, partitions)| {
        let found = partitions.into_iter().map(|partition| (partition, find(&topic, partition)));
        let found = found.collect();
        (topic, found)
    });
    topics.collect()
}

/// Checks the member that asks for offsets, if it says who it is.
fn validate_fetch(
    context: &Context,
    asking: &OffsetFetchRequestGroup,
) -> Result<(), ResponseError> {
    let Some(group) = context.node.groups.get(&asking.group_id) else { return Ok(()) };
    let id = asking.member_id.as_deref().unwrap_or_default();
    let valid = group.with(|state| state.validate_offset_fetch(id, asking.member_epoch));
    valid.map_err(|error| error_of(&error))
}

pub(super) async fn fetch(
    context: &Context,
    request: OffsetFetchRequest,
    version: i16,
) -> OffsetFetchResponse {
    let stable = request.require_stable;
    if version >= 8 {
        let groups = request.groups.into_iter().map(|group| {
            let response =
                OffsetFetchResponseGroup::default().with_group_id(group.group_id.clone());
            if let Err(error) = validate_fetch(context, &group) {
                return response.with_error_code(error.code());
            }
            let asked = group.topics.map(|topics| {
                topics.into_iter().map(|topic| (topic.name, topic.partition_indexes)).collect()
            });
            let found = look_up(context, &group.group_id, asked, stable);
            let topics = found.into_iter().map(|(name, partitions)| {
                let partitions = partitions.into_iter().map(|(index, found)| {
                    let error = error_code(&found);
                    let (offset, epoch, metadata) = fields(found);
                    OffsetFetchResponsePartitions::default()
                        .with_partition_index(index)
                        .with_committed_offset(offset)
                        .with_committed_leader_epoch(epoch)
                        .with_metadata(Some(text(metadata)))
                        .with_error_code(error)
                });
                OffsetFetchResponseTopics::default()
                    .with_name(name)
                    .with_partitions(partitions.collect())
            });
            response.with_topics(topics.collect())
        });
        return OffsetFetchResponse::default().with_groups(groups.collect());
    }
    let asked = request.topics.map(|topics| {
        topics.into_iter().map(|topic| (topic.name, topic.partition_indexes)).collect()
    });
    let found = look_up(context, &request.group_id, asked, stable);
    let topics = found.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|(index, found)| {
            let error = error_code(&found);
            let (offset, epoch, metadata) = fields(found);
            OffsetFetchResponsePartition::default()
                .with_partition_index(index)
                .with_committed_offset(offset)
                .with_committed_leader_epoch(epoch)
                .with_metadata(Some(text(metadata)))
                .with_error_code(error)
        });
        OffsetFetchResponseTopic::default().with_name(name).with_partitions(partitions.collect())
    });
    OffsetFetchResponse::default().with_topics(topics.collect())
}

/// Offset, leader epoch and metadata; -1, -1 and nothing if there is no commit.
fn fields(found: FoundOffset) -> (i64, i32, String) {
    found.ok().flatten().map_or((-1, -1, String::new()), |c| (c.offset, c.leader_epoch, c.metadata))
}
