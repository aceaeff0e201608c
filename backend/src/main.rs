//! The program `tillstream`; all of it is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

// Messages are allocated by one thread and freed by another, and librdkafka's C code does most of it: this allocator
// replaces that of the C library, too.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    tillstream::cli::run()
}
