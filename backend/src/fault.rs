//! Faults that tests inject into a whole process. Not for production.

use std::{env, sync::OnceLock};

/// Environment variable with the name of the point at which the process panics.
const PANIC: &str = "TILLSTREAM_FAULT_PANIC";

/// Panics if this is the point that the environment names.
///
/// # Panics
/// Then.
pub fn point(name: &str) {
    static PANIC_AT: OnceLock<Option<String>> = OnceLock::new();
    if PANIC_AT.get_or_init(|| env::var(PANIC).ok()).as_deref() == Some(name) {
        panic!("{PANIC}={name}");
    }
}
