//! From batches to models: line models of one batch each, of all batches, and live ones; profile models
//! of all batches up to one.

mod batches;
mod build;
mod file;
mod live;
mod many;
mod observations;
mod options;
mod publisher;
mod quiet;
mod recipe;
mod retention;
mod retry;
mod source;
mod trainer;

pub use file::{FileOptions, train_file, train_plain_file};
pub use options::{Retention, TrainerOptions};
pub use publisher::NotStored;
pub use recipe::{Recipe, UnsuitableRecipe};
pub use trainer::Trainer;

use crate::{batch::BatchError, ingest::IngestError, modelling::ModellingError};

/// Why nothing could be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The models folder cannot be taken.
    #[error(transparent)]
    Lock(#[from] tillstream_durable::LockError),
    /// The file system refused.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file or folder.
        path: std::path::PathBuf,
        /// What was reported.
        source: std::io::Error,
    },
    /// A batch cannot be read.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// An input file cannot be read.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The recipe says nothing about the entity.
    #[error(transparent)]
    Recipe(#[from] UnsuitableRecipe),
    /// The lines cannot be clustered.
    #[error(transparent)]
    Modelling(#[from] ModellingError),
    /// A model or the state could not be stored, however often it was tried.
    #[error("{0}; make room or repair the folder, and start again")]
    NotStored(#[from] NotStored),
    /// The thread cannot wait.
    #[error("cannot wait for batches: {0}")]
    Wait(#[source] std::io::Error),
}
