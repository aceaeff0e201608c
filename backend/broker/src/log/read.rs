//! Reading from a partition: slices of whole batches, and offsets by timestamp.

use std::{fs::File, io, os::unix::fs::FileExt, path::PathBuf, sync::Arc};

use bytes::Bytes;

use super::{
    batch::{BatchHeader, HEADER_LEN},
    partition::{Health, Isolation, Log, Partition},
    segment::{self, Segment},
    transactions::AbortedTransaction,
};

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The offset was deleted or does not exist yet.
    #[error("the offset is outside the log")]
    OutOfRange,
    /// The disk fails, or the file was changed behind the broker's back.
    #[error("the log cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    /// Whole batches.
    pub(crate) bytes: Bytes,
    /// For [`Isolation::ReadCommitted`]: the aborted transactions whose records are among them.
    pub(crate) aborted: Vec<AbortedTransaction>,
}

/// A part of a segment's file that consumers may see.
struct SegmentSlice {
    file: Arc<File>,
    from: u64,
    to: u64,
}

/// Where a [`SegmentSlice`] lies. Closed segments are opened when they are read, so that a long log
/// does not hold a file each, and not under the log's lock. What was read is valid only if the log
/// [still has](Log::has) the segment then: compaction may have replaced its file meanwhile.
struct SliceLocation {
    /// Only of the active segment.
    file: Option<Arc<File>>,
    path: PathBuf,
    segment: i64,
    id: u64,
    /// The offset behind the segment.
    end: i64,
    from: u64,
    to: u64,
}

impl SliceLocation {
    /// From `from` to the end of what is on disk.
    fn new(log: &Log, segment: &Segment, from: u64) -> Self {
        let (file, to) = if segment.base == log.active_segment().base {
            (Some(Arc::clone(&log.active)), log.durable_size)
        } else {
            (None, segment.size)
        };
        let (path, id) = (segment.path.clone(), segment.id);
        Self { file, path, segment: segment.base, id, end: segment.end, from, to }
    }

    fn open(&self) -> io::Result<SegmentSlice> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::new(File::open(&self.path)?),
        };
        Ok(SegmentSlice { file, from: self.from, to: self.to })
    }
}

impl Log {
    /// Whether the segment is neither deleted nor replaced.
    fn has(&self, location: &SliceLocation) -> bool {
        let found = self.segments.binary_search_by_key(&location.segment, |segment| segment.base);
        found.is_ok_and(|i| self.segments[i].id == location.id)
    }

    /// Whether the segment has even the file that it had.
    fn has_file(&self, location: &SliceLocation) -> bool {
        let found = self.segments.binary_search_by_key(&location.segment, |segment| segment.base);
        found.is_ok_and(|i| {
            self.segments[i].id == location.id && self.segments[i].path == location.path
        })
    }
}

impl Partition {
    /// Whether a consumer at `offset` would get something now; takes no lock of the log.
    pub(crate) fn has_after(&self, offset: i64, isolation: Isolation) -> Result<bool, ReadError> {
        let status = self.status();
        if offset < status.log_start || offset > self.log_end() {
            return Err(ReadError::OutOfRange);
        }
        Ok(offset < status.end(isolation))
    }

