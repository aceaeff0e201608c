//! Consumer groups: who reads which partitions, and how far they have come.

mod classic;
mod consumer;
mod error;
mod group;
mod member_file;
mod offsets;
mod state;

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(crate) use classic::{ClassicState, JoinRequest, JoinResponse, Member, Phase, SyncRequest};
pub(crate) use consumer::{
    Assignor, ConsumerHeartbeat, ConsumerState, HeartbeatResult, LEAVE_EPOCH, LEAVE_STATIC_EPOCH,
    Partitions,
};
pub(crate) use error::GroupError;
pub(crate) use group::{Group, PendingCommit};
pub(crate) use offsets::{CommittedOffset, OffsetsByTopic};
pub(crate) use state::{Committer, GroupState, Members};

use crate::{config::BrokerConfig, disk::Disk, error::BrokerError};
use member_file::MemberFile;
use offsets::GroupOffsets;

/// Why a group could not be deleted.
#[derive(Debug)]
pub(crate) enum DeleteGroupError {
    Unknown,
    NotEmpty,
    Storage(io::Error),
}

/// All groups by name. Locked before a group's state where both are locked.
#[derive(Debug, Default)]
struct GroupMap(Mutex<HashMap<String, Arc<Group>>>);

impl GroupMap {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Group>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a group that has neither members nor offsets. Whoever wants to use a group finds it
    /// under this lock, so that an unused group stays unused once it is removed.
    fn remove_if_unused(&self, group: &Arc<Group>) -> bool {
        let mut groups = self.lock();
        let unused = group.is_unused();
        if unused && groups.get(&group.name).is_some_and(|current| Arc::ptr_eq(current, group)) {
            groups.remove(&group.name);
        }
        unused
    }

    /// Removes members that are not heard of any more, ends rebalances that take too long, and
    /// removes the group when it is unused.
    async fn run_timers(self: Arc<Self>, group: Arc<Group>) {
        loop {
            let deadline = {
                let mut state = group.lock();
                state.expire(Instant::now());
                state.remember_members();
                state.next_deadline()
            };
            if group.has_unstored_members() {
                let changed = Arc::clone(&group);
                let stored = tokio::task::spawn_blocking(move || changed.store_members()).await;
                if let Err(error) = stored.map_err(io::Error::from).flatten() {
                    tracing::warn!(group = group.name, "cannot store the members ({error})");
                }
            }
            if group.is_unused() && self.remove_if_unused(&group) {
                return;
            }
            match deadline {
                Some(deadline) => tokio::select! {
                    () = tokio::time::sleep_until(deadline.into()) => {}
                    () = group.changed.notified() => {}
                },
                None => group.changed.notified().await,
            }
        }
    }
}

/// All consumer groups of the broker.
#[derive(Debug)]
pub(crate) struct Groups {
    dir: PathBuf,
    member_dir: PathBuf,
    disk: Disk,
    offsets_retention: Duration,
    stop: CancellationToken,
    groups: Arc<GroupMap>,
}

impl Groups {
    /// Opens the groups that have committed offsets or members of the consumer protocol; must be called
    /// within a Tokio runtime.
    pub(crate) fn open(
        config: &BrokerConfig,
        disk: Disk,
        stop: CancellationToken,
    ) -> Result<Self, BrokerError> {
        let groups = Self {
            dir: config.dir.join("groups"),
            member_dir: config.dir.join("group-members"),
            disk,
            offsets_retention: config.offsets_retention,
            stop,
            groups: Arc::default(),
        };
        let now = Instant::now();
        let members = MemberFile::load_all(&groups.member_dir)?.into_iter();
        let mut members: HashMap<String, GroupState> =
            members.map(|(name, members)| (name, GroupState::resumed(now, members))).collect();
        for (name, offsets) in GroupOffsets::load_all(&groups.dir, &groups.disk)? {
            let state = members.remove(&name).unwrap_or_default();
            let group = groups.start(&name, offsets, state);
            groups.groups.lock().insert(name, group);
        }
        for (name, state) in members {
            let group = groups.start(&name, groups.no_offsets(&name), state);
            groups.groups.lock().insert(name, group);
        }
        Ok(groups)
    }

