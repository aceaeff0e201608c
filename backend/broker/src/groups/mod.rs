//! Consumer groups: who reads which partitions, and how far they have come.

mod member;
mod offsets;
mod state;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(super) use member::{Fault, Joined, Joining, Phase, Syncing};
pub(super) use offsets::{Committed, Offsets};
pub(super) use state::GroupState;

use super::error::BrokerError;

/// One consumer group.
#[derive(Debug)]
pub(super) struct Group {
    state: Mutex<GroupState>,
    /// Wakes the timer when a deadline may have come nearer.
    changed: Notify,
    /// How far the group has come.
    pub(super) offsets: Offsets,
}

impl Group {
    /// Does something to the group's state and lets its timer look at the deadlines again.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut GroupState) -> T) -> T {
        let result = act(&mut self.lock());
        self.changed.notify_one();
        result
    }

    fn lock(&self) -> MutexGuard<'_, GroupState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes members that are not heard of any more and ends rebalances that take too long.
    async fn keep_time(&self) {
        loop {
            let deadline = {
                let mut state = self.lock();
                state.expire(Instant::now());
                state.next_deadline()
            };
            match deadline {
                Some(deadline) => tokio::select! {
                    () = tokio::time::sleep_until(deadline.into()) => {}
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
        }
    }
}

/// All consumer groups of the broker.
#[derive(Debug)]
pub(super) struct Groups {
    dir: std::path::PathBuf,
    stop: CancellationToken,
    groups: Mutex<HashMap<String, Arc<Group>>>,
}

impl Groups {
    /// Opens the groups whose offsets lie in `dir`; must be called within a Tokio runtime.
    pub(super) fn open(dir: &Path, stop: CancellationToken) -> Result<Self, BrokerError> {
        let groups = Self { dir: dir.join("groups"), stop, groups: Mutex::default() };
        for (name, offsets) in Offsets::load_all(&groups.dir)? {
            let mut all = groups.all_mut();
            all.insert(name, groups.start(offsets));
        }
        Ok(groups)
    }

    fn all_mut(&self) -> MutexGuard<'_, HashMap<String, Arc<Group>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, offsets: Offsets) -> Arc<Group> {
        let group = Arc::new(Group { state: Mutex::default(), changed: Notify::new(), offsets });
        let (timed, stop) = (Arc::clone(&group), self.stop.clone());
        tokio::spawn(async move { stop.run_until_cancelled(timed.keep_time()).await });
        group
    }

    /// A group that is known.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Group>> {
        self.all_mut().get(name).cloned()
    }

    /// A group, which is created if it is not known.
    pub(super) fn get_or_create(&self, name: &str) -> Arc<Group> {
        let mut groups = self.all_mut();
        if let Some(group) = groups.get(name) {
            return Arc::clone(group);
        }
        let group = self.start(Offsets::new(&self.dir, name));
        groups.insert(name.to_owned(), Arc::clone(&group));
        group
    }

    /// All groups by name.
    pub(super) fn all(&self) -> Vec<(String, Arc<Group>)> {
        let groups = self.all_mut();
        groups.iter().map(|(name, group)| (name.clone(), Arc::clone(group))).collect()
    }
}
