//! The words of a group: its phases, its members, what they ask and what they are told.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::oneshot;

/// Where a group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// No members.
    #[default]
    Empty,
    /// Waiting until all members have joined the next generation.
    Preparing,
    /// Waiting for the leader's assignment.
    Completing,
    /// Everyone has its assignment.
    Stable,
}

impl Phase {
    /// Kafka's name of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Preparing => "PreparingRebalance",
            Self::Completing => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// Why a member's request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody of that name is in the group (any more).
    UnknownMember,
    /// Join again under this name.
    MemberIdRequired(String),
    /// The group has gone on to another generation.
    IllegalGeneration,
    /// The group is being rebalanced: join again.
    Rebalancing,
    /// The members have no way of assigning in common.
    InconsistentProtocol,
    /// A newer member has taken over the instance id.
    Fenced,
}

/// A request to join.
#[derive(Debug, Clone)]
pub(crate) struct Joining {
    pub(crate) member_id: String,
    pub(crate) instance: Option<String>,
    pub(crate) client_id: String,
    pub(crate) host: String,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) protocol_type: String,
    pub(crate) protocols: Vec<(String, Bytes)>,
    /// Whether a newcomer is first told its name and must come back with it.
    pub(crate) name_first: bool,
}

/// The answer to a member that joined a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joined {
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
pub(crate) struct Syncing {
    pub(crate) member_id: String,
    pub(crate) instance: Option<String>,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) assignments: HashMap<String, Bytes>,
}

/// The answer to a member that asked for its assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synced {
    pub(crate) protocol_type: String,
    pub(crate) protocol: String,
    pub(crate) assignment: Bytes,
}

/// Where the answer to a waiting request goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Fault>>;

/// One member of a group.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) instance: Option<String>,
    pub(crate) client_id: String,
    pub(crate) host: String,
    pub(crate) assignment: Bytes,
    pub(super) protocols: Vec<(String, Bytes)>,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    pub(super) last_seen: Instant,
    pub(super) joining: Option<Reply<Joined>>,
    pub(super) syncing: Option<Reply<Synced>>,
}

impl Member {
    /// Whether a request of this member is waiting for an answer that somebody will hear.
    pub(super) fn waits(&self) -> bool {
        self.joining.as_ref().is_some_and(|reply| !reply.is_closed())
            || self.syncing.as_ref().is_some_and(|reply| !reply.is_closed())
    }

    pub(super) fn has_joined(&self) -> bool {
        self.joining.as_ref().is_some_and(|reply| !reply.is_closed())
    }

    pub(super) fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }

    /// What the member said about `protocol`.
    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    pub(super) fn refuse(&mut self, fault: &Fault) {
        if let Some(reply) = self.joining.take() {
            answer(reply, Err(fault.clone()));
        }
        if let Some(reply) = self.syncing.take() {
            answer(reply, Err(fault.clone()));
        }
    }
}

/// Answers, unless the client has gone: then its session will run out.
pub(super) fn answer<T>(reply: Reply<T>, result: Result<T, Fault>) {
    drop(reply.send(result));
}
