//! Where batches lie: a folder, or an object store. Everything here blocks.

mod failure;
mod objects;
mod outage;
mod requests;
mod upload;
mod url;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;
use tillstream_durable::{self as durable, Creation};

pub use objects::ObjectFolder;
pub use outage::OutageWait;
pub use url::{BatchLocation, BatchUrl, InvalidBatchUrl};

use super::BatchError;

/// The place of batches, their manifests and summaries. In both kinds a file appears whole or not at all.
#[derive(Debug, Clone)]
pub enum BatchStore {
    /// A folder, shared by consumers on one machine or by a network file system.
    Folder(PathBuf),
    /// A prefix in an object store.
    Objects {
        /// The prefix.
        objects: ObjectFolder,
        /// Folder of this consumer for what is not finished: the open batch, and its lock.
        local: PathBuf,
    },
}

impl From<&Path> for BatchStore {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<&PathBuf> for BatchStore {
    fn from(folder: &PathBuf) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<&Self> for BatchStore {
    fn from(store: &Self) -> Self {
        store.clone()
    }
}

impl fmt::Display for BatchStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Objects { objects, .. } => write!(f, "{objects:?}"),
        }
    }
}

impl BatchStore {
    /// The place at `location`, or else `folder`. What an object store's consumer has not finished lies in
    /// `local`; the store is asked whether it can be read.
    ///
    /// # Errors
    /// [`BatchError::Store`], within ten seconds.
    pub fn open(
        location: Option<&BatchLocation>,
        folder: &Path,
        local: &Path,
    ) -> Result<Self, BatchError> {
        match location {
            None => Ok(folder.into()),
            Some(BatchLocation::Folder(folder)) => Ok(folder.into()),
            Some(BatchLocation::Objects(url)) => {
                let opened = ObjectFolder::open(url).and_then(|objects| {
                    objects.check_readable()?;
                    Ok(Self::Objects { objects, local: local.to_owned() })
                });
                opened.map_err(|error| error.with_advice(url.variables()))
            }
        }
    }

    /// Asks an object store whether it can be written to.
    ///
    /// # Errors
    /// [`BatchError::Store`], within ten seconds.
    pub(super) fn check_writable(&self) -> Result<(), BatchError> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Objects { objects, .. } => objects.check_writable(),
        }
    }

    /// The same place. Where it is an object store that does not answer, `wait` waits for it.
    pub(super) fn waited_for(&self, wait: OutageWait) -> Self {
        match self {
            Self::Folder(folder) => folder.into(),
            Self::Objects { objects, local } => {
                Self::Objects { objects: objects.waited_for(wait), local: local.clone() }
            }
        }
    }

    /// The folder for locks and for what is not finished.
    #[must_use]
    pub fn local(&self) -> &Path {
        match self {
            Self::Folder(folder) | Self::Objects { local: folder, .. } => folder,
        }
    }

    /// Its folder or URL, as messages show it.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        self.to_string().into()
    }

    /// The name of a file as messages show it.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            Self::Objects { objects, .. } => objects.url_of(name).into(),
        }
    }

    /// The whole file; `None` when there is none.
    pub(super) fn read(&self, name: &str) -> Result<Option<Bytes>, BatchError> {
        match self {
            Self::Folder(folder) => {
                Ok(unless_missing(folder, name, |path| fs::read(path))?.map(Into::into))
            }
            Self::Objects { objects, .. } => objects.read(name),
        }
    }

    /// Its size in bytes; `None` when there is none.
    pub(super) fn size(&self, name: &str) -> Result<Option<u64>, BatchError> {
        match self {
            Self::Folder(folder) => {
                let found = unless_missing(folder, name, |path| fs::metadata(path))?;
                Ok(found.map(|file| file.len()))
            }
            Self::Objects { objects, .. } => Ok(objects.metadata(name)?.map(|object| object.size)),
        }
    }

    /// What is another when the file was replaced; `None` when there is none.
    pub(super) fn version(&self, name: &str) -> Result<Option<String>, BatchError> {
        match self {
            Self::Folder(folder) => {
                let found = unless_missing(folder, name, |path| fs::metadata(path))?;
                // Two files may be written within one tick of the clock.
                Ok(found
                    .map(|file| format!("{}.{} {}", file.mtime(), file.mtime_nsec(), file.ino())))
            }
            Self::Objects { objects, .. } => {
                let version = |object: object_store::ObjectMeta| {
                    object.e_tag.unwrap_or_else(|| object.last_modified.to_rfc3339())
                };
                Ok(objects.metadata(name)?.map(version))
            }
        }
    }

    /// When it was written; `None` when there is none.
    pub(super) fn modified(&self, name: &str) -> Result<Option<SystemTime>, BatchError> {
        match self {
            Self::Folder(folder) => {
                unless_missing(folder, name, |path| fs::metadata(path)?.modified())
            }
            Self::Objects { objects, .. } => {
                Ok(objects.metadata(name)?.map(|object| object.last_modified.into()))
            }
        }
    }

    /// The names of all files. A folder that does not exist has none.
    pub(super) fn list(&self) -> Result<Vec<String>, BatchError> {
        match self {
            Self::Folder(folder) => match list_folder(folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
                listed => listed.map_err(BatchError::io(folder)),
            },
            Self::Objects { objects, .. } => objects.list(),
        }
    }

    /// Writes a file, in place of one that may be there. `temporary` is a name of the caller's own.
    pub(super) fn write(
        &self,
        name: &str,
        temporary: &str,
        content: &[u8],
    ) -> Result<(), BatchError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                durable::write_through(&path, &folder.join(temporary), content)
                    .map_err(BatchError::io(&path))
            }
            Self::Objects { objects, .. } => objects.write(name, content),
        }
    }

    /// Writes a file unless one of this name is there: of several consumers that try, one succeeds.
    /// `temporary` is a name of the caller's own. After an error it is not known whether the file is there.
    pub(super) fn create(
        &self,
        name: &str,
        temporary: &str,
        content: &[u8],
    ) -> Result<Creation, BatchError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                durable::create_new(&path, &folder.join(temporary), content)
                    .map_err(BatchError::io(&path))
            }
            Self::Objects { objects, .. } => objects.create(name, content),
        }
    }

    /// Stores the finished file `temporary`, which lies in [`Self::local`], under `name`.
    pub(super) fn publish(
        &self,
        file: &File,
        temporary: &Path,
        name: &str,
    ) -> Result<(), BatchError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                durable::publish(file, temporary, &path).map_err(BatchError::io(&path))
            }
            Self::Objects { objects, .. } => objects.upload(file, name),
        }
    }

    /// Gives a file another name.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), BatchError> {
        match self {
            Self::Folder(folder) => {
                let renamed = fs::rename(folder.join(from), folder.join(to));
                renamed.and_then(|()| durable::sync_folder(folder)).map_err(BatchError::io(folder))
            }
            Self::Objects { objects, .. } => objects.rename(from, to),
        }
    }

    /// Removes a file, which may be gone already.
    pub(super) fn remove(&self, name: &str) -> Result<(), BatchError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                durable::remove(&path).map_err(BatchError::io(&path))
            }
            Self::Objects { objects, .. } => objects.remove(name),
        }
    }
}

fn unless_missing<T>(
    folder: &Path,
    name: &str,
    read: impl FnOnce(&Path) -> io::Result<T>,
) -> Result<Option<T>, BatchError> {
    let path = folder.join(name);
    match read(&path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BatchError::io(path)(error)),
    }
}

fn list_folder(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
    names.filter_map(io::Result::transpose).collect()
}
