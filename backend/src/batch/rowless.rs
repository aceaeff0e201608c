//! What an open batch without lines covers, kept in a file beside the batches.
//!
//! A batch without lines is never stored: it would be nothing to train on. A topic may yet hold millions of
//! messages that add no line, such as those of an input that is sent again, and a restart is not to read
//! them again. So what they amount to is written down, and goes into the next batch.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tillstream_durable as durable;
use tillstream_shared::OffsetRange;

use super::{BatchError, Provenance};

/// Version of the file's format.
const FORMAT_VERSION: u32 = 1;

/// The offsets that an open batch without lines covers, and what was found there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rowless {
    format_version: u32,
    /// Hash of the newest manifest when it was written; void once there is another.
    previous: String,
    provenance: Provenance,
    pub(super) partitions: Vec<OffsetRange>,
    pub(super) dead_letters: u64,
    pub(super) repeated: u64,
    #[serde(default)]
    pub(super) empty: u64,
}

impl Rowless {
    pub(super) fn new(
        previous: &str,
        provenance: &Provenance,
        partitions: Vec<OffsetRange>,
        dead_letters: u64,
        repeated: u64,
        empty: u64,
    ) -> Self {
        let (previous, provenance) = (previous.to_owned(), provenance.clone());
        let format_version = FORMAT_VERSION;
        Self { format_version, previous, provenance, partitions, dead_letters, repeated, empty }
    }

    /// Reads what follows the manifest with the hash `previous`; `None` when there is nothing. What cannot be
    /// read, or is of another topic, is void: its messages are read again.
    pub(super) fn load(
        folder: &Path,
        previous: &str,
        provenance: &Provenance,
    ) -> Result<Option<Self>, BatchError> {
        let path = file(folder);
        let json = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            json => json.map_err(BatchError::io(&path))?,
        };
        let stored = serde_json::from_slice::<Self>(&json).ok();
        Ok(stored.filter(|stored| {
            stored.format_version == FORMAT_VERSION
                && stored.previous == previous
                && stored.provenance == *provenance
        }))
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), BatchError> {
        let path = file(folder);
        serde_json::to_vec(self)
            .map_err(io::Error::from)
            .and_then(|json| durable::write(&path, &json))
            .map_err(BatchError::io(&path))
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("open_batch.json")
}
