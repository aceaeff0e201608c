//! The requests of the consumer group protocol of KIP-848: ConsumerGroupHeartbeat and
//! ConsumerGroupDescribe.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use kafka_protocol::{
    ResponseError,
    messages::{
        ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatRequest,
        ConsumerGroupHeartbeatResponse, GroupId, TopicName, consumer_group_describe_response,
        consumer_group_heartbeat_request, consumer_group_heartbeat_response,
    },
    protocol::StrBytes,
};
use uuid::Uuid;

use super::{
    common::{blocking, pattern, storage_error, text},
    groups::error_of,
};
use crate::{
    context::Context,
    groups::{
        Assignor, ConsumerHeartbeat, ConsumerState, Group, GroupError, GroupState, HeartbeatResult,
        LEAVE_EPOCH, LEAVE_STATIC_EPOCH, Members, Partitions,
    },
    pattern::NamePattern,
    wire::Request,
};

/// The first version in which members choose their id themselves.
const MEMBER_ID_REQUIRED_SINCE: i16 = 1;
/// Kafka's number of members of the consumer protocol.
const MEMBER_TYPE: i8 = 1;

/// Why a heartbeat is refused, with the text for the client.
type Refusal = (ResponseError, String);

fn refused(error: &GroupError) -> Refusal {
    let error = error_of(error);
    (error, error.to_string())
}

fn invalid(why: &str) -> Refusal {
    (ResponseError::InvalidRequest, why.to_owned())
}

pub(super) async fn heartbeat(
    context: &Context,
    heartbeat: ConsumerGroupHeartbeatRequest,
    request: &Request,
) -> ConsumerGroupHeartbeatResponse {
    let interval = context.node.config.group_heartbeat_interval.as_millis();
    match answer(context, heartbeat, request).await {
        Ok((member_id, HeartbeatResult { member_epoch, assignment })) => {
            let assignment = assignment.map(|partitions| {
                let topics = by_topic(&partitions).into_iter().map(|(topic, partitions)| {
                    consumer_group_heartbeat_response::TopicPartitions::default()
                        .with_topic_id(topic)
                        .with_partitions(partitions)
                });
                consumer_group_heartbeat_response::Assignment::default()
                    .with_topic_partitions(topics.collect())
            });
            ConsumerGroupHeartbeatResponse::default()
                .with_member_id(Some(text(member_id)))
                .with_member_epoch(member_epoch)
                .with_heartbeat_interval_ms(i32::try_from(interval).unwrap_or(i32::MAX))
                .with_assignment(assignment)
        }
        Err((error, why)) => ConsumerGroupHeartbeatResponse::default()
            .with_error_code(error.code())
            .with_error_message(Some(text(why))),
    }
}

/// The member's name and what it is told.
async fn answer(
    context: &Context,
    asked: ConsumerGroupHeartbeatRequest,
    request: &Request,
) -> Result<(String, HeartbeatResult), Refusal> {
    validate(&asked, request.version)?;
    let groups = &context.node.groups;
    let (member_id, epoch) = (asked.member_id.to_string(), asked.member_epoch);
    if epoch < 0 {
        let group = groups.get(&asked.group_id);
        let group = group.ok_or_else(|| refused(&GroupError::NotConsumerGroup))?;
        let left = group
            .with(|state| state.consumer_leave(&member_id, asked.instance_id.as_deref(), epoch));
        left.map_err(|error| refused(&error))?;
        store(group).await?;
        return Ok((member_id, HeartbeatResult { member_epoch: epoch, assignment: None }));
    }
    let group_id = asked.group_id.clone();
    let heartbeat = read(context, asked, request).await?;
    let (member_id, topics) = (heartbeat.member_id.clone(), context.node.topics.all());
    let act =
        |state: &mut GroupState| state.consumer_heartbeat(Instant::now(), heartbeat, &*topics);
    let (group, result) = if epoch == 0 {
        groups.with_group(&group_id, act)
    } else {
        let group = groups.get(&group_id).ok_or_else(|| refused(&GroupError::UnknownMemberId))?;
        let result = group.with(act);
        (group, result)
    };
    let result = result.map_err(|error| refused(&error))?;
    store(group).await?;
    Ok((member_id, result))
}

