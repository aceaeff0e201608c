//! What a group is at a time: its members by the protocol that they speak, and who uses it besides.

use std::time::Instant;

use super::{
    classic::{ClassicState, JoinRequest, JoinResponse, Reply, SyncRequest, SyncResponse, respond},
    consumer::{ConsumerHeartbeat, ConsumerState, HeartbeatResult, TopicIndex},
    error::GroupError,
};

/// The members of a group. An empty group changes its protocol with the first member of another one; its
/// generations and epochs go on from each other.
#[derive(Debug)]
pub(crate) enum Members {
    Classic(ClassicState),
    Consumer(ConsumerState),
}

/// The state of a group.
#[derive(Debug)]
pub(crate) struct GroupState {
    pub(crate) members: Members,
    /// How many offset commits were allowed and are not done yet.
    pending_offset_commits: usize,
    /// Whether the group had members since retention was last applied, and so is still known.
    had_members: bool,
    /// Grows when members of the consumer protocol, or what is known of them, have changed.
    revision: u64,
}

impl Default for GroupState {
    fn default() -> Self {
        Self {
            members: Members::Classic(ClassicState::default()),
            pending_offset_commits: 0,
            had_members: false,
            revision: 0,
        }
    }
}

/// Who commits offsets, as its request says it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Committer<'a> {
    pub(crate) member_id: &'a str,
    pub(crate) instance_id: Option<&'a str>,
    /// Generation or epoch.
    pub(crate) epoch: i32,
    /// Whether the request is of a version that knows epochs of members.
    pub(crate) knows_epochs: bool,
}

impl GroupState {
    /// Members of the consumer protocol that go on after a restart.
    pub(super) fn resumed(now: Instant, mut members: ConsumerState) -> Self {
        members.resume(now);
        Self { members: Members::Consumer(members), had_members: true, ..Self::default() }
    }

    /// Whether somebody is in the group.
    pub(crate) fn has_members(&self) -> bool {
        match &self.members {
            Members::Classic(state) => !state.members.is_empty(),
            Members::Consumer(state) => !state.members.is_empty(),
        }
    }

    /// Takes a member of the classic protocol in; the answer comes when everyone has joined.
    pub(crate) fn join(&mut self, now: Instant, request: JoinRequest, reply: Reply<JoinResponse>) {
        if let Members::Consumer(state) = &self.members {
            if self.has_members() {
                return respond(reply, Err(GroupError::InconsistentGroupProtocol));
            }
            self.members = Members::Classic(ClassicState::after(state.group_epoch));
        }
        if let Members::Classic(state) = &mut self.members {
            state.join(now, request, reply);
        }
    }

    /// Gives a member of the classic protocol its assignment, as soon as the leader has brought it.
    pub(crate) fn sync(&mut self, now: Instant, request: SyncRequest, reply: Reply<SyncResponse>) {
        match &mut self.members {
            Members::Classic(state) => state.sync(now, request, reply),
            Members::Consumer(_) => respond(reply, Err(GroupError::UnknownMemberId)),
        }
    }

    /// Notes that a member of the classic protocol lives.
    pub(crate) fn heartbeat(
        &mut self,
        now: Instant,
        id: &str,
        instance_id: Option<&str>,
        generation: i32,
    ) -> Result<(), GroupError> {
        match &mut self.members {
            Members::Classic(state) => state.heartbeat(now, id, instance_id, generation),
            Members::Consumer(_) => Err(GroupError::UnknownMemberId),
        }
    }

