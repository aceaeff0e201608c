//! Files that are either there, whole and on disk, or not there at all; and folders that belong to
//! one process.

pub mod fault;

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Suffix of a file that is being written; whatever bears it is left over from a crash.
pub const TEMPORARY: &str = ".tmp";

/// What [`probe_room`] writes again and again.
static PROBE_CHUNK: [u8; 1 << 16] = [0x5A; 1 << 16];

/// Name of the file by which a folder is locked.
const LOCK_FILE: &str = ".lock";

/// Writes `bytes` to `path`: temporary file, fsync, rename, fsync of the folder.
///
/// # Errors
/// Whatever the file system reports; `path` then holds what it held before.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_through(path, &temporary(path), bytes)
}

/// Like [`write()`], through a temporary file of the caller's own: several processes may write `path`.
///
/// # Errors
/// Whatever the file system reports; `path` then holds what it held before.
pub fn write_through(path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    or_removed(temporary, || {
        let mut file = File::create(temporary)?;
        file.write_all(bytes)?;
        publish(&file, temporary, path)
    })
}

/// Removes the file at `temporary` when writing it fails: on a full disk it would take the room that is missing.
fn or_removed<T>(temporary: &Path, write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    write().inspect_err(|_| {
        // The error says more than that of removing the file.
        let _ = fs::remove_file(temporary);
    })
}

/// Whether `error` says that there is no room: it passes when somebody makes some.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Finds out whether there is room for `bytes`, by writing and removing a file of that size at `path`.
///
/// # Errors
/// Whatever the file system reports.
pub fn probe_room(path: &Path, bytes: usize) -> io::Result<()> {
    fault::check_room()?;
    or_removed(path, || {
        let mut file = File::create(path)?;
        for _ in 0..bytes.div_ceil(PROBE_CHUNK.len()) {
            file.write_all(&PROBE_CHUNK)?;
        }
        file.sync_all()
    })?;
    remove(path)
}

/// What became of a file that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Creation {
    /// It is there, whole and on disk.
    Created,
    /// There was a file of that name, which stays as it is.
    Exists,
}

/// Creates `path` with `bytes`, unless there is such a file: of several processes that try, one succeeds.
/// `temporary` is a file of the caller's own in the same folder.
///
/// # Errors
/// Whatever the file system reports; whether `path` is there is then not known.
pub fn create_new(path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<Creation> {
    or_removed(temporary, || {
        let mut file = File::create(temporary)?;
        file.write_all(bytes)?;
        fault::file_point(path, "written");
        fault::check_room()?;
        file.sync_all()
    })?;
    fault::file_point(path, "synced");
    // A rename would replace the file that another process has created.
    let creation = match fs::hard_link(temporary, path) {
        Ok(()) => Creation::Created,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Creation::Exists,
        Err(error) => return Err(error),
    };
    fault::file_point(path, "linked");
    remove(temporary)?;
    fault::file_point(path, "unlinked");
    sync_folder_of(path)?;
    Ok(creation)
}

/// The name under which `path` is written before it is published.
#[must_use]
pub fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY);
    name.into()
}

/// Gives the finished file `temporary` the name `path` in the same folder, so that it survives a crash.
///
/// # Errors
/// Whatever the file system reports.
pub fn publish(file: &File, temporary: &Path, path: &Path) -> io::Result<()> {
    fault::file_point(path, "written");
    fault::check_room()?;
    file.sync_all()?;
    fault::file_point(path, "synced");
    fs::rename(temporary, path)?;
    fault::file_point(path, "renamed");
    sync_folder_of(path)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    sync_folder(folder.unwrap_or(Path::new(".")))
}

/// Makes created, renamed and removed names in `folder` durable.
///
/// # Errors
/// Whatever the file system reports.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes what a crash left unfinished in `folder`.
///
/// # Errors
/// Whatever the file system reports.
pub fn remove_temporaries(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.as_os_str().as_encoded_bytes().ends_with(TEMPORARY.as_bytes()) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Removes `path`, which may be gone already.
///
/// # Errors
/// Whatever the file system reports.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Moves everything in `from` but its lock file into the new folder `to`; tells whether there was
/// anything.
///
/// # Errors
/// Whatever the file system reports; what was moved by then stays moved.
pub fn move_contents(from: &Path, to: &Path) -> io::Result<bool> {
    let entries = fs::read_dir(from)?.collect::<io::Result<Vec<_>>>()?;
    let contents: Vec<_> = entries.iter().filter(|entry| entry.file_name() != LOCK_FILE).collect();
    if contents.is_empty() {
        return Ok(false);
    }
    fs::create_dir_all(to)?;
    for entry in contents {
        fs::rename(entry.path(), to.join(entry.file_name()))?;
    }
    sync_folder(to)?;
    sync_folder(from)?;
    Ok(true)
}

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
        let lock = Self::open(folder)?;
        lock.locked(lock.file.try_lock())?;
        Ok(lock)
    }

    /// Creates `folder` if need be and takes it together with other processes that share it.
    ///
    /// # Errors
    /// [`LockError::InUse`] when another process has it alone, otherwise what the file system reports.
    pub fn take_shared(folder: &Path) -> Result<Self, LockError> {
        let lock = Self::open(folder)?;
        lock.share()?;
        Ok(lock)
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

    fn open(folder: &Path) -> Result<Self, LockError> {
        let failed = |error| LockError::Io(folder.to_owned(), error);
        fs::create_dir_all(folder).map_err(failed)?;
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