/// Makes what a member is told durable, so that it holds after a restart.
async fn store(group: Arc<Group>) -> Result<(), Refusal> {
    if !group.has_unstored_members() {
        return Ok(());
    }
    let stored = blocking(move || group.store_members().map_err(storage_error)).await;
    // Clients try that again.
    let unavailable = ResponseError::CoordinatorNotAvailable;
    stored.map_err(|error| (unavailable, error.to_string()))
}

/// Refuses what no member may ask, in Apache Kafka's words.
fn validate(asked: &ConsumerGroupHeartbeatRequest, version: i16) -> Result<(), Refusal> {
    let is_blank = |text: &Option<StrBytes>| text.as_ref().is_some_and(|text| text.is_empty());
    if asked.group_id.is_empty() {
        return Err(invalid("GroupId can't be empty."));
    }
    if asked.member_id.is_empty()
        && (version >= MEMBER_ID_REQUIRED_SINCE || asked.member_epoch != 0)
    {
        return Err(invalid("MemberId can't be empty."));
    }
    if is_blank(&asked.instance_id) {
        return Err(invalid("InstanceId can't be empty."));
    }
    if is_blank(&asked.rack_id) {
        return Err(invalid("RackId can't be empty."));
    }
    match asked.member_epoch {
        ..LEAVE_STATIC_EPOCH => return Err(invalid("MemberEpoch is invalid.")),
        LEAVE_STATIC_EPOCH if asked.instance_id.is_none() => {
            return Err(invalid("InstanceId can't be null."));
        }
        LEAVE_STATIC_EPOCH | LEAVE_EPOCH | 1.. => {}
        0 => {
            if asked.rebalance_timeout_ms == -1 {
                return Err(invalid("RebalanceTimeoutMs must be provided in first request."));
            }
            if asked.topic_partitions.as_ref().is_none_or(|owned| !owned.is_empty()) {
                return Err(invalid("TopicPartitions must be empty when (re-)joining."));
            }
            if asked.subscribed_topic_names.is_none() && asked.subscribed_topic_regex.is_none() {
                return Err(invalid(
                    "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
                ));
            }
        }
    }
    Ok(())
}

/// Reads a heartbeat of a member that joins or stays.
async fn read(
    context: &Context,
    asked: ConsumerGroupHeartbeatRequest,
    request: &Request,
) -> Result<ConsumerHeartbeat, Refusal> {
    let assignor = match asked.server_assignor.as_deref() {
        None => None,
        Some(name) => Some(Assignor::named(name).ok_or_else(|| {
            let supported = Assignor::ALL.map(Assignor::name).join(", ");
            let why = format!(
                "ServerAssignor {name} is not supported. Supported assignors: {supported}."
            );
            (ResponseError::UnsupportedAssignor, why)
        })?),
    };
    let topic_pattern = match asked.subscribed_topic_regex {
        None => None,
        Some(text) if text.is_empty() => Some(None),
        Some(text) => Some(Some(pattern(text).await?)),
    };
    let rebalance_timeout = u64::try_from(asked.rebalance_timeout_ms).ok();
    let member_id = if asked.member_id.is_empty() {
        Uuid::new_v4().to_string()
    } else {
        asked.member_id.to_string()
    };
    Ok(ConsumerHeartbeat {
        member_id,
        member_epoch: asked.member_epoch,
        instance_id: asked.instance_id.map(|id| id.to_string()),
        rack_id: asked.rack_id.map(|id| id.to_string()),
        client_id: request.client_id.clone(),
        client_host: format!("/{}", context.client_addr.ip()),
        session_timeout: context.node.config.group_session_timeout,
        rebalance_timeout: rebalance_timeout.map(Duration::from_millis),
        topic_names: asked
            .subscribed_topic_names
            .map(|names| names.iter().map(|name| name.to_string()).collect()),
        topic_pattern,
        assignor,
        owned: asked.topic_partitions.map(partitions),
    })
}

