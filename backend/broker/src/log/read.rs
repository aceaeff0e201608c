//! Reading from a partition: slices of whole batches, and offsets by timestamp.

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;

use super::{
    batch::{BatchHeader, HEADER},
    partition::{Log, Partition},
    segment::{self, Segment},
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

/// A stretch of a segment's file that consumers may see.
struct Stretch {
    file: Arc<File>,
    segment: i64,
    from: u64,
    to: u64,
}

impl Partition {
    /// Whether a consumer at `offset` would get something now.
    pub(crate) fn has_after(&self, offset: i64) -> Result<bool, ReadError> {
        let log = self.log();
        if offset < log.start || offset > log.end() {
            return Err(ReadError::OutOfRange);
        }
        Ok(offset < self.durable().end)
    }

    /// Whole batches from the one that holds `offset` on, up to `most` bytes; a first batch that
    /// alone is larger comes all the same if `at_least_one`. Empty if there is nothing (yet).
    pub(crate) fn read(
        &self,
        offset: i64,
        most: usize,
        at_least_one: bool,
    ) -> Result<Bytes, ReadError> {
        if !self.has_after(offset)? {
            return Ok(Bytes::new());
        }
        let Some(stretch) = self.stretch_at(offset)? else {
            return Ok(Bytes::new());
        };
        let Some((position, first)) = find(&stretch, |header| header.end() > offset)? else {
            return Ok(Bytes::new());
        };
        if first.size > most && !at_least_one {
            return Ok(Bytes::new());
        }
        let available = usize::try_from(stretch.to - position).unwrap_or(usize::MAX);
        let mut bytes = vec![0; most.min(available).max(first.size)];
        stretch.file.read_exact_at(&mut bytes, position)?;
        let (whole, end) = whole_batches(&bytes)?;
        bytes.truncate(whole);
        let mut log = self.log();
        if log.active_segment().base == stretch.segment {
            log.hint = Some((end, position + whole as u64));
        }
        Ok(bytes.into())
    }

    /// The first record that is not older than `timestamp`: the header and bytes of its batch.
    pub(crate) fn batch_at_time(
        &self,
        timestamp: i64,
    ) -> Result<Option<(BatchHeader, Bytes)>, ReadError> {
        let stretches: Vec<Stretch> = {
            let log = self.log();
            let reaches =
                |segment: &&Segment| segment.index.latest() >= timestamp && segment.end > log.start;
            let found = log.segments.iter().filter(reaches).map(|segment| {
                let from = segment.index.before_timestamp(timestamp);
                self.stretch(&log, segment, from.map_or(0, |entry| entry.position))
            });
            found.collect::<io::Result<_>>()?
        };
        let start = self.start();
        let wanted =
            |header: &BatchHeader| header.max_timestamp >= timestamp && header.end() > start;
        for stretch in stretches {
            if let Some((position, header)) = find(&stretch, wanted)? {
                let mut bytes = vec![0; header.size];
                stretch.file.read_exact_at(&mut bytes, position)?;
                return Ok(Some((header, bytes.into())));
            }
        }
        Ok(None)
    }

    /// The latest timestamp in the log, if it holds any record.
    pub(crate) fn latest_timestamp(&self) -> Option<i64> {
        let log = self.log();
        let latest = log.segments.iter().map(|segment| segment.index.latest()).max();
        latest.filter(|&timestamp| timestamp != i64::MIN)
    }

    fn stretch_at(&self, offset: i64) -> io::Result<Option<Stretch>> {
        let log = self.log();
        let behind = log.segments.partition_point(|segment| segment.base <= offset);
        let Some(segment) = behind.checked_sub(1).map(|i| &log.segments[i]) else {
            return Ok(None);
        };
        let mut from = segment.index.before_offset(offset).map_or(0, |entry| entry.position);
        if segment.base == log.active_segment().base
            && let Some((hinted, position)) = log.hint
            && hinted <= offset
        {
            from = from.max(position);
        }
        self.stretch(&log, segment, from).map(Some)
    }

    /// From `from` to the end of what is on disk. Closed segments are opened when they are read, so
    /// that a long log does not hold a file each.
    fn stretch(&self, log: &Log, segment: &Segment, from: u64) -> io::Result<Stretch> {
        let (file, to) = if segment.base == log.active_segment().base {
            (Arc::clone(&log.active), log.durable_size)
        } else {
            (Arc::new(File::open(&segment.path)?), segment.size)
        };
        Ok(Stretch { file, segment: segment.base, from, to })
    }
}

/// The first batch of the stretch for which `wanted` holds.
fn find(
    stretch: &Stretch,
    wanted: impl Fn(&BatchHeader) -> bool,
) -> io::Result<Option<(u64, BatchHeader)>> {
    let mut position = stretch.from;
    while position + HEADER as u64 <= stretch.to {
        let header = segment::header_at(&stretch.file, position)?;
        if wanted(&header) {
            return Ok(Some((position, header)));
        }
        position += header.size as u64;
    }
    Ok(None)
}

/// How many of the bytes are whole batches, and the offset behind them.
fn whole_batches(bytes: &[u8]) -> io::Result<(usize, i64)> {
    let (mut whole, mut end) = (0, 0);
    while bytes.len() - whole >= HEADER {
        let header = BatchHeader::parse(&bytes[whole..]).map_err(segment::invalid)?;
        if header.size > bytes.len() - whole {
            break;
        }
        whole += header.size;
        end = header.end();
    }
    Ok((whole, end))
}
