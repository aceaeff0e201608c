//! From batches to models: line models of one batch each, of all batches, and live ones; profile models
//! of all batches up to one.

mod build;
mod cumulative;
mod file;
mod live;
mod options;
mod profile_state;
mod publisher;
mod recipe;
mod seen;
mod stored;
mod trainer;

pub use cumulative::Cumulative;
pub use file::{FileOptions, train_file, train_plain_file};
pub use options::TrainerOptions;
pub use recipe::{Recipe, UnsuitableRecipe};
pub use stored::StoredData;
pub use trainer::Trainer;

use self::{live::Live, profile_state::ProfileState};

use crate::{
    batch::BatchError,
    ingest::IngestError,
    modelling::{InvalidMembership, ModellingError},
};

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
    /// The stored rows of a profile model are not those of the model.
    #[error("the rows of a profile model do not fit it: {0}")]
    Rows(#[from] InvalidMembership),
    /// The lines cannot be clustered.
    #[error(transparent)]
    Modelling(#[from] ModellingError),
}
