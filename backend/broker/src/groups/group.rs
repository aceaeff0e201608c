//! One consumer group: its state and its offsets.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::sync::Notify;

use super::{
    member_file::MemberFile,
    offsets::{CommittedOffset, GroupOffsets},
    state::GroupState,
};

/// One consumer group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(super) name: String,
    pub(super) state: Mutex<GroupState>,
    /// Wakes the timers when a deadline may have come nearer or the group may be unused.
    pub(super) changed: Notify,
    pub(crate) offsets: GroupOffsets,
    pub(super) member_file: MemberFile,
}

impl Group {
    /// Does something to the group's state and lets its timers look at the deadlines again.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut GroupState) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state);
        state.remember_members();
        drop(state);
        self.changed.notify_one();
        result
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, GroupState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether [`Self::store_members`] has something to do.
    pub(crate) fn has_unstored_members(&self) -> bool {
        let revision = self.lock().revision();
        self.member_file.differs(revision)
    }

    /// Makes the members of the consumer protocol durable, if they have changed; blocks.
    pub(crate) fn store_members(&self) -> io::Result<()> {
        let _writing = self.member_file.writing();
        let (content, revision) = {
            let state = self.lock();
            if !self.member_file.differs(state.revision()) {
                return Ok(());
            }
            (self.member_file.content(&state.members)?, state.revision())
        };
        self.member_file.write(content.as_deref(), revision)
    }

    pub(super) fn is_unused(&self) -> bool {
        self.lock().is_unused() && self.offsets.is_empty() && !self.has_unstored_members()
    }

    /// Removes the offsets of a group without members when they are too old; blocks. While there are
    /// members, that is written to the offsets' file now and then, for the time after a restart. A group
    /// that has nothing left ends by that.
    pub(super) fn expire_offsets(&self, now: SystemTime, retention: Duration) -> io::Result<()> {
        self.store_members()?;
        if self.lock().has_members() {
            self.offsets.mark_active(now);
            return self.offsets.store_activity(retention / 4);
        }
        self.with(GroupState::forget_members);
        if self.offsets.expire(now, retention)? {
            tracing::info!(group = self.name, "expired the offsets of a group without members");
            self.changed.notify_one();
            return Ok(());
        }
        self.offsets.store_activity(Duration::ZERO)
    }
}

/// An offset commit that the group's state allows; the group stays as long as it is pending.
#[derive(Debug)]
pub(crate) struct PendingCommit {
    pub(super) group: Arc<Group>,
}

impl PendingCommit {
    /// Commits, on disk when it returns; blocks.
    pub(crate) fn commit(
        self,
        offsets: impl IntoIterator<Item = (String, i32, CommittedOffset)>,
    ) -> io::Result<()> {
        self.group.offsets.commit(offsets)
    }
}

impl Drop for PendingCommit {
    fn drop(&mut self) {
        self.group.with(GroupState::end_offset_commit);
    }
}