    fn no_offsets(&self, name: &str) -> GroupOffsets {
        GroupOffsets::new(&self.dir, name, self.disk.clone())
    }

    fn start(&self, name: &str, offsets: GroupOffsets, state: GroupState) -> Arc<Group> {
        let group = Arc::new(Group {
            name: name.to_owned(),
            state: Mutex::new(state),
            changed: Notify::new(),
            offsets,
            member_file: MemberFile::new(&self.member_dir, name, self.disk.clone()),
        });
        let timers = Arc::clone(&self.groups).run_timers(Arc::clone(&group));
        let stop = self.stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(timers).await });
        group
    }

    /// A group that exists.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Group>> {
        self.groups.lock().get(name).cloned()
    }

    /// Does something to the state of a group, which is created if it does not exist.
    pub(crate) fn with_group<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut GroupState) -> T,
    ) -> (Arc<Group>, T) {
        let mut groups = self.groups.lock();
        let group = groups
            .entry(name.to_owned())
            .or_insert_with(|| self.start(name, self.no_offsets(name), GroupState::default()));
        (Arc::clone(group), group.with(act))
    }

    /// Prepares an offset commit; a group that only keeps offsets here is created by that.
    pub(crate) fn begin_offset_commit(
        &self,
        name: &str,
        validate: impl FnOnce(&mut GroupState) -> Result<(), GroupError>,
    ) -> Result<PendingCommit, GroupError> {
        let (group, valid) = self
            .with_group(name, |state| validate(state).inspect(|()| state.begin_offset_commit()));
        valid.map(|()| PendingCommit { group })
    }

    /// Prepares the commit of offsets that were accepted before, within a transaction.
    pub(crate) fn begin_transactional_commit(&self, name: &str) -> PendingCommit {
        let (group, ()) = self.with_group(name, GroupState::begin_offset_commit);
        PendingCommit { group }
    }

    /// All groups by name.
    pub(crate) fn all(&self) -> Vec<(String, Arc<Group>)> {
        let groups = self.groups.lock();
        groups.iter().map(|(name, group)| (name.clone(), Arc::clone(group))).collect()
    }

    /// Deletes a group without members; blocks.
    pub(crate) fn delete(&self, name: &str) -> Result<(), DeleteGroupError> {
        let group = self.get(name).ok_or(DeleteGroupError::Unknown)?;
        if group.lock().has_members() {
            return Err(DeleteGroupError::NotEmpty);
        }
        group.store_members().map_err(DeleteGroupError::Storage)?;
        group.with(GroupState::forget_members);
        group.offsets.clear().map_err(DeleteGroupError::Storage)?;
        self.remove_if_unused(&group);
        Ok(())
    }

    /// Removes the offsets of a deleted topic from all groups; blocks. An error names the group.
    pub(crate) fn remove_topic(&self, topic: &str) -> Result<(), (String, io::Error)> {
        for (name, group) in self.all() {
            group.offsets.remove_topic(topic).map_err(|error| (name, error))?;
            self.remove_if_unused(&group);
        }
        Ok(())
    }

    /// Removes what a group committed for some partitions; blocks.
    pub(crate) fn remove_offsets(
        &self,
        group: &Arc<Group>,
        partitions: &[(String, i32)],
    ) -> io::Result<()> {
        group.offsets.remove_partitions(partitions)?;
        self.remove_if_unused(group);
        Ok(())
    }

    /// Removes the offsets that are too old at `now`; blocks. Returns the groups where it failed.
    pub(crate) fn expire_offsets(&self, now: SystemTime) -> Vec<(String, io::Error)> {
        let expire = |(name, group): (String, Arc<Group>)| {
            group.expire_offsets(now, self.offsets_retention).err().map(|error| (name, error))
        };
        self.all().into_iter().filter_map(expire).collect()
    }

    /// Removes a group that may be unused, and lets its timers end.
    fn remove_if_unused(&self, group: &Arc<Group>) {
        if self.groups.remove_if_unused(group) {
            group.changed.notify_one();
        }
    }
}
