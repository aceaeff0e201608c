//! The presence of a consumer in a batch folder.
//!
//! Several consumers may store batches in one folder. Each has an identifier of its own, which is part of the name
//! of every file that it writes before that is part of a batch, and holds a file locked for as long as it is
//! there. So what a crash left is told from what another consumer is at work on. Nothing else depends on the lock.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use tillstream_durable::{self as durable, FolderLock};

use super::{BatchError, BatchFormat};
use crate::progress;

/// A consumer that is present in a batch folder, until this is dropped or the process ends.
#[derive(Debug)]
pub struct ConsumerLock {
    files: ConsumerFiles,
    _file: File,
    folder: FolderLock,
}

impl ConsumerLock {
    /// Makes a consumer present in the folder that is taken.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub(super) fn take(folder: FolderLock) -> Result<Self, BatchError> {
        loop {
            let consumer = format!("{:08x}", rand::random::<u32>());
            let files = ConsumerFiles {
                folder: folder.folder().to_owned(),
                consumer,
                format: BatchFormat::default(),
            };
            let path = files.lock();
            let file = match File::create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                file => file.map_err(BatchError::io(&path))?,
            };
            match file.try_lock() {
                // Another consumer that starts may have found it unlocked, and removed it.
                Ok(()) if path.exists() => return Ok(Self { files, _file: file, folder }),
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(BatchError::io(path)(error)),
            }
        }
    }

    /// From now on this consumer begins batches in `format`.
    #[must_use]
    pub fn with_format(mut self, format: BatchFormat) -> Self {
        self.files.format = format;
        self
    }

    /// Lets other consumers share the folder.
    ///
    /// # Errors
    /// [`BatchError::Lock`] when somebody else took it meanwhile.
    pub fn share(&self) -> Result<(), BatchError> {
        Ok(self.folder.share()?)
    }

    /// Finds out whether there is room for `bytes` where this consumer writes.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub fn probe_room(&self, bytes: usize) -> Result<(), BatchError> {
        let path = self.files.folder.join(self.files.temporary("room"));
        durable::probe_room(&path, bytes).map_err(BatchError::io(path))
    }

    /// The names of this consumer's files.
    pub(super) fn files(&self) -> &ConsumerFiles {
        &self.files
    }
}

impl Drop for ConsumerLock {
    fn drop(&mut self) {
        let path = self.files.lock();
        if let Err(error) = durable::remove(&path) {
            tracing::warn!("{} is left behind: {error}", path.display());
        }
    }
}

/// The names of the files that one consumer writes.
#[derive(Debug, Clone)]
pub(super) struct ConsumerFiles {
    pub(super) folder: PathBuf,
    consumer: String,
    pub(super) format: BatchFormat,
}

impl ConsumerFiles {
    fn lock(&self) -> PathBuf {
        lock_path(&self.folder, &self.consumer)
    }

    /// The name under which what is to have the name `name` is written before.
    pub(super) fn temporary(&self, name: &str) -> String {
        format!("{name}.{}{}", self.consumer, durable::TEMPORARY)
    }

    /// The name of the file of a batch that is closed now.
    pub(super) fn batch(&self, number: u64) -> String {
        let Self { consumer, format, .. } = self;
        let stamp = progress::file_stamp();
        format!("batch_{number:06}_{stamp}_{consumer}.{format}")
    }
}

fn lock_path(folder: &Path, consumer: &str) -> PathBuf {
    folder.join(format!("consumer_{consumer}.lock"))
}

/// The identifier in the name of a consumer's temporary file, batch file or lock; none in those of a version that
/// had one consumer at most.
pub(super) fn consumer_of(name: &str) -> Option<&str> {
    let consumer = if let Some(name) = name.strip_suffix(durable::TEMPORARY) {
        name.rsplit_once('.')?.1
    } else if let Some(name) = name.strip_suffix(".lock") {
        name.strip_prefix("consumer_")?
    } else {
        let (stem, _) = name.strip_prefix("batch_")?.split_once('.')?;
        stem.split('_').nth(2)?
    };
    let is_hex = consumer.bytes().all(|byte| byte.is_ascii_hexdigit());
    (consumer.len() == 8 && is_hex).then_some(consumer)
}

/// Whether a consumer is in the folder.
#[derive(Debug)]
pub(super) enum Presence {
    Present,
    /// It is gone, and its lock is held, so that nobody begins under its identifier: one that is just starting
    /// does so under another.
    Gone {
        /// None when there is no such lock.
        lock: Option<File>,
    },
}

impl Presence {
    /// The lock of a consumer is there before its other files, and goes after them.
    pub(super) fn of(consumer: &str, folder: &Path) -> io::Result<Self> {
        let lock = match File::open(lock_path(folder, consumer)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            lock => Some(lock?),
        };
        match lock.as_ref().map_or(Ok(()), File::try_lock) {
            Ok(()) => Ok(Self::Gone { lock }),
            Err(TryLockError::WouldBlock) => Ok(Self::Present),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consumer_of_a_file_is_known_by_its_name() {
        for (name, consumer) in [
            ("batch_000007_20261123T173509Z_5f3a91c2.csv", Some("5f3a91c2")),
            ("batch_000007_20261123T173509Z.csv", None),
            ("batch_000007.json", None),
            ("batch_000007.json.5f3a91c2.tmp", Some("5f3a91c2")),
            ("open_batch.csv.5f3a91c2.tmp", Some("5f3a91c2")),
            ("open_batch.csv.tmp", None),
            ("consumer_5f3a91c2.lock", Some("5f3a91c2")),
            (".lock", None),
        ] {
            assert_eq!(consumer_of(name), consumer, "{name}");
        }
    }

    #[test]
    fn a_consumer_is_present_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let take = || ConsumerLock::take(FolderLock::take_shared(folder.path()).unwrap()).unwrap();
        let [one, other] = [take(), take()];
        let consumers = [&one, &other].map(|lock| lock.files.consumer.clone());
        let present = || {
            consumers
                .clone()
                .map(|id| matches!(Presence::of(&id, folder.path()).unwrap(), Presence::Present))
        };
        assert_eq!(present(), [true, true]);
        drop(one);
        assert_eq!(present(), [false, true]);
        drop(other);
        assert_eq!(present(), [false, false]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the folder's lock");
    }
}
