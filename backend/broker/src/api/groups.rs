//! The requests of members of the classic protocol, and those about groups of either one.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use kafka_protocol::{
    ResponseError,
    messages::{
        DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
        GroupId, HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse,
        LeaveGroupRequest, LeaveGroupResponse, ListGroupsRequest, ListGroupsResponse,
        SyncGroupRequest, SyncGroupResponse,
        delete_groups_response::DeletableGroupResult,
        describe_groups_response::{DescribedGroup, DescribedGroupMember},
        join_group_response::JoinGroupResponseMember,
        leave_group_response::MemberResponse,
        list_groups_response::ListedGroup,
    },
    protocol::StrBytes,
};
use tokio::sync::oneshot;

use super::common::{blocking, error_code, storage_error, text};
use crate::{
    context::Context,
    groups::{
        ClassicState, DeleteGroupError, Group, GroupError, JoinRequest, JoinResponse, Members,
        Phase, SyncRequest,
    },
    wire::Request,
};

/// A session cannot be longer.
const MAX_SESSION_TIMEOUT_MS: i32 = 30 * 60 * 1000;
/// Kafka's names of the kinds of groups.
const CLASSIC: &str = "classic";
const CONSUMER: &str = "consumer";

/// Kafka's error for ours.
pub(super) fn error_of(error: &GroupError) -> ResponseError {
    match error {
        GroupError::UnknownMemberId => ResponseError::UnknownMemberId,
        GroupError::MemberIdRequired(_) => ResponseError::MemberIdRequired,
        GroupError::IllegalGeneration => ResponseError::IllegalGeneration,
        GroupError::RebalanceInProgress => ResponseError::RebalanceInProgress,
        GroupError::InconsistentGroupProtocol => ResponseError::InconsistentGroupProtocol,
        GroupError::FencedInstanceId => ResponseError::FencedInstanceId,
        GroupError::UnreleasedInstanceId => ResponseError::UnreleasedInstanceId,
        GroupError::FencedMemberEpoch => ResponseError::FencedMemberEpoch,
        GroupError::StaleMemberEpoch => ResponseError::StaleMemberEpoch,
        GroupError::NotConsumerGroup => ResponseError::GroupIdNotFound,
        GroupError::UnsupportedVersion => ResponseError::UnsupportedVersion,
    }
}

fn code(result: &Result<(), GroupError>) -> i16 {
    result.as_ref().err().map_or(0, |error| error_of(error).code())
}

fn owned(text: Option<StrBytes>) -> Option<String> {
    text.map(|text| text.to_string())
}

fn millis(millis: i32) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// Waits for a group's answer, or until the broker stops.
async fn reply<T>(
    context: &Context,
    reply: impl Future<Output = Result<Result<T, GroupError>, oneshot::error::RecvError>>,
) -> Result<T, ResponseError> {
    match context.node.stop.run_until_cancelled(reply).await {
        Some(Ok(result)) => result.map_err(|error| error_of(&error)),
        // The member joined again meanwhile, on another connection.
        Some(Err(_)) => Err(ResponseError::RebalanceInProgress),
        None => Err(ResponseError::CoordinatorNotAvailable),
    }
}

pub(super) async fn join(
    context: &Context,
    join: JoinGroupRequest,
    request: &Request,
) -> JoinGroupResponse {
    let version = request.version;
    let refuse = |error: ResponseError, member_id: StrBytes| {
        JoinGroupResponse::default().with_error_code(error.code()).with_member_id(member_id)
    };
    if join.group_id.is_empty() {
        return refuse(ResponseError::InvalidGroupId, join.member_id);
    }
    if !(1..=MAX_SESSION_TIMEOUT_MS).contains(&join.session_timeout_ms) {
        return refuse(ResponseError::InvalidSessionTimeout, join.member_id);
    }
    let protocols = join.protocols.into_iter().map(|p| (p.name.to_string(), p.metadata));
    let session_timeout = millis(join.session_timeout_ms);
    let joining = JoinRequest {
        member_id: join.member_id.to_string(),
        group_instance_id: owned(join.group_instance_id),
        client_id: request.client_id.clone(),
        client_host: format!("/{}", context.client_addr.ip()),
        session_timeout,
        rebalance_timeout: if version >= 1 {
            millis(join.rebalance_timeout_ms)
        } else {
            session_timeout
        },
        protocol_type: join.protocol_type.to_string(),
        protocols: protocols.collect(),
        require_known_member_id: version >= 4,
    };
    let (send, receive) = oneshot::channel();
    context
        .node
        .groups
        .with_group(&join.group_id, |state| state.join(Instant::now(), joining, send));
    let mut named = None;
    let joined = reply(context, async {
        receive.await.inspect(|result| {
            if let Err(GroupError::MemberIdRequired(id)) = result {
                named = Some(text(id));
            }
        })
    });
    match joined.await {
        Ok(joined) => respond_joined(joined),
        Err(error) => refuse(error, named.unwrap_or(join.member_id)),
    }
}