fn partitions(topics: Vec<consumer_group_heartbeat_request::TopicPartitions>) -> Partitions {
    let of_topic = |topic: consumer_group_heartbeat_request::TopicPartitions| {
        topic.partitions.into_iter().map(move |partition| (topic.topic_id, partition))
    };
    topics.into_iter().flat_map(of_topic).collect()
}

fn by_topic(partitions: &Partitions) -> BTreeMap<Uuid, Vec<i32>> {
    let mut topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in partitions {
        topics.entry(*topic).or_default().push(*partition);
    }
    topics
}

pub(super) async fn describe(
    context: &Context,
    request: ConsumerGroupDescribeRequest,
) -> ConsumerGroupDescribeResponse {
    let topics = context.node.topics.all();
    let names: HashMap<Uuid, &str> =
        topics.iter().map(|(name, topic)| (topic.id, name.as_str())).collect();
    let describe = |id: GroupId| {
        let refuse = |id: GroupId, why: String| {
            consumer_group_describe_response::DescribedGroup::default()
                .with_group_id(id)
                .with_error_code(ResponseError::GroupIdNotFound.code())
                .with_error_message(Some(text(why)))
        };
        let Some(group) = context.node.groups.get(&id) else {
            let why = format!("Group {} not found.", &*id);
            return refuse(id, why);
        };
        group.with(|state| match &state.members {
            Members::Consumer(state) => describe_one(id, state, &names),
            Members::Classic(_) => {
                let why = format!("Group {} is not a consumer group.", &*id);
                refuse(id, why)
            }
        })
    };
    let groups = request.group_ids.into_iter().map(describe);
    ConsumerGroupDescribeResponse::default().with_groups(groups.collect())
}

fn describe_one(
    id: GroupId,
    state: &ConsumerState,
    names: &HashMap<Uuid, &str>,
) -> consumer_group_describe_response::DescribedGroup {
    use consumer_group_describe_response::{Assignment, DescribedGroup, Member, TopicPartitions};
    let assignment = |partitions: &Partitions| {
        // A deleted topic has no name any more, and soon no reader either.
        let named = by_topic(partitions).into_iter().filter_map(|(topic, partitions)| {
            let name = TopicName(text(*names.get(&topic)?));
            let described = TopicPartitions::default().with_topic_id(topic).with_topic_name(name);
            Some(described.with_partitions(partitions))
        });
        Assignment::default().with_topic_partitions(named.collect())
    };
    let members = state.members.values().map(|member| {
        let names = member.topic_names.iter().map(|name| TopicName(text(name)));
        let pattern = member.topic_pattern.as_ref().map_or("", NamePattern::as_str);
        Member::default()
            .with_member_id(text(&member.id))
            .with_instance_id(member.instance_id.as_ref().map(text))
            .with_rack_id(member.rack_id.as_ref().map(text))
            .with_member_epoch(member.epoch)
            .with_client_id(text(&member.client_id))
            .with_client_host(text(&member.client_host))
            .with_subscribed_topic_names(names.collect())
            .with_subscribed_topic_regex(Some(text(pattern)))
            .with_assignment(assignment(&member.assigned))
            .with_target_assignment(assignment(&member.target))
            .with_member_type(MEMBER_TYPE)
    });
    DescribedGroup::default()
        .with_group_id(id)
        .with_group_state(StrBytes::from_static_str(state.state_name()))
        .with_group_epoch(state.group_epoch)
        .with_assignment_epoch(state.assignment_epoch)
        .with_assignor_name(StrBytes::from_static_str(state.assignor().name()))
        .with_members(members.collect())
}
