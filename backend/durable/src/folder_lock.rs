//! Folders that belong to one process, or to several that share them.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{create_folder, remove, sync_folder_of};

/// Name of the file by which a folder is locked.
const LOCK_FILE: &str = ".lock";

/// A folder that this process may write to, alone or with others that share it, until the value is dropped or
/// the process ends.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    file: File,
}

/// Why a folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error(
        "{0} is in use by another process: stop that one, or choose another folder with --data-dir"
    )]
    InUse(PathBuf),
    /// It cannot be created or opened.
    #[error("cannot use the folder {0}: {1}")]
    Io(PathBuf, #[source] io::Error),
}

impl FolderLock {
    /// Creates `folder` if need be and takes it.
    ///
    /// # Errors
    /// [`LockError::InUse`] when another process has it, otherwise what the file system reports.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        Self::take_by(folder, File::try_lock)
    }

    /// Creates `folder` if need be and takes it together with other processes that share it.
    ///
    /// # Errors
    /// [`LockError::InUse`] when another process has it alone, otherwise what the file system reports.
    pub fn take_shared(folder: &Path) -> Result<Self, LockError> {
        Self::take_by(folder, File::try_lock_shared)
    }

    /// Lets other processes share the folder.
    ///
    /// # Errors
    /// [`LockError::InUse`] when another process took it meanwhile, otherwise what the file system reports.
    pub fn share(&self) -> Result<(), LockError> {
        self.locked(self.file.try_lock_shared())
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the folder holds anything beside its lock.
    ///
    /// # Errors
    /// Whatever the file system reports.
    pub fn is_empty(&self) -> io::Result<bool> {
        let mut names = fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.file_name()));
        let other =
            names.find(|name: &io::Result<_>| !matches!(name, Ok(name) if name == LOCK_FILE));
        other.transpose().map(|other| other.is_none())
    }

    /// Moves the folder away as a whole, to a path derived from where it lies by `to` on the same file system, which
    /// is returned; and takes an empty folder in its place.
    ///
    /// # Errors
    /// [`LockError::InUse`] when another process takes that one first, otherwise what the file system reports.
    pub fn move_away(
        self,
        to: impl FnOnce(&Path) -> PathBuf,
    ) -> Result<(Self, PathBuf), LockError> {
        let moved = fs::canonicalize(&self.folder).and_then(|place| {
            let to = to(&place);
            fs::rename(&place, &to)?;
            // Before there is another folder of the name, or the name could be all that is left of both.
            sync_folder_of(&to)?;
            remove(&to.join(LOCK_FILE))?;
            create_folder(&place)?;
            Ok(to)
        });
        let to = moved.map_err(|error| LockError::Io(self.folder.clone(), error))?;
        Ok((Self::take(&self.folder)?, to))
    }

    fn take_by(
        folder: &Path,
        lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Self, LockError> {
        loop {
            let taken = Self::open(folder)?;
            taken.locked(lock(&taken.file))?;
            // The folder may have been moved away since it was looked up.
            if taken.is_in_place().map_err(|error| LockError::Io(folder.to_owned(), error))? {
                return Ok(taken);
            }
        }
    }

    fn is_in_place(&self) -> io::Result<bool> {
        match fs::metadata(self.folder.join(LOCK_FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            found => Ok(found?.ino() == self.file.metadata()?.ino()),
        }
    }

    fn open(folder: &Path) -> Result<Self, LockError> {
        let failed = |error| LockError::Io(folder.to_owned(), error);
        create_folder(folder).map_err(failed)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(LOCK_FILE))
            .map_err(failed)?;
        Ok(Self { folder: folder.to_owned(), file })
    }

    fn locked(&self, result: Result<(), TryLockError>) -> Result<(), LockError> {
        result.map_err(|error| match error {
            TryLockError::WouldBlock => LockError::InUse(self.folder.clone()),
            TryLockError::Error(error) => LockError::Io(self.folder.clone(), error),
        })
    }
}
