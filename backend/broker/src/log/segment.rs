//! One file of a partition's log: record batches, one after the other.

use std::{
    fs::{File, OpenOptions},
    io::{self, IoSlice, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tillstream_durable::fault;

use super::{
    batch::{BatchHeader, HEADER_LEN, InvalidBatch},
    index::SparseIndex,
    partition::LogSettings,
    validate::to_millis,
};

/// The ending of a segment's file name; before it stands its first offset in 20 digits.
pub(super) const SUFFIX: &str = ".log";

/// The suffix of the name of a segment that is about to take the place of others.
pub(super) const SWAP: &str = ".swap";

/// What is known of a segment without reading it.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Tells it from the segments whose place it takes.
    pub(super) id: u64,
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
    /// The latest timestamp of its first batch, milliseconds since 1970; none if it is empty.
    pub(super) first_timestamp: Option<i64>,
    /// When something was last appended.
    pub(super) last_append: SystemTime,
}

impl Segment {
    /// A segment of `dir` that holds nothing yet.
    pub(super) fn empty(dir: &Path, base: i64) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            base,
            end: base,
            size: 0,
            path: dir.join(format!("{base:020}{SUFFIX}")),
            index: SparseIndex::new(),
            first_timestamp: None,
            last_append: SystemTime::now(),
        }
    }

    /// Opens the file for appending and reading, creating it if need be.
    pub(super) fn open_for_appending(&self) -> io::Result<File> {
        OpenOptions::new().read(true).append(true).create(true).open(&self.path)
    }

    /// Notes the batch that now ends the file, with its first offset there.
    pub(super) fn add_batch(&mut self, header: &BatchHeader, base: i64) {
        self.index.add(base, self.size, header.max_timestamp);
        self.end = base + header.offset_count();
        self.size += header.size as u64;
        self.first_timestamp.get_or_insert(header.max_timestamp);
    }

    /// Whether the batch is to begin another segment.
    pub(super) fn is_full_for(&self, header: &BatchHeader, settings: &LogSettings) -> bool {
        let Some(first) = self.first_timestamp else { return false };
        let lag = settings.max_compaction_lag.filter(|_| settings.compact);
        let age = to_millis(lag.map_or(settings.segment_age, |lag| lag.min(settings.segment_age)));
        let too_old = first >= 0 && header.max_timestamp.saturating_sub(first) > age;
        too_old || self.size + header.size as u64 > settings.segment_bytes
    }

    /// The timestamp of its newest record or, where none has a timestamp, the time of the last append.
    pub(super) fn newest(&self) -> SystemTime {
        match u64::try_from(self.index.latest()) {
            Ok(millis) => {
                UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(self.last_append)
            }
            Err(_) => self.last_append,
        }
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
