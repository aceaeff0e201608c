//! The program `tillstream`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    tillstream::cli::run()
}
