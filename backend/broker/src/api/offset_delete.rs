//! OffsetDelete: a group forgets how far it has come in some partitions.

use std::{collections::HashSet, sync::Arc};

use bytes::{Buf, Bytes};
use kafka_protocol::{
    ResponseError,
    messages::{
        OffsetDeleteRequest, OffsetDeleteResponse,
        offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic},
    },
};

use super::common::{blocking, error_code, storage_error};
use crate::{
    context::Context,
    groups::{Group, Member, Members},
};

pub(super) async fn delete(
    context: &Context,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let response = OffsetDeleteResponse::default();
    let Some(group) = context.node.groups.get(&request.group_id) else {
        return response.with_error_code(ResponseError::GroupIdNotFound.code());
    };
    // Members of which nobody knows what they read could read anything.
    let Some(subscribed) = subscribed_topics(&group) else {
        return response.with_error_code(ResponseError::NonEmptyGroup.code());
    };
    let mut removed = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let index = asked.partition_index;
            let result = if context.node.topics.partition(&topic.name, index).is_none() {
                Err(ResponseError::UnknownTopicOrPartition)
            } else if subscribed.contains(&**topic.name) {
                Err(ResponseError::GroupSubscribedToTopic)
            } else {
                removed.push((topic.name.to_string(), index));
                Ok(())
            };
            partitions.push(
                OffsetDeleteResponsePartition::default()
                    .with_partition_index(index)
                    .with_error_code(error_code(&result)),
            );
        }
        topics.push(
            OffsetDeleteResponseTopic::default().with_name(topic.name).with_partitions(partitions),
        );
    }
    let node = Arc::clone(&context.node);
    let done =
        blocking(move || node.groups.remove_offsets(&group, &removed).map_err(storage_error));
    match done.await {
        Ok(()) => response.with_topics(topics),
        Err(error) => response.with_error_code(error.code()),
    }
}

/// The topics that members of the group have subscribed to; none when a member of the classic protocol does
/// not say it in the way of consumers.
fn subscribed_topics(group: &Group) -> Option<HashSet<String>> {
    group.with(|state| match &state.members {
        Members::Consumer(state) => Some(state.subscribed_topics().cloned().collect()),
        Members::Classic(state) => {
            let subscriptions = state.members.iter().map(Member::preferred_metadata);
            let topics: Option<Vec<Vec<String>>> = subscriptions.map(topics_of).collect();
            topics.map(|topics| topics.into_iter().flatten().collect())
        }
    })
}

/// The topics of a consumer's subscription, which are its first field in every version. Decoded by hand, so
/// that what an array claims to hold reserves no memory.
fn topics_of(mut subscription: Bytes) -> Option<Vec<String>> {
    let _version = subscription.try_get_i16().ok()?;
    let mut topics = Vec::new();
    for _ in 0..subscription.try_get_i32().ok()? {
        let length = usize::try_from(subscription.try_get_i16().ok()?).ok()?;
        if length > subscription.len() {
            return None;
        }
        topics.push(String::from_utf8(subscription.split_to(length).to_vec()).ok()?);
    }
    Some(topics)
}
