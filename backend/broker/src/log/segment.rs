//! One file of a partition's log: record batches, one after the other.

use std::{
    fs::{File, OpenOptions},
    io::{self, IoSlice, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tillstream_durable::fault;

use super::{
    batch::{BatchHeader, HEADER_LEN, InvalidBatch},
    index::SparseIndex,
};

/// The ending of a segment's file name; before it stands its first offset in 20 digits.
pub(super) const SUFFIX: &str = ".log";

/// What is known of a segment without reading it.
#[derive(Debug)]
pub(crate) struct Segment {
    /// The offset of its first record, also its name.
    pub(super) base: i64,
    /// The offset behind its last record.
    pub(super) end: i64,
    /// Its length in bytes.
    pub(super) size: u64,
    /// The file.
    pub(super) path: PathBuf,
    /// Where to look for offsets and timestamps.
    pub(super) index: SparseIndex,
    /// When something was last appended.
    pub(super) last_append: SystemTime,
}

impl Segment {
    /// A segment of `dir` that holds nothing yet.
    pub(super) fn empty(dir: &Path, base: i64) -> Self {
        Self {
            base,
            end: base,
            size: 0,
            path: dir.join(format!("{base:020}{SUFFIX}")),
            index: SparseIndex::new(),
            last_append: SystemTime::now(),
        }
    }

    /// Opens the file for appending and reading, creating it if need be.
    pub(super) fn open_for_appending(&self) -> io::Result<File> {
        OpenOptions::new().read(true).append(true).create(true).open(&self.path)
    }

    /// Notes the batch that now ends the file.
    pub(super) fn add_batch(&mut self, header: &BatchHeader) {
        self.index.add(self.end, self.size, header.max_timestamp);
        self.end += i64::from(header.count());
        self.size += header.size as u64;
    }
}

/// Appends `prefix` and then `rest` to a file opened for appending.
pub(super) fn append(mut file: &File, prefix: &[u8], rest: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while written < prefix.len() + rest.len() {
        let parts = [
            IoSlice::new(prefix.get(written..).unwrap_or_default()),
            IoSlice::new(&rest[written.saturating_sub(prefix.len())..]),
        ];
        match fault::check_room().and_then(|()| file.write_vectored(&parts)) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => written += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads the batch header at `position`.
pub(super) fn header_at(file: &File, position: u64) -> io::Result<BatchHeader> {
    let mut bytes = [0; HEADER_LEN];
    file.read_exact_at(&mut bytes, position)?;
    BatchHeader::parse(&bytes).map_err(invalid)
}

/// A stored batch that is no longer one: the file was changed behind the broker's back.
pub(super) fn invalid(fault: InvalidBatch) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}