fn respond_joined(joined: JoinResponse) -> JoinGroupResponse {
    let members = joined.members.into_iter().map(|(id, instance, metadata)| {
        JoinGroupResponseMember::default()
            .with_member_id(text(id))
            .with_group_instance_id(instance.map(text))
            .with_metadata(metadata)
    });
    JoinGroupResponse::default()
        .with_generation_id(joined.generation)
        .with_protocol_type(Some(text(joined.protocol_type)))
        .with_protocol_name(Some(text(joined.protocol)))
        .with_leader(text(joined.leader))
        .with_member_id(text(joined.member_id))
        .with_members(members.collect())
}

pub(super) async fn sync(
    context: &Context,
    request: SyncGroupRequest,
    version: i16,
) -> SyncGroupResponse {
    let refuse = |error: ResponseError| SyncGroupResponse::default().with_error_code(error.code());
    let Some(group) = context.node.groups.get(&request.group_id) else {
        return refuse(ResponseError::UnknownMemberId);
    };
    let assignments =
        request.assignments.into_iter().map(|a| (a.member_id.to_string(), a.assignment));
    let syncing = SyncRequest {
        member_id: request.member_id.to_string(),
        group_instance_id: owned(request.group_instance_id),
        generation: request.generation_id,
        protocol_type: owned(request.protocol_type),
        protocol: owned(request.protocol_name),
        assignments: assignments.collect(),
    };
    let (send, receive) = oneshot::channel();
    group.with(|state| state.sync(Instant::now(), syncing, send));
    match reply(context, receive).await {
        Err(error) => refuse(error),
        Ok(synced) => {
            let response = SyncGroupResponse::default().with_assignment(synced.assignment);
            if version < 5 {
                return response;
            }
            response
                .with_protocol_type(Some(text(synced.protocol_type)))
                .with_protocol_name(Some(text(synced.protocol)))
        }
    }
}

/// Does something in a group that must be known already.
fn in_group<T>(
    context: &Context,
    group: &GroupId,
    act: impl FnOnce(&Group) -> Result<T, GroupError>,
) -> Result<T, GroupError> {
    act(&*context.node.groups.get(group).ok_or(GroupError::UnknownMemberId)?)
}

pub(super) async fn heartbeat(context: &Context, request: HeartbeatRequest) -> HeartbeatResponse {
    let (id, instance) = (&request.member_id, request.group_instance_id.as_deref());
    let result = in_group(context, &request.group_id, |group| {
        group.with(|state| state.heartbeat(Instant::now(), id, instance, request.generation_id))
    });
    HeartbeatResponse::default().with_error_code(code(&result))
}

pub(super) async fn leave(
    context: &Context,
    request: LeaveGroupRequest,
    version: i16,
) -> LeaveGroupResponse {
    let who: Vec<(String, Option<String>)> = if version < 3 {
        vec![(request.member_id.to_string(), None)]
    } else {
        let named = request.members.into_iter();
        named.map(|m| (m.member_id.to_string(), owned(m.group_instance_id))).collect()
    };
    let results = match context.node.groups.get(&request.group_id) {
        Some(group) => group.with(|state| state.leave(Instant::now(), &who)),
        None => who.iter().map(|_| Err(GroupError::UnknownMemberId)).collect(),
    };
    if version < 3 {
        let error = results.first().map_or(0, code);
        return LeaveGroupResponse::default().with_error_code(error);
    }
    let members = who.into_iter().zip(&results).map(|((id, instance), result)| {
        MemberResponse::default()
            .with_member_id(text(id))
            .with_group_instance_id(instance.map(text))
            .with_error_code(code(result))
    });
    LeaveGroupResponse::default().with_members(members.collect())
}

