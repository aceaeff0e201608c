//! The committed offsets of a group: one small file per group, replaced as a whole.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use tillstream_durable as durable;

use crate::{disk::Disk, error::BrokerError};

const FORMAT: u32 = 1;

/// What a group committed for one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommittedOffset {
    /// The offset of the next record to be read.
    pub(crate) offset: i64,
    /// The leader epoch the client named, or -1.
    pub(crate) leader_epoch: i32,
    /// Whatever the client wants to remember.
    pub(crate) metadata: String,
}

/// Topic and partition to what was committed.
pub(crate) type OffsetsByTopic = BTreeMap<String, BTreeMap<i32, CommittedOffset>>;

#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    group: String,
    /// Milliseconds since 1970; absent in files of versions that kept offsets for ever.
    last_active_ms: Option<u64>,
    offsets: OffsetsByTopic,
}

#[derive(Debug)]
struct Commits {
    offsets: OffsetsByTopic,
    /// When the group last committed or was seen with members.
    last_active: SystemTime,
}

/// The committed offsets of one group.
#[derive(Debug)]
pub(crate) struct GroupOffsets {
    group: String,
    path: PathBuf,
    disk: Disk,
    commits: Mutex<Commits>,
    /// `last_active` as the file has it. Held while the file is written, so that readers of
    /// `commits` need not wait for the disk.
    stored_active: Mutex<SystemTime>,
}

impl GroupOffsets {
    /// A group that has committed nothing. Its file is named by a hash, as a group's name may hold
    /// any character.
    pub(super) fn new(dir: &Path, group: &str, disk: Disk) -> Self {
        let name = blake3::hash(group.as_bytes()).to_hex();
        let path = dir.join(format!("{}.json", &name[..32]));
        let commits = Commits { offsets: OffsetsByTopic::new(), last_active: UNIX_EPOCH };
        Self {
            group: group.to_owned(),
            path,
            disk,
            commits: Mutex::new(commits),
            stored_active: Mutex::new(UNIX_EPOCH),
        }
    }

    /// Loads the offsets of all groups from `dir`, which is created if need be.
    pub(super) fn load_all(dir: &Path, disk: &Disk) -> Result<Vec<(String, Self)>, BrokerError> {
        durable::create_folder(dir).map_err(BrokerError::io(dir))?;
        durable::remove_temporaries(dir).map_err(BrokerError::io(dir))?;
        let mut groups = Vec::new();
        for entry in fs::read_dir(dir).map_err(BrokerError::io(dir))? {
            let path = entry.map_err(BrokerError::io(dir))?.path();
            let bytes = fs::read(&path).map_err(BrokerError::io(&path))?;
            let corrupt = |reason| BrokerError::CorruptFile { path: path.clone(), reason };
            let stored: Stored =
                serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
            if stored.format != FORMAT {
                let reason = format!("format {}, this version knows {FORMAT}", stored.format);
                return Err(corrupt(reason));
            }
            let offsets = Self::new(dir, &stored.group, disk.clone());
            let last_active = stored.last_active_ms.map(Duration::from_millis);
            offsets.lock().offsets = stored.offsets;
            offsets.lock().last_active =
                last_active.map_or_else(SystemTime::now, |since| UNIX_EPOCH + since);
            *offsets.writing() = last_active.map_or(UNIX_EPOCH, |since| UNIX_EPOCH + since);
            groups.push((stored.group, offsets));
        }
        Ok(groups)
    }

    fn lock(&self) -> MutexGuard<'_, Commits> {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, SystemTime> {
        self.stored_active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything committed.
    pub(crate) fn all(&self) -> OffsetsByTopic {
        self.lock().offsets.clone()
    }

    /// What was committed for one partition.
    pub(crate) fn get(&self, topic: &str, partition: i32) -> Option<CommittedOffset> {
        self.lock().offsets.get(topic)?.get(&partition).cloned()
    }

