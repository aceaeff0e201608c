//! Putting a compacted segment into the place of those that it was made of.
//!
//! A segment is written under a temporary name, flushed, and renamed to one that ends in `.swap`: from then
//! on it is what counts, also after a crash ([recovery](super::super::recovery) completes the rest). Then the
//! segments behind the first are removed, and at last it takes the place of the first one.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tillstream_durable::{self as durable, fault};

use super::{
    super::{
        batch::BatchHeader,
        partition::{Health, Partition},
        segment::{self, SWAP, Segment},
    },
    Source,
};

/// A file that is removed when this is dropped, unless it has another name by then.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // The next start removes it otherwise.
        drop(durable::remove(&self.0));
    }
}

/// A segment that was written but is not part of the log yet. Dropped, it leaves nothing.
pub(super) struct Compacted {
    /// Under the name that it has until it takes its place.
    pub(super) segment: Segment,
    /// Where that is.
    place: PathBuf,
    file: BufWriter<File>,
    temporary: Temporary,
    /// Whether it differs from what it was made of.
    pub(super) changed: bool,
    /// Offsets of markers that aborted transactions without any record left.
    pub(super) emptied_aborts: Vec<i64>,
}

/// Gives a segment the name that it has before it takes its place; returns its path there.
pub(in super::super) fn swap_path(segment: &mut Segment) -> PathBuf {
    let mut name = segment.path.clone().into_os_string();
    name.push(SWAP);
    std::mem::replace(&mut segment.path, name.into())
}

impl Compacted {
    pub(super) fn create(dir: &Path, group: &[Source]) -> io::Result<Self> {
        let mut segment = Segment::empty(dir, group[0].base);
        let place = swap_path(&mut segment);
        segment.last_append = group[group.len() - 1].last_append;
        let temporary = Temporary(durable::temporary(&segment.path));
        let file = BufWriter::new(File::create(&temporary.0)?);
        let (changed, emptied_aborts) = (group.len() > 1, Vec::new());
        Ok(Self { segment, place, file, temporary, changed, emptied_aborts })
    }

    /// Appends a batch as it was.
    pub(super) fn append(&mut self, header: &BatchHeader, batch: &[u8]) -> io::Result<()> {
        self.segment.add_batch(header, header.base_offset);
        self.file.write_all(batch)
    }

    /// Appends a batch that was changed.
    pub(super) fn append_other(&mut self, batch: &[u8]) -> io::Result<()> {
        self.changed = true;
        let header = BatchHeader::parse(batch).map_err(segment::invalid)?;
        self.append(&header, batch)
    }
}

impl Partition {
    /// Puts a segment into the place of those that it was made of, unless some were deleted meanwhile;
    /// tells whether it did.
    pub(super) fn swap(&self, group: &[Source], compacted: Compacted) -> io::Result<bool> {
        let Compacted { segment, place, file, temporary, emptied_aborts, .. } = compacted;
        let (file, swap) = (file.into_inner()?, segment.path.clone());
        file.set_modified(segment.last_append)?;
        // Most of it, without anybody waiting.
        self.disk.sync_all(&file, &temporary.0)?;
        let _maintenance = self.maintenance();
        if self.status().health != Health::Good {
            return Ok(false);
        }
        // Deletion begins with the first segment of the log: is this one there, so are the others.
        let Some(first) = self.log().segments.iter().position(|one| one.id == group[0].id) else {
            return Ok(false);
        };
        self.disk.publish(&file, &temporary.0, &swap)?;
        {
            let mut log = self.log();
            log.segments.splice(first..first + group.len(), [segment]);
            log.producers.transactions.forget_aborted(&emptied_aborts);
        }
        self.complete_swap(group, &swap, &place).inspect_err(|error| {
            tracing::error!(
                partition = self.name(),
                "cannot replace segments ({error}): restart the broker when the disk is well"
            );
            self.close(Health::Failed);
        })?;
        Ok(true)
    }

    fn complete_swap(&self, group: &[Source], swap: &Path, place: &Path) -> io::Result<()> {
        for replaced in &group[1..] {
            fs::remove_file(&replaced.path)?;
        }
        self.disk.sync_folder(&self.dir)?;
        fault::point("compaction.removed");
        {
            // A reader that finds no file under the one name looks for the other after this.
            let mut log = self.log();
            fs::rename(swap, place)?;
            let found = log.segments.iter_mut().find(|segment| segment.path == swap);
            if let Some(segment) = found {
                segment.path = place.to_owned();
            }
        }
        fault::point("compaction.renamed");
        self.disk.sync_folder(&self.dir)
    }
}