    /// Whole batches from the one that holds `offset` on, up to `max_bytes`; a first batch that
    /// alone is larger comes all the same if `at_least_one`. Empty if there is nothing (yet).
    ///
    /// Batches that compaction emptied do not come first as long as there are others: librdkafka takes
    /// an answer without any record for one that is cut short.
    pub(crate) fn read(
        &self,
        offset: i64,
        isolation: Isolation,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<Batches, ReadError> {
        let (mut from, mut emptied_too) = (offset, false);
        loop {
            if !self.has_after(offset, isolation)? {
                return Ok(Batches::default());
            }
            let visible_end = self.status().end(isolation);
            let Some(location) = self.locate(from) else {
                return Ok(Batches::default());
            };
            let wanted =
                |header: &BatchHeader| header.end() > from && (header.count > 0 || emptied_too);
            let read = read_slice(&location, wanted, visible_end, max_bytes, at_least_one);
            let mut log = self.log();
            if !log.has(&location) {
                continue;
            }
            let slice = match read {
                Ok(Some(slice)) => slice,
                Ok(None) if emptied_too => return Ok(Batches::default()),
                Ok(None) if location.end < visible_end => {
                    from = location.end;
                    continue;
                }
                Ok(None) => {
                    (from, emptied_too) = (offset, true);
                    continue;
                }
                Err(error) if log.has_file(&location) => return Err(self.gone_or(error)),
                Err(_) => continue,
            };
            if log.active_segment().id == location.id {
                log.hint = Some((slice.end, slice.position));
            }
            let aborted = match isolation {
                Isolation::ReadUncommitted => Vec::new(),
                Isolation::ReadCommitted => {
                    log.producers.transactions.aborted_between(offset, slice.end)
                }
            };
            return Ok(Batches { bytes: slice.bytes.into(), aborted });
        }
    }

    /// The files of a deleted partition are gone.
    fn gone_or(&self, error: io::Error) -> ReadError {
        if self.status().health == Health::Deleted { ReadError::OutOfRange } else { error.into() }
    }

    /// The first record that is not older than `timestamp`: the header and bytes of its batch.
    pub(crate) fn batch_at_time(
        &self,
        timestamp: i64,
    ) -> Result<Option<(BatchHeader, Bytes)>, ReadError> {
        loop {
            let start = self.status().log_start;
            let locations: Vec<SliceLocation> = {
                let log = self.log();
                let reaches =
                    |segment: &&Segment| segment.index.latest() >= timestamp && segment.end > start;
                let found = log.segments.iter().filter(reaches).map(|segment| {
                    let from = segment.index.before_timestamp(timestamp);
                    SliceLocation::new(&log, segment, from.map_or(0, |entry| entry.position))
                });
                found.collect()
            };
            let wanted = |header: &BatchHeader| {
                header.count > 0 && header.max_timestamp >= timestamp && header.end() > start
            };
            let found = locations.iter().find_map(|one| find_batch(one, wanted).transpose());
            let log = self.log();
            if !locations.iter().all(|location| log.has(location)) {
                continue;
            }
            match found.transpose() {
                Ok(found) => return Ok(found),
                Err(_) if !locations.iter().all(|location| log.has_file(location)) => {}
                Err(error) => return Err(self.gone_or(error)),
            }
        }
    }

    /// The latest timestamp in the log, if it holds any record.
    pub(crate) fn latest_timestamp(&self) -> Option<i64> {
        let log = self.log();
        let latest = log.segments.iter().map(|segment| segment.index.latest()).max();
        latest.filter(|&timestamp| timestamp != i64::MIN)
    }

    fn locate(&self, offset: i64) -> Option<SliceLocation> {
        let log = self.log();
        let behind = log.segments.partition_point(|segment| segment.base <= offset);
        let segment = &log.segments[behind.checked_sub(1)?];
        let mut from = segment.index.before_offset(offset).map_or(0, |entry| entry.position);
        if segment.base == log.active_segment().base
            && let Some((hinted, position)) = log.hint
            && hinted <= offset
        {
            from = from.max(position);
        }
        Some(SliceLocation::new(&log, segment, from))
    }
}

/// What was read from one segment.
struct ReadSlice {
    bytes: Vec<u8>,
    /// The offset behind the last batch.
    end: i64,
    /// Where the file goes on.
    position: u64,
}

/// Whole batches before `visible_end` from the first that is `wanted` on; see [`Partition::read`].
fn read_slice(
    location: &SliceLocation,
    wanted: impl Fn(&BatchHeader) -> bool,
    visible_end: i64,
    max_bytes: usize,
    at_least_one: bool,
) -> io::Result<Option<ReadSlice>> {
    let slice = location.open()?;
    let found = find(&slice, wanted)?.filter(|(_, first)| first.base_offset < visible_end);
    let Some((position, first)) = found else { return Ok(None) };
    if first.size > max_bytes && !at_least_one {
        return Ok(Some(ReadSlice { bytes: Vec::new(), end: first.base_offset, position }));
    }
    let available = usize::try_from(slice.to - position).unwrap_or(usize::MAX);
    let mut bytes = vec![0; max_bytes.min(available).max(first.size)];
    slice.file.read_exact_at(&mut bytes, position)?;
    let (whole, end) = whole_batches(&bytes, visible_end)?;
    bytes.truncate(whole);
    Ok(Some(ReadSlice { bytes, end, position: position + whole as u64 }))
}

/// The header and the bytes of the first batch for which `wanted` holds.
fn find_batch(
    location: &SliceLocation,
    wanted: impl Fn(&BatchHeader) -> bool,
) -> io::Result<Option<(BatchHeader, Bytes)>> {
    let slice = location.open()?;
    let Some((position, header)) = find(&slice, wanted)? else { return Ok(None) };
    let mut bytes = vec![0; header.size];
    slice.file.read_exact_at(&mut bytes, position)?;
    Ok(Some((header, bytes.into())))
}

/// The first batch of the slice for which `wanted` holds.
fn find(
    slice: &SegmentSlice,
    wanted: impl Fn(&BatchHeader) -> bool,
) -> io::Result<Option<(u64, BatchHeader)>> {
    let mut position = slice.from;
    while position + HEADER_LEN as u64 <= slice.to {
        let header = segment::header_at(&slice.file, position)?;
        if wanted(&header) {
            return Ok(Some((position, header)));
        }
        position += header.size as u64;
    }
    Ok(None)
}

/// How many of the bytes are whole batches before `visible_end`, and the offset behind them.
fn whole_batches(bytes: &[u8], visible_end: i64) -> io::Result<(usize, i64)> {
    let (mut whole, mut end) = (0, 0);
    while bytes.len() - whole >= HEADER_LEN {
        let header = BatchHeader::parse(&bytes[whole..]).map_err(segment::invalid)?;
        if header.size > bytes.len() - whole || header.base_offset >= visible_end {
            break;
        }
        whole += header.size;
        end = header.end();
    }
    Ok((whole, end))
}
