//! How far a group has come: one small file per group, replaced as a whole.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tillstream_durable as durable;

use crate::error::BrokerError;

const FORMAT: u32 = 1;

/// What a group committed for one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Committed {
    /// The offset of the next record to be read.
    pub(crate) offset: i64,
    /// The leader epoch the client named, or -1.
    pub(crate) leader_epoch: i32,
    /// Whatever the client wants to remember.
    pub(crate) metadata: String,
}

/// Topic and partition to what was committed.
pub(crate) type ByPartition = BTreeMap<String, BTreeMap<i32, Committed>>;

#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    group: String,
    offsets: ByPartition,
}

/// The committed offsets of one group.
#[derive(Debug)]
pub(crate) struct Offsets {
    group: String,
    path: PathBuf,
    committed: Mutex<ByPartition>,
    /// Held while the file is written, so that readers of `committed` need not wait for the disk.
    changing: Mutex<()>,
}

impl Offsets {
    /// A group that has committed nothing. Its file is named by a hash, as a group's name may hold
    /// any character.
    pub(super) fn new(dir: &Path, group: &str) -> Self {
        let name = blake3::hash(group.as_bytes()).to_hex();
        let path = dir.join(format!("{}.json", &name[..32]));
        Self {
            group: group.to_owned(),
            path,
            committed: Mutex::default(),
            changing: Mutex::default(),
        }
    }

    /// Loads the offsets of all groups from `dir`, which is created if need be.
    pub(super) fn load_all(dir: &Path) -> Result<Vec<(String, Self)>, BrokerError> {
        fs::create_dir_all(dir).map_err(BrokerError::io(dir))?;
        durable::remove_temporaries(dir).map_err(BrokerError::io(dir))?;
        let mut groups = Vec::new();
        for entry in fs::read_dir(dir).map_err(BrokerError::io(dir))? {
            let path = entry.map_err(BrokerError::io(dir))?.path();
            let bytes = fs::read(&path).map_err(BrokerError::io(&path))?;
            let broken = |reason| BrokerError::BrokenFile { path: path.clone(), reason };
            let stored: Stored =
                serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
            if stored.format != FORMAT {
                let reason = format!("format {}, this version knows {FORMAT}", stored.format);
                return Err(broken(reason));
            }
            let offsets = Self::new(dir, &stored.group);
            *offsets.lock() = stored.offsets;
            groups.push((stored.group, offsets));
        }
        Ok(groups)
    }

    fn lock(&self) -> MutexGuard<'_, ByPartition> {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything committed.
    pub(crate) fn all(&self) -> ByPartition {
        self.lock().clone()
    }

    /// What was committed for one partition.
    pub(crate) fn get(&self, topic: &str, partition: i32) -> Option<Committed> {
        self.lock().get(topic)?.get(&partition).cloned()
    }

    /// Commits, on disk when it returns; blocks.
    pub(crate) fn commit(
        &self,
        offsets: impl IntoIterator<Item = (String, i32, Committed)>,
    ) -> io::Result<()> {
        self.change(|all| {
            for (topic, partition, committed) in offsets {
                all.entry(topic).or_default().insert(partition, committed);
            }
        })
    }

    /// Forgets a deleted topic, so that a new one of that name is read from its beginning; blocks.
    pub(crate) fn forget(&self, topic: &str) -> io::Result<()> {
        if !self.lock().contains_key(topic) {
            return Ok(());
        }
        self.change(|all| {
            all.remove(topic);
        })
    }

    fn change(&self, change: impl FnOnce(&mut ByPartition)) -> io::Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut offsets = self.all();
        change(&mut offsets);
        let stored = Stored { format: FORMAT, group: self.group.clone(), offsets };
        durable::write(&self.path, &serde_json::to_vec(&stored)?)?;
        *self.lock() = stored.offsets;
        Ok(())
    }
}
