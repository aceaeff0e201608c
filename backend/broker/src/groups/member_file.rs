//! The members of a group of the consumer protocol on disk: one small file per group, replaced as a whole
//! whenever they change, so that they go on after a restart.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use tillstream_durable as durable;

use super::{consumer::ConsumerState, state::Members};
use crate::{disk::Disk, error::BrokerError};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Stored<S> {
    format: u32,
    group: String,
    state: S,
}

/// The file of one group.
#[derive(Debug)]
pub(super) struct MemberFile {
    group: String,
    path: PathBuf,
    disk: Disk,
    /// Held while the file is written.
    writing: Mutex<()>,
    /// The revision of the group's state that the file has.
    stored: AtomicU64,
}

impl MemberFile {
    /// A group of which no members are on disk. Its file is named by a hash, as a group's name may hold any
    /// character.
    pub(super) fn new(dir: &Path, group: &str, disk: Disk) -> Self {
        let name = blake3::hash(group.as_bytes()).to_hex();
        Self {
            group: group.to_owned(),
            path: dir.join(format!("{}.json", &name[..32])),
            disk,
            writing: Mutex::default(),
            stored: AtomicU64::new(0),
        }
    }

    /// Loads the members of all groups from `dir`, which is created if need be.
    pub(super) fn load_all(dir: &Path) -> Result<Vec<(String, ConsumerState)>, BrokerError> {
        durable::create_folder(dir).map_err(BrokerError::io(dir))?;
        durable::remove_temporaries(dir).map_err(BrokerError::io(dir))?;
        let mut groups = Vec::new();
        for entry in fs::read_dir(dir).map_err(BrokerError::io(dir))? {
            let path = entry.map_err(BrokerError::io(dir))?.path();
            let bytes = fs::read(&path).map_err(BrokerError::io(&path))?;
            let corrupt = |reason| BrokerError::CorruptFile { path: path.clone(), reason };
            let Stored::<ConsumerState> { format, group, state } =
                serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
            if format != FORMAT {
                return Err(corrupt(format!("format {format}, this version knows {FORMAT}")));
            }
            groups.push((group, state));
        }
        Ok(groups)
    }

    /// Whether the file has another revision.
    pub(super) fn differs(&self, revision: u64) -> bool {
        self.stored.load(Ordering::SeqCst) != revision
    }

    /// Nobody else writes as long as this is held.
    pub(super) fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file is to hold; none if there is to be no file.
    pub(super) fn content(&self, members: &Members) -> io::Result<Option<Vec<u8>>> {
        match members {
            Members::Consumer(state) if !state.members.is_empty() => {
                let stored = Stored { format: FORMAT, group: self.group.clone(), state };
                Ok(Some(serde_json::to_vec(&stored)?))
            }
            _ => Ok(None),
        }
    }

    /// Replaces the file by what [`Self::content`] gave for that revision, on disk when it returns; blocks.
    pub(super) fn write(&self, content: Option<&[u8]>, revision: u64) -> io::Result<()> {
        match content {
            Some(content) => self.disk.write(&self.path, content)?,
            None => match fs::remove_file(&self.path) {
                Ok(()) => self.disk.sync_folder(self.path.parent().unwrap_or(&self.path))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            },
        }
        self.stored.store(revision, Ordering::SeqCst);
        Ok(())
    }
}
