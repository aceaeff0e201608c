//! Finding a partition again after a stop or a crash, by walking over the batch headers.
//!
//! A segment is on disk as a whole before the next one is begun, so only the last one can end in
//! half a batch. There everything is checked, checksums too, and a torn tail is cut off. A batch
//! that is broken with sound ones behind it was not torn by a crash: that is an error.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    batch::{BatchFault, BatchHeader, HEADER},
    segment::{SUFFIX, Segment},
    sequences::Sequences,
};
use crate::error::BrokerError;

/// How much is read at once.
const WINDOW: usize = 256 << 10;

/// All segments of the partition in `dir`, oldest first, and the sequences of its producers.
pub(super) fn recover(dir: &Path) -> Result<(Vec<Segment>, Sequences), BrokerError> {
    let bases = segment_bases(dir)?;
    let mut sequences = Sequences::default();
    let mut segments: Vec<Segment> = Vec::with_capacity(bases.len());
    for (i, &base) in bases.iter().enumerate() {
        let segment = scan(Segment::empty(dir, base), i + 1 == bases.len(), &mut sequences)?;
        if let Some(before) = segments.last().filter(|before| before.end != base) {
            return Err(BrokerError::BrokenLog {
                path: segment.path,
                position: 0,
                reason: format!("it begins at offset {base}, not at {}", before.end),
            });
        }
        segments.push(segment);
    }
    Ok((segments, sequences))
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
    sequences: &mut Sequences,
) -> Result<Segment, BrokerError> {
    let path = segment.path.clone();
    let failed = |error| BrokerError::io(&path)(error);
    let file = File::open(&path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    segment.touched = metadata.modified().map_err(failed)?;
    let mut window = Window::new(file, metadata.len());
    while segment.size < window.length {
        match window.batch(segment.size, last).map_err(failed)? {
            Ok(header) if header.base_offset == segment.end => {
                sequences.remember(&header, segment.end);
                segment.note(&header);
            }
            other => {
                let fault = other.err().unwrap_or(BatchFault::Offset);
                if !last || window.sound_batch_behind(segment.size, segment.end).map_err(failed)? {
                    return Err(broken(path, segment.size, fault));
                }
                cut(&path, segment.size, window.length, fault).map_err(failed)?;
                break;
            }
        }
    }
    Ok(segment)
}

fn broken(path: PathBuf, position: u64, fault: BatchFault) -> BrokerError {
    BrokerError::BrokenLog { path, position, reason: fault.to_string() }
}

fn cut(path: &Path, size: u64, length: u64, fault: BatchFault) -> io::Result<()> {
    tracing::warn!(
        path = %path.display(),
        "cut {} bytes off the end of the log, written but never acknowledged: {fault}",
        length - size
    );
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(size)?;
    file.sync_all()
}

/// A file of which one stretch is in memory.
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

    /// The batch at `position`, judged by its header and, if wanted, by its checksum.
    fn batch(&mut self, position: u64, sum: bool) -> io::Result<Result<BatchHeader, BatchFault>> {
        let header = match BatchHeader::parse(self.get(position, HEADER)?) {
            Ok(header) => header,
            Err(fault) => return Ok(Err(fault)),
        };
        if header.size as u64 > self.length - position {
            return Ok(Err(BatchFault::Short));
        }
        if sum && !header.checksum_matches(self.get(position, header.size)?) {
            return Ok(Err(BatchFault::Checksum));
        }
        Ok(Ok(header))
    }

    /// Whether a sound batch of this log begins anywhere behind `position`.
    fn sound_batch_behind(&mut self, position: u64, next_offset: i64) -> io::Result<bool> {
        let mut at = position + 1;
        while at + HEADER as u64 <= self.length {
            let stretch = self.get(at, WINDOW)?;
            let starts = stretch.len() - HEADER + 1;
            let candidate = (0..starts).find(|&i| {
                stretch[i + 16] == 2
                    && BatchHeader::parse(&stretch[i..]).is_ok_and(|h| h.base_offset >= next_offset)
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