pub(super) async fn describe(
    context: &Context,
    request: DescribeGroupsRequest,
    version: i16,
) -> DescribeGroupsResponse {
    let describe = |id: GroupId| {
        let Some(group) = context.node.groups.get(&id) else {
            let why = format!("Group {} not found.", &*id);
            return not_described(id, why, version);
        };
        group.with(|state| match &state.members {
            Members::Classic(state) => describe_one(id, state),
            Members::Consumer(_) => {
                let why = format!("Group {} is not a classic group.", &*id);
                not_described(id, why, version)
            }
        })
    };
    let groups = request.groups.into_iter().map(describe);
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

fn not_described(id: GroupId, why: String, version: i16) -> DescribedGroup {
    let dead = DescribedGroup::default()
        .with_group_id(id)
        .with_group_state(StrBytes::from_static_str("Dead"));
    if version < 6 {
        return dead;
    }
    dead.with_error_code(ResponseError::GroupIdNotFound.code()).with_error_message(Some(text(why)))
}

fn describe_one(id: GroupId, state: &ClassicState) -> DescribedGroup {
    let members = state.members.iter().map(|member| {
        DescribedGroupMember::default()
            .with_member_id(text(&member.id))
            .with_group_instance_id(member.group_instance_id.as_ref().map(text))
            .with_client_id(text(&member.client_id))
            .with_client_host(text(&member.client_host))
            .with_member_metadata(member.metadata(&state.protocol))
            .with_member_assignment(member.assignment.clone())
    });
    let protocol = if state.phase == Phase::Stable { &*state.protocol } else { "" };
    DescribedGroup::default()
        .with_group_id(id)
        .with_group_state(StrBytes::from_static_str(state.phase.name()))
        .with_protocol_type(text(&state.protocol_type))
        .with_protocol_data(text(protocol))
        .with_members(members.collect())
}

pub(super) async fn list(context: &Context, request: ListGroupsRequest) -> ListGroupsResponse {
    let named = |filter: &[StrBytes], name: &str| {
        filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
    };
    let mut groups: Vec<ListedGroup> = Vec::new();
    for (id, group) in context.node.groups.all() {
        let (state, protocol_type, kind) = group.with(|state| match &state.members {
            Members::Classic(state) => (state.phase.name(), state.protocol_type.clone(), CLASSIC),
            Members::Consumer(state) => (state.state_name(), CONSUMER.to_owned(), CONSUMER),
        });
        if named(&request.states_filter, state) && named(&request.types_filter, kind) {
            groups.push(
                ListedGroup::default()
                    .with_group_id(GroupId(text(id)))
                    .with_protocol_type(text(protocol_type))
                    .with_group_state(StrBytes::from_static_str(state))
                    .with_group_type(StrBytes::from_static_str(kind)),
            );
        }
    }
    ListGroupsResponse::default().with_groups(groups)
}

pub(super) async fn delete(
    context: &Context,
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    let mut results = Vec::with_capacity(request.groups_names.len());
    for id in request.groups_names {
        let (node, name) = (Arc::clone(&context.node), id.clone());
        let deleted = blocking(move || {
            node.groups.delete(&name).map_err(|error| match error {
                DeleteGroupError::Unknown => ResponseError::GroupIdNotFound,
                DeleteGroupError::NotEmpty => ResponseError::NonEmptyGroup,
                DeleteGroupError::Storage(error) => storage_error(error),
            })
        });
        let error = error_code(&deleted.await);
        let result = DeletableGroupResult::default().with_group_id(id);
        results.push(result.with_error_code(error));
    }
    DeleteGroupsResponse::default().with_results(results)
}