    /// Lets members of the classic protocol go, each named by its id or its instance id.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        who: &[(String, Option<String>)],
    ) -> Vec<Result<(), GroupError>> {
        match &mut self.members {
            Members::Classic(state) => state.leave(now, who),
            Members::Consumer(_) => vec![Err(GroupError::UnknownMemberId); who.len()],
        }
    }

    /// Takes a member of the consumer protocol in, or notes that it lives.
    pub(crate) fn consumer_heartbeat(
        &mut self,
        now: Instant,
        heartbeat: ConsumerHeartbeat,
        topics: &impl TopicIndex,
    ) -> Result<HeartbeatResult, GroupError> {
        if let Members::Classic(state) = &self.members {
            if self.has_members() {
                return Err(GroupError::NotConsumerGroup);
            }
            if heartbeat.member_epoch != 0 {
                // A member of which nothing is left.
                return Err(GroupError::UnknownMemberId);
            }
            self.members = Members::Consumer(ConsumerState::after(state.generation));
        }
        match &mut self.members {
            Members::Consumer(state) => state.heartbeat(now, heartbeat, topics),
            Members::Classic(_) => Err(GroupError::NotConsumerGroup),
        }
    }

    /// Lets a member of the consumer protocol go.
    pub(crate) fn consumer_leave(
        &mut self,
        id: &str,
        instance_id: Option<&str>,
        epoch: i32,
    ) -> Result<(), GroupError> {
        match &mut self.members {
            Members::Consumer(state) => state.leave(id, instance_id, epoch),
            Members::Classic(_) => Err(GroupError::NotConsumerGroup),
        }
    }

    /// Whether offsets may be committed: by a member, or, as long as there are none, by a client that only
    /// keeps its offsets here and names a negative generation.
    pub(crate) fn validate_offset_commit(
        &mut self,
        now: Instant,
        by: Committer<'_>,
    ) -> Result<(), GroupError> {
        if by.epoch < 0 && !self.has_members() {
            return Ok(());
        }
        match &mut self.members {
            Members::Classic(state) => {
                state.validate_offset_commit(now, by.member_id, by.instance_id, by.epoch)
            }
            Members::Consumer(state) => {
                state.validate_epoch(by.member_id, by.epoch)?;
                if by.knows_epochs { Ok(()) } else { Err(GroupError::UnsupportedVersion) }
            }
        }
    }

    /// Whether a client may be told the committed offsets. Only members of the consumer protocol say who
    /// they are, so that one of an old epoch does not begin where another one is reading.
    pub(crate) fn validate_offset_fetch(&self, id: &str, epoch: i32) -> Result<(), GroupError> {
        match &self.members {
            Members::Consumer(state) if epoch >= 0 || !id.is_empty() => {
                state.validate_epoch(id, epoch)
            }
            _ => Ok(()),
        }
    }

    /// Notes that an allowed offset commit is under way.
    pub(super) fn begin_offset_commit(&mut self) {
        self.pending_offset_commits += 1;
    }

    /// Notes that an offset commit is done.
    pub(super) fn end_offset_commit(&mut self) {
        self.pending_offset_commits -= 1;
    }

    /// Notes whether there are members, without whom the group is known until retention is applied, and
    /// whether they have changed.
    pub(super) fn remember_members(&mut self) {
        self.had_members |= self.has_members();
        if let Members::Consumer(state) = &mut self.members
            && state.take_changed()
        {
            self.revision += 1;
        }
    }

    /// Which state of the members of the consumer protocol this is; 0 at a start.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// A group without members needs not be known any longer for their sake.
    pub(super) fn forget_members(&mut self) {
        self.had_members = false;
    }

    /// Whether nobody is in the group, about to join or about to commit.
    pub(super) fn is_unused(&self) -> bool {
        let deserted = match &self.members {
            Members::Classic(state) => state.is_deserted(),
            Members::Consumer(state) => state.members.is_empty(),
        };
        deserted && self.pending_offset_commits == 0 && !self.had_members
    }

    /// Does what is due at `now`.
    pub(super) fn expire(&mut self, now: Instant) {
        match &mut self.members {
            Members::Classic(state) => state.expire(now),
            Members::Consumer(state) => state.expire(now),
        }
    }

    /// When [`Self::expire`] has something to do next.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match &self.members {
            Members::Classic(state) => state.next_deadline(),
            Members::Consumer(state) => state.next_deadline(),
        }
    }
}
