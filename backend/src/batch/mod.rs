//! Batches in a folder or an object store: immutable files of consecutive lines, CSV or Parquet, each with a
//! manifest beside it.
//!
//! A batch exists when its manifest does. The file is written under a temporary name, flushed to
//! disk and renamed, or uploaded (`store`); then the manifest is created, unless another consumer has created that of the same number
//! (`commit`). What a crash leaves in between is removed when the place is next opened for writing. A batch
//! without lines is not stored: its offsets are noted for each partition (`rowless`) and go into the next one.

mod catalogue;
mod closed_batch;
mod commit;
mod consumer_lock;
mod format;
mod leftovers;
mod manifest_hashes;
mod reader;
mod rowless;
mod store;
mod summary;
mod writer;

use std::{io, path::PathBuf};

pub use catalogue::Catalogue;
pub use consumer_lock::ConsumerLock;
pub use format::BatchFormat;
pub use manifest_hashes::ManifestHashes;
pub use reader::read_lines;
pub use rowless::Covered;
pub use store::{BatchLocation, BatchStore, BatchUrl, InvalidBatchUrl, ObjectFolder, OutageWait};
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
    /// An object store does not answer, or refuses.
    #[error("cannot {action} {url}: {reason}")]
    Store {
        /// What was tried.
        action: &'static str,
        /// The object, or the whole place.
        url: String,
        /// What was reported.
        reason: String,
    },
    /// The batches of an object store cannot be set aside.
    #[error(
        "the batches in {url} are not moved: name another prefix with --batch-store to begin anew, or move the objects away yourself"
    )]
    NotMoved {
        /// Where they lie.
        url: String,
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
    /// Another consumer has stored messages of the batch, which so is none.
    #[error("another consumer has stored partition {partition} up to offset {next} meanwhile")]
    Overtaken {
        /// The first of its partitions that it is about.
        partition: i32,
        /// The first offset that is not stored.
        next: i64,
    },
    /// Another consumer has begun to store another topic of the same name.
    #[error(
        "another consumer has stored batches of another Kafka cluster, or of a topic that was deleted and created again, in {path}: choose another folder with --data-dir"
    )]
    OtherTopic {
        /// The batch folder.
        path: PathBuf,
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
    /// Whether what cannot be read may be read later; otherwise it is damaged or missing.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Store { .. })
    }

    /// With what to look at, for a store that does not answer at the start.
    fn with_advice(self, variables: &str) -> Self {
        match self {
            Self::Store { action, url, reason } => {
                let reason = format!(
                    "{reason}; check --batch-store and the environment variables {variables}"
                );
                Self::Store { action, url, reason }
            }
            other => other,
        }
    }

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
