//! Standard output: results, one line each.

use std::{
    fmt,
    io::{self, Write},
};

/// Prints a line. Nobody needs to read it: a closed standard output (`tillstream … | head`) is no reason
/// to end.
pub(super) fn print_line(line: impl fmt::Display) {
    let mut out = io::stdout().lock();
    // Also a full disk behind a redirection must not stop a pipeline.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
