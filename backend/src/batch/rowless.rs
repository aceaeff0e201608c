//! What an open batch without lines covers, kept in files beside the batches: one for each partition, so that
//! whichever consumer reads the partition next finds it.
//!
//! A batch without lines is never stored: it would be nothing to train on. A topic may yet hold millions of
//! messages that add no line, such as those of an input that is sent again, and nobody is to read them again. So
//! what they amount to is written down, and goes into the next batch.

use std::io;

use serde::{Deserialize, Serialize};
use tillstream_shared::OffsetRange;

use super::{BatchError, BatchStore, Provenance, consumer_lock::ConsumerFiles};

/// Version of the files' format.
const FORMAT_VERSION: u32 = 2;

/// What an open batch covers of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// The offsets.
    pub range: OffsetRange,
    /// Invalid messages among them.
    pub dead_letters: u64,
    /// Messages among them that repeat a stored line.
    pub repeated: u64,
    /// Messages among them without a payload.
    pub empty: u64,
}

impl Covered {
    /// The message at `offset` of `partition`, of whichever kind.
    pub(super) fn at(partition: i32, offset: i64) -> Self {
        let range = OffsetRange { partition, first: offset, last: offset };
        Self { range, dead_letters: 0, repeated: 0, empty: 0 }
    }
}

/// What is noted of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rowless {
    format_version: u32,
    /// The first offset that no batch covered when it was written; void once there is such a batch.
    next: Option<i64>,
    provenance: Provenance,
    covered: Covered,
}

impl Rowless {
    pub(super) fn new(next: Option<i64>, provenance: &Provenance, covered: Covered) -> Self {
        let (format_version, provenance) = (FORMAT_VERSION, provenance.clone());
        Self { format_version, next, provenance, covered }
    }

    /// Reads what follows the offsets of `partition` that are stored, up to `next`; `None` when there is nothing.
    /// What cannot be read, or is of another topic, is void: its messages are read again.
    pub(super) fn load(
        store: &BatchStore,
        partition: i32,
        next: Option<i64>,
        provenance: &Provenance,
    ) -> Result<Option<Covered>, BatchError> {
        let Some(json) = store.read(&file_name(partition))? else { return Ok(None) };
        let stored = serde_json::from_slice::<Self>(&json).ok();
        let stored = stored.filter(|stored| {
            stored.format_version == FORMAT_VERSION
                && stored.next == next
                && stored.provenance == *provenance
                && stored.covered.range.partition == partition
                && next.is_none_or(|next| next <= stored.covered.range.first)
        });
        Ok(stored.map(|stored| stored.covered))
    }

    /// Writes the file. Of two consumers that believe to have the partition, one prevails: both are right.
    pub(super) fn save(&self, store: &BatchStore, files: &ConsumerFiles) -> Result<(), BatchError> {
        let name = file_name(self.covered.range.partition);
        let json = serde_json::to_vec(self).map_err(io::Error::from);
        let json = json.map_err(BatchError::io(store.path_of(&name)))?;
        store.write(&name, &files.temporary(&name), &json)
    }
}

fn file_name(partition: i32) -> String {
    format!("open_partition_{partition}.json")
}
