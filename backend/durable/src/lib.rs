//! Files that are either there, whole and on disk, or not there at all; and folders that belong to
//! one process.

pub mod fault;
mod folder_lock;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

pub use folder_lock::{FolderLock, LockError};

/// Suffix of a file that is being written; whatever bears it is left over from a crash.
pub const TEMPORARY: &str = ".tmp";

/// What [`probe_room`] writes again and again.
static PROBE_CHUNK: [u8; 1 << 16] = [0x5A; 1 << 16];

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
    sync_folder(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Creates `folder` and those above it, as far as they are missing, so that they survive a crash.
///
/// # Errors
/// Whatever the file system reports.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        // Whoever made it may have been killed before this. Where it may not be done, somebody else has made it.
        let _ = sync_folder_of(folder);
        return Ok(());
    }
    create_folder(folder_of(folder))?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        created => created?,
    }
    sync_folder_of(folder)
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

/// `path`, or where there is such a file or folder the first that there is not of `path_2`, `path_3` and so on.
#[must_use]
pub fn unused(path: &Path) -> PathBuf {
    let numbered = |number| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("_{number}"));
        PathBuf::from(name)
    };
    let mut names = std::iter::once(path.to_owned()).chain((2_u64..).map(numbered));
    names.find(|name| !name.exists()).unwrap_or_default()
}
