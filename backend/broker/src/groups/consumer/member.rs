//! One member of a consumer group, and its heartbeat.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{Assignor, Partitions, state::LEAVE_STATIC_EPOCH};
use crate::{groups::error::GroupError, pattern::NamePattern};

/// How far a member is with what its group wants of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) enum MemberPhase {
    /// It reads what it is to read in the epoch that it has.
    #[default]
    Stable,
    /// It has not yet given up what it is told to.
    UnrevokedPartitions,
    /// It waits for partitions that other members have not yet given up.
    UnreleasedPartitions,
}

/// A member's heartbeat; what is none is as it was.
#[derive(Debug, Clone)]
pub(crate) struct ConsumerHeartbeat {
    pub(crate) member_id: String,
    /// 0 to join, or what the member was told last.
    pub(crate) member_epoch: i32,
    pub(crate) instance_id: Option<String>,
    pub(crate) rack_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Option<Duration>,
    pub(crate) topic_names: Option<BTreeSet<String>>,
    /// None inside: no pattern any more.
    pub(crate) topic_pattern: Option<Option<NamePattern>>,
    pub(crate) assignor: Option<Assignor>,
    /// The partitions that the member has.
    pub(crate) owned: Option<Partitions>,
}

impl ConsumerHeartbeat {
    /// Whether the member says everything about itself, as it does when it is not sure what it was told.
    pub(super) fn is_full(&self) -> bool {
        self.rebalance_timeout.is_some()
            && (self.topic_names.is_some() || self.topic_pattern.is_some())
            && self.owned.is_some()
    }
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeartbeatResult {
    pub(crate) member_epoch: i32,
    /// What the member is to have from now on; none if that is as before.
    pub(crate) assignment: Option<Partitions>,
}

/// One member of a consumer group; on disk all of it but the clock.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ConsumerMember {
    pub(crate) id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) rack_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) topic_names: BTreeSet<String>,
    pub(crate) topic_pattern: Option<NamePattern>,
    pub(super) assignor: Option<Assignor>,
    pub(crate) epoch: i32,
    pub(super) previous_epoch: i32,
    pub(super) phase: MemberPhase,
    /// What it may have.
    pub(crate) assigned: Partitions,
    /// What it has been told to give up.
    pub(super) revoking: Partitions,
    /// What it is to have in the end.
    pub(crate) target: Partitions,
    #[serde(skip, default = "Instant::now")]
    pub(super) last_heartbeat: Instant,
    session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    /// When it must have given up what it was told to.
    #[serde(skip)]
    pub(super) revoke_by: Option<Instant>,
}

impl ConsumerMember {
    pub(super) fn new(now: Instant, id: &str, session_timeout: Duration) -> Self {
        Self {
            id: id.to_owned(),
            instance_id: None,
            rack_id: None,
            client_id: String::new(),
            client_host: String::new(),
            topic_names: BTreeSet::new(),
            topic_pattern: None,
            assignor: None,
            epoch: 0,
            previous_epoch: 0,
            phase: MemberPhase::Stable,
            assigned: Partitions::new(),
            revoking: Partitions::new(),
            target: Partitions::new(),
            last_heartbeat: now,
            session_timeout,
            rebalance_timeout: session_timeout,
            revoke_by: None,
        }
    }

    /// Lets its times begin anew, after a restart.
    pub(super) fn resume(&mut self, now: Instant) {
        self.last_heartbeat = now;
        let gives_up = self.phase == MemberPhase::UnrevokedPartitions;
        self.revoke_by = gives_up.then(|| now + self.rebalance_timeout);
    }

    /// Takes over what the heartbeat says; whether the subscription has changed.
    pub(super) fn update(&mut self, now: Instant, heartbeat: &ConsumerHeartbeat) -> bool {
        self.last_heartbeat = now;
        self.session_timeout = heartbeat.session_timeout;
        self.client_id.clone_from(&heartbeat.client_id);
        self.client_host.clone_from(&heartbeat.client_host);
        fn replace<T: Clone>(old: &mut Option<T>, new: &Option<T>) {
            if new.is_some() {
                old.clone_from(new);
            }
        }
        replace(&mut self.instance_id, &heartbeat.instance_id);
        replace(&mut self.rack_id, &heartbeat.rack_id);
        replace(&mut self.assignor, &heartbeat.assignor);
        self.rebalance_timeout = heartbeat.rebalance_timeout.unwrap_or(self.rebalance_timeout);
        let mut changed = false;
        if let Some(names) = heartbeat.topic_names.as_ref().filter(|n| **n != self.topic_names) {
            self.topic_names.clone_from(names);
            changed = true;
        }
        if let Some(pattern) =
            heartbeat.topic_pattern.as_ref().filter(|p| **p != self.topic_pattern)
        {
            self.topic_pattern.clone_from(pattern);
            changed = true;
        }
        changed
    }

    /// Whether the member has heard its last answer. If it has not, it may come with the epoch before, as
    /// long as it has nothing but what it was told.
    pub(super) fn check_epoch(
        &self,
        epoch: i32,
        owned: Option<&Partitions>,
    ) -> Result<(), GroupError> {
        let missed_answer = epoch < self.epoch
            && epoch == self.previous_epoch
            && owned.is_some_and(|owned| owned.is_subset(&self.assigned));
        if epoch == self.epoch || missed_answer {
            Ok(())
        } else {
            Err(GroupError::FencedMemberEpoch)
        }
    }

    /// Whether it is a static member that has left for a while.
    pub(super) fn has_left(&self) -> bool {
        self.epoch == LEAVE_STATIC_EPOCH
    }

    /// When it is removed if nothing is heard of it.
    pub(super) fn deadline(&self) -> Instant {
        let session = self.last_heartbeat + self.session_timeout;
        self.revoke_by.map_or(session, |revoke_by| session.min(revoke_by))
    }
}
