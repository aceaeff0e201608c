//! Faults that tests inject into a whole process, by environment variables. Not for production.

use std::{
    env, io,
    path::{Path, PathBuf},
    process,
    sync::OnceLock,
};

/// Names the point at which the process panics.
const PANIC: &str = "TILLSTREAM_FAULT_PANIC";
/// Names the point at which the process dies, as if it were killed.
const ABORT: &str = "TILLSTREAM_FAULT_ABORT";
/// Names a file: as long as it exists, there is no room on the disk.
const DISK_FULL: &str = "TILLSTREAM_FAULT_DISK_FULL";

/// The points at which something is to happen, read once.
struct Faults {
    panic: Option<String>,
    abort: Option<String>,
    disk_full: Option<PathBuf>,
}

fn faults() -> &'static Faults {
    static FAULTS: OnceLock<Faults> = OnceLock::new();
    FAULTS.get_or_init(|| Faults {
        panic: env::var(PANIC).ok(),
        abort: env::var(ABORT).ok(),
        disk_full: env::var_os(DISK_FULL).map(PathBuf::from),
    })
}

/// Panics or dies if this is the point that the environment names.
///
/// # Panics
/// Then.
pub fn point(name: &str) {
    let faults = faults();
    if faults.panic.as_deref() == Some(name) {
        panic!("{PANIC}={name}");
    }
    if faults.abort.as_deref() == Some(name) {
        process::abort();
    }
}

/// To be called before anything is written that may find the disk full.
///
/// # Errors
/// That there is no room, while the file exists that the environment names.
pub fn check_room() -> io::Result<()> {
    match &faults().disk_full {
        Some(file) if file.exists() => Err(io::ErrorKind::StorageFull.into()),
        _ => Ok(()),
    }
}

/// The point `<extension of path>.<step>`.
pub(crate) fn file_point(path: &Path, step: &str) {
    let faults = faults();
    if faults.panic.is_some() || faults.abort.is_some() {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        point(&format!("{extension}.{step}"));
    }
}
