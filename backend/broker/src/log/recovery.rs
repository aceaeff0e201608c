//! Recovering a partition after a stop or a crash, by walking over the batch headers.
//!
//! A segment is on disk as a whole before the next one is started, so only the last one can end in
//! half a batch. There everything is checked, checksums too, and a torn tail is cut off. A batch
//! that is corrupt with valid ones behind it was not torn by a crash: that is an error.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    batch::{BatchHeader, HEADER_LEN, InvalidBatch},
    control::Marker,
    producer_state::ProducerStates,
    segment::{SUFFIX, Segment},
};
use crate::{disk::Disk, error::BrokerError};

/// How much is read at once.
const WINDOW: usize = 256 << 10;

/// All segments of the partition in `dir`, oldest first, and the sequences of its producers.
pub(super) fn recover(
    dir: &Path,
    disk: &Disk,
) -> Result<(Vec<Segment>, ProducerStates), BrokerError> {
    let bases = segment_bases(dir)?;
    let mut producers = ProducerStates::default();
    let mut segments: Vec<Segment> = Vec::with_capacity(bases.len());
    for (i, &base) in bases.iter().enumerate() {
        let segment = scan(Segment::empty(dir, base), i + 1 == bases.len(), &mut producers, disk)?;
        if let Some(before) = segments.last().filter(|before| before.end != base) {
            return Err(BrokerError::CorruptLog {
                path: segment.path,
                position: 0,
                reason: format!("it begins at offset {base}, not at {}", before.end),
            });
        }
        segments.push(segment);
    }
    Ok((segments, producers))
}

fn segment_bases(dir: &Path) -> Result<Vec<i64>, BrokerError> {
    let mut bases = Vec::new();
    for entry in fs::read_dir(dir).map_err(BrokerError::io(dir))? {
        let name = entry.map_err(BrokerError::io(dir))?.file_name();
        let base = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)?.parse::<i64>().ok());
        bases.extend(base);
    }
    bases.sort_unstable();
    Ok(bases)
}

/// Walks over one segment; `last` says whether it may end in a torn batch.
fn scan(
    mut segment: Segment,
    last: bool,
    producers: &mut ProducerStates,
    disk: &Disk,
) -> Result<Segment, BrokerError> {
    let path = segment.path.clone();
    let failed = |error| BrokerError::io(&path)(error);
    let file = File::open(&path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    segment.last_append = metadata.modified().map_err(failed)?;
    let mut window = Window::new(file, metadata.len());
    while segment.size < window.length {
        match window.next_batch(&segment, last).map_err(failed)? {
            Ok((header, marker)) => {
                producers.update(&header, marker, segment.end);
                segment.add_batch(&header);
            }
            Err(fault) => {
                if !last || window.valid_batch_after(segment.size, segment.end).map_err(failed)? {
                    return Err(corrupt(path, segment.size, fault));
                }
                truncate(disk, &path, segment.size, window.length, fault).map_err(failed)?;
                break;
            }
        }
    }
    Ok(segment)
}

fn corrupt(path: PathBuf, position: u64, fault: InvalidBatch) -> BrokerError {
    BrokerError::CorruptLog { path, position, reason: fault.to_string() }
}

fn truncate(
    disk: &Disk,
    path: &Path,
    size: u64,
    length: u64,
    fault: InvalidBatch,
) -> io::Result<()> {
    tracing::warn!(
        path = %path.display(),
        "cut {} bytes off the end of the log, written but never acknowledged: {fault}",
        length - size
    );
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(size)?;
    disk.sync_all(&file, path)
}

/// A file of which one window is in memory.
struct Window {
    file: File,
    length: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn new(file: File, length: u64) -> Self {
        Self { file, length, start: 0, bytes: Vec::new() }
    }

    /// `wanted` bytes from `position` on, fewer at the file's end.
    fn get(&mut self, position: u64, wanted: usize) -> io::Result<&[u8]> {
        let rest = usize::try_from(self.length - position).unwrap_or(usize::MAX);
        let wanted = wanted.min(rest);
        let have = self.start..self.start + self.bytes.len() as u64;
        if position < have.start || position + wanted as u64 > have.end {
            self.bytes.clear();
            self.bytes.resize(wanted.max(WINDOW).min(rest), 0);
            self.file.read_exact_at(&mut self.bytes, position)?;
            self.start = position;
        }
        let from = (position - self.start) as usize;
        Ok(&self.bytes[from..from + wanted])
    }

    /// The batch at `position`, checked by its header and, if wanted, by its checksum.
    fn batch(&mut self, position: u64, sum: bool) -> io::Result<Result<BatchHeader, InvalidBatch>> {
        let header = match BatchHeader::parse(self.get(position, HEADER_LEN)?) {
            Ok(header) => header,
            Err(fault) => return Ok(Err(fault)),
        };
        if header.size as u64 > self.length - position {
            return Ok(Err(InvalidBatch::Short));
        }
        if sum && !header.checksum_matches(self.get(position, header.size)?) {
            return Ok(Err(InvalidBatch::Checksum));
        }
        Ok(Ok(header))
    }

    /// The batch that follows what is known of the segment, and the marker in it if it is one.
    fn next_batch(
        &mut self,
        segment: &Segment,
        sum: bool,
    ) -> io::Result<Result<(BatchHeader, Option<Marker>), InvalidBatch>> {
        let header = match self.batch(segment.size, sum)? {
            Ok(header) if header.base_offset == segment.end => header,
            Ok(_) => return Ok(Err(InvalidBatch::Offset)),
            Err(fault) => return Ok(Err(fault)),
        };
        if !header.is_control() {
            return Ok(Ok((header, None)));
        }
        let marker = Marker::parse(&header, self.get(segment.size, header.size)?);
        Ok(marker.map(|marker| (header, marker)))
    }

    /// Whether a valid batch of this log begins anywhere behind `position`.
    fn valid_batch_after(&mut self, position: u64, next_offset: i64) -> io::Result<bool> {
        let mut at = position + 1;
        while at + HEADER_LEN as u64 <= self.length {
            let slice = self.get(at, WINDOW)?;
            let starts = slice.len() - HEADER_LEN + 1;
            let candidate = (0..starts).find(|&i| {
                slice[i + 16] == 2
                    && BatchHeader::parse(&slice[i..]).is_ok_and(|h| h.base_offset >= next_offset)
            });
            match candidate {
                None => at += starts as u64,
                Some(i) => {
                    at += i as u64;
                    if self.batch(at, true)?.is_ok() {
                        return Ok(true);
                    }
                    at += 1;
                }
            }
        }
        Ok(false)
    }
}
