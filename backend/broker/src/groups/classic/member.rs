//! A group's phases and members, and the requests of its members.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::groups::error::GroupError;

/// Where a group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// No members.
    #[default]
    Empty,
    /// Waiting until all members have joined the next generation.
    PreparingRebalance,
    /// Waiting for the leader's assignment.
    CompletingRebalance,
    /// Everyone has its assignment.
    Stable,
}

impl Phase {
    /// Kafka's name of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// A request to join.
#[derive(Debug, Clone)]
pub(crate) struct JoinRequest {
    pub(crate) member_id: String,
    pub(crate) group_instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) protocol_type: String,
    pub(crate) protocols: Vec<(String, Bytes)>,
    /// Whether a newcomer is first told its name and must come back with it.
    pub(crate) require_known_member_id: bool,
}

/// The answer to a member that joined a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinResponse {
    pub(crate) member_id: String,
    pub(crate) generation: i32,
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) leader: String,
    /// For the leader: all members (name, instance id, metadata of the chosen protocol).
    pub(crate) members: Vec<(String, Option<String>, Bytes)>,
}

/// A request for the assignment, from the leader with everyone's assignments.
#[derive(Debug, Clone)]
pub(crate) struct SyncRequest {
    pub(crate) member_id: String,
    pub(crate) group_instance_id: Option<String>,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) assignments: HashMap<String, Bytes>,
}

/// The answer to a member that asked for its assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncResponse {
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) assignment: Bytes,
}

/// Where the answer to a waiting request goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, GroupError>>;

/// One member of a group.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) group_instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) assignment: Bytes,
    pub(super) protocols: Vec<(String, Bytes)>,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    pub(super) last_heartbeat: Instant,
    pub(super) join_reply: Option<Reply<JoinResponse>>,
    pub(super) sync_reply: Option<Reply<SyncResponse>>,
}

impl Member {
    /// Whether a request of this member is waiting for an answer that somebody will hear.
    pub(super) fn is_awaiting_response(&self) -> bool {
        self.join_reply.as_ref().is_some_and(|reply| !reply.is_closed())
            || self.sync_reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }

    pub(super) fn is_joining(&self) -> bool {
        self.join_reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }

    pub(super) fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }

    /// What the member said about `protocol`.
    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    /// What the member said about the protocol that it prefers; a consumer's subscription is the same in
    /// all.
    pub(crate) fn preferred_metadata(&self) -> Bytes {
        self.protocols.first().map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    pub(super) fn refuse(&mut self, error: &GroupError) {
        if let Some(reply) = self.join_reply.take() {
            respond(reply, Err(error.clone()));
        }
        if let Some(reply) = self.sync_reply.take() {
            respond(reply, Err(error.clone()));
        }
    }
}

/// Answers, unless the client has gone: then its session will run out.
pub(crate) fn respond<T>(reply: Reply<T>, result: Result<T, GroupError>) {
    drop(reply.send(result));
}
