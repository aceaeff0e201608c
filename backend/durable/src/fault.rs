//! Faults that tests inject into a whole process, by environment variables. Not for production.

use std::{env, path::Path, process, sync::OnceLock};

/// Names the point at which the process panics.
const PANIC: &str = "TILLSTREAM_FAULT_PANIC";
/// Names the point at which the process dies, as if it were killed.
const ABORT: &str = "TILLSTREAM_FAULT_ABORT";

/// The points at which something is to happen, read once.
struct Faults {
    panic: Option<String>,
    abort: Option<String>,
}

fn faults() -> &'static Faults {
    static FAULTS: OnceLock<Faults> = OnceLock::new();
    FAULTS.get_or_init(|| Faults { panic: env::var(PANIC).ok(), abort: env::var(ABORT).ok() })
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

/// The point `<extension of path>.<step>`.
pub(crate) fn file_point(path: &Path, step: &str) {
    let faults = faults();
    if faults.panic.is_some() || faults.abort.is_some() {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        point(&format!("{extension}.{step}"));
    }
}