    /// Whether nothing is committed.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().offsets.is_empty()
    }

    /// Commits, on disk when it returns; blocks.
    pub(super) fn commit(
        &self,
        offsets: impl IntoIterator<Item = (String, i32, CommittedOffset)>,
    ) -> io::Result<()> {
        let mut stored_active = self.writing();
        let mut all = self.all();
        for (topic, partition, committed) in offsets {
            all.entry(topic).or_default().insert(partition, committed);
        }
        self.store(&mut stored_active, all, SystemTime::now())
    }

    /// Removes a deleted topic, so that a new one of that name is read from its start; blocks.
    pub(super) fn remove_topic(&self, topic: &str) -> io::Result<()> {
        if !self.lock().offsets.contains_key(topic) {
            return Ok(());
        }
        let mut stored_active = self.writing();
        let mut all = self.all();
        all.remove(topic);
        let last_active = self.lock().last_active;
        self.store(&mut stored_active, all, last_active)
    }

    /// Removes what was committed for these partitions; blocks.
    pub(super) fn remove_partitions(&self, partitions: &[(String, i32)]) -> io::Result<()> {
        let mut stored_active = self.writing();
        let mut all = self.all();
        for (topic, partition) in partitions {
            if let Some(committed) = all.get_mut(topic) {
                committed.remove(partition);
            }
        }
        all.retain(|_, committed| !committed.is_empty());
        let last_active = self.lock().last_active;
        self.store(&mut stored_active, all, last_active)
    }

    /// Removes everything; blocks.
    pub(super) fn clear(&self) -> io::Result<()> {
        self.store(&mut self.writing(), OffsetsByTopic::new(), UNIX_EPOCH)
    }

    /// Removes everything if the group was last active longer than `retention` ago, and says whether
    /// it did; blocks.
    pub(super) fn expire(&self, now: SystemTime, retention: Duration) -> io::Result<bool> {
        // Nobody commits while this is held.
        let mut stored_active = self.writing();
        let idle = now.duration_since(self.lock().last_active).unwrap_or_default();
        let expired = idle > retention && !self.is_empty();
        if expired {
            self.store(&mut stored_active, OffsetsByTopic::new(), UNIX_EPOCH)?;
        }
        Ok(expired)
    }

    /// Notes that the group has members.
    pub(super) fn mark_active(&self, now: SystemTime) {
        self.lock().last_active = now;
    }

    /// Writes when the group was last active if the file is more than `max_lag` behind; blocks.
    pub(super) fn store_activity(&self, max_lag: Duration) -> io::Result<()> {
        let mut stored_active = self.writing();
        let last_active = self.lock().last_active;
        let lag = last_active.duration_since(*stored_active).unwrap_or_default();
        if lag <= max_lag || self.is_empty() {
            return Ok(());
        }
        self.store(&mut stored_active, self.all(), last_active)
    }

    /// Replaces the file, then what is in memory; without offsets there is no file.
    fn store(
        &self,
        stored_active: &mut SystemTime,
        offsets: OffsetsByTopic,
        last_active: SystemTime,
    ) -> io::Result<()> {
        let since = last_active.duration_since(UNIX_EPOCH).unwrap_or_default();
        let last_active_ms = u64::try_from(since.as_millis()).ok();
        let stored = Stored { format: FORMAT, group: self.group.clone(), last_active_ms, offsets };
        if stored.offsets.is_empty() {
            self.remove_file()?;
        } else {
            self.disk.write(&self.path, &serde_json::to_vec(&stored)?)?;
        }
        // In milliseconds, as the file has it.
        *stored_active = UNIX_EPOCH + Duration::from_millis(last_active_ms.unwrap_or_default());
        *self.lock() = Commits { offsets: stored.offsets, last_active: *stored_active };
        Ok(())
    }

    fn remove_file(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Ok(()) => self.disk.sync_folder(self.path.parent().unwrap_or(&self.path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETENTION: Duration = Duration::from_secs(100);

    fn load(dir: &Path) -> GroupOffsets {
        let mut all = GroupOffsets::load_all(dir, &Disk::default()).unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0).1
    }

    fn commit(offsets: &GroupOffsets) {
        let committed = CommittedOffset { offset: 3, leader_epoch: -1, metadata: String::new() };
        offsets.commit([("t".to_owned(), 0, committed)]).unwrap();
    }

    #[test]
    fn offsets_expire_after_the_last_commit_or_member_over_a_restart_too() {
        let dir = tempfile::tempdir().unwrap();
        let offsets = GroupOffsets::new(dir.path(), "g", Disk::default());
        commit(&offsets);
        let committed = SystemTime::now();
        assert!(!offsets.expire(committed + RETENTION / 2, RETENTION).unwrap());
        // Members are seen; that is written when the file is further behind than allowed.
        offsets.mark_active(committed + RETENTION);
        offsets.store_activity(2 * RETENTION).unwrap();
        assert!(load(dir.path()).expire(committed + 2 * RETENTION, RETENTION).unwrap());
        commit(&offsets);
        offsets.mark_active(committed + RETENTION);
        offsets.store_activity(RETENTION / 2).unwrap();
        let offsets = load(dir.path());
        assert!(!offsets.expire(committed + 2 * RETENTION, RETENTION / 2 * 3).unwrap());
        assert!(offsets.expire(committed + 3 * RETENTION, RETENTION).unwrap());
        assert!(offsets.is_empty());
        assert!(GroupOffsets::load_all(dir.path(), &Disk::default()).unwrap().is_empty());
    }

    #[test]
    fn offsets_of_an_older_version_age_from_the_first_start_on() {
        let dir = tempfile::tempdir().unwrap();
        let offsets = GroupOffsets::new(dir.path(), "g", Disk::default());
        commit(&offsets);
        let mut stored: serde_json::Value =
            serde_json::from_slice(&fs::read(&offsets.path).unwrap()).unwrap();
        assert!(stored.as_object_mut().unwrap().remove("last_active_ms").is_some());
        fs::write(&offsets.path, stored.to_string()).unwrap();
        let started = SystemTime::now();
        let offsets = load(dir.path());
        assert!(!offsets.expire(started + RETENTION, RETENTION).unwrap());
        offsets.store_activity(Duration::ZERO).unwrap();
        let offsets = load(dir.path());
        assert_eq!(offsets.get("t", 0).unwrap().offset, 3);
        assert!(offsets.expire(SystemTime::now() + 2 * RETENTION, RETENTION).unwrap());
    }
}
