//! `tillstream generate`: made-up but realistic lines.

use std::io::{self, Write};

use crate::{
    cli::{Error, options::GenerateOptions},
    ingest::generate,
};

pub(in crate::cli) fn run(options: &GenerateOptions) -> Result<(), Error> {
    let mut out = io::BufWriter::with_capacity(1 << 18, io::stdout().lock());
    let written = generate::write_csv(options.lines, options.seed, options.dirt, &mut out)
        .and_then(|()| out.flush());
    match written {
        // Whoever reads has enough: `tillstream generate | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
