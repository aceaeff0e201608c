//! Batches on disk: immutable CSV files of consecutive lines, each with a manifest beside it.
//!
//! A batch exists when its manifest does. The file is written under a temporary name, flushed to
//! disk and renamed; then the manifest is, in the same way. What a crash leaves in between is removed
//! when the folder is next opened for writing. A batch without lines is not stored: its offsets are noted
//! in `open_batch.json` and go into the next one.

mod catalogue;
mod reader;
mod rowless;
mod summary;
mod writer;

use std::{io, path::PathBuf};

pub use catalogue::{Catalogue, manifest_hash};
pub use reader::read_lines;
pub use summary::{SourceProgress, Summary, TopicProgress};
pub use writer::{OpenBatch, Provenance};

use tillstream_durable::{self as durable, LockError};

use crate::ingest::IngestError;

/// Why batches could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The folder cannot be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file system refused.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was reported.
        source: io::Error,
    },
    /// A manifest cannot be understood.
    #[error(
        "{path} is not a manifest of this version: {reason}; restore it from a copy, or move the batch folder away to begin anew"
    )]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The manifests do not fit together.
    #[error(
        "the batches in {path} do not fit together: {reason}; restore the missing files from a copy, or move the folder away to begin anew"
    )]
    Inconsistent {
        /// The batch folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A batch file cannot be understood.
    #[error(transparent)]
    Lines(#[from] IngestError),
    /// A batch file is not what its manifest says.
    #[error("{path} does not hold what its manifest says ({reason}); restore it from a copy")]
    Damaged {
        /// The batch file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl BatchError {
    fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// Whether there was no room on the disk.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if durable::is_full(source))
    }
}
