//! Recovering a partition after a stop or a crash, by walking over the batch headers.
//!
//! A segment is on disk as a whole before the next one is started, so only the last one can end in
//! half a batch. There everything is checked, checksums too, and a torn tail is cut off. A batch
//! that is corrupt with valid ones behind it was not torn by a crash: that is an error.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use super::{
    batch::InvalidBatch,
    compaction::swap,
    producer_state::ProducerStates,
    segment::{SUFFIX, SWAP, Segment},
    window::Window,
};
use crate::{disk::Disk, error::BrokerError};

/// How a segment is walked over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Walk {
    /// By the headers alone; compaction may have removed batches.
    Closed,
    /// Checking everything; a torn tail is cut off.
    Last,
    /// Checking everything, of a segment that compaction has written.
    Compacted,
}

/// All segments of the partition in `dir`, oldest first, and the sequences of its producers.
pub(super) fn recover(
    dir: &Path,
    disk: &Disk,
) -> Result<(Vec<Segment>, ProducerStates), BrokerError> {
    complete_swaps(dir, disk)?;
    let bases = bases(dir, SUFFIX)?;
    let mut producers = ProducerStates::default();
    let mut segments: Vec<Segment> = Vec::with_capacity(bases.len());
    for (i, &base) in bases.iter().enumerate() {
        let walk = if i + 1 == bases.len() { Walk::Last } else { Walk::Closed };
        let segment = scan(Segment::empty(dir, base), walk, &mut producers, disk)?;
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

/// Puts segments that compaction has written, but not yet moved to their places, into the place of
/// those that they were made of.
fn complete_swaps(dir: &Path, disk: &Disk) -> Result<(), BrokerError> {
    for base in bases(dir, &format!("{SUFFIX}{SWAP}"))? {
        let mut compacted = Segment::empty(dir, base);
        let place = swap::swap_path(&mut compacted);
        let compacted = scan(compacted, Walk::Compacted, &mut ProducerStates::default(), disk)?;
        let segments = bases(dir, SUFFIX)?;
        // It was on disk as a whole before it had this name, and never is the last one.
        if compacted.end == base || !segments.contains(&compacted.end) {
            return Err(corrupt(compacted.path, compacted.size, InvalidBatch::Short));
        }
        for replaced in segments {
            if replaced > base && replaced < compacted.end {
                let path = Segment::empty(dir, replaced).path;
                fs::remove_file(&path).map_err(BrokerError::io(&path))?;
            }
        }
        disk.sync_folder(dir).map_err(BrokerError::io(dir))?;
        fs::rename(&compacted.path, &place).map_err(BrokerError::io(&place))?;
        disk.sync_folder(dir).map_err(BrokerError::io(dir))?;
    }
    Ok(())
}

/// The first offsets of the files of that ending, ascending.
fn bases(dir: &Path, suffix: &str) -> Result<Vec<i64>, BrokerError> {
    let mut bases = Vec::new();
    for entry in fs::read_dir(dir).map_err(BrokerError::io(dir))? {
        let name = entry.map_err(BrokerError::io(dir))?.file_name();
        let base = name.to_str().and_then(|name| name.strip_suffix(suffix)?.parse::<i64>().ok());
        bases.extend(base.filter(|base| *base >= 0));
    }
    bases.sort_unstable();
    Ok(bases)
}

/// Walks over one segment.
fn scan(
    mut segment: Segment,
    walk: Walk,
    producers: &mut ProducerStates,
    disk: &Disk,
) -> Result<Segment, BrokerError> {
    let path = segment.path.clone();
    let failed = |error| BrokerError::io(&path)(error);
    let file = File::open(&path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    segment.last_append = metadata.modified().map_err(failed)?;
    let mut window = Window::new(file, metadata.len());
    let (sums, gaps) = (walk != Walk::Closed, walk != Walk::Last);
    while segment.size < window.length {
        match window.next_batch(&segment, sums, gaps).map_err(failed)? {
            Ok((header, marker)) => {
                producers.update(&header, marker, header.base_offset);
                segment.add_batch(&header, header.base_offset);
            }
            Err(fault) => {
                if walk != Walk::Last
                    || window.valid_batch_after(segment.size, segment.end).map_err(failed)?
                {
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
