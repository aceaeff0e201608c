//! From points to a shop's models: what [`tillstream_clustering`] does not know about.
//!
//! - [`fit_preprocessing`]: from original units to model space.
//! - [`train_model`]: a model of any features; [`train_line_model`]: one of lines.
//! - [`match_clusters`]: which cluster is which from model to model, and [`name_clusters`]: what they are
//!   called.
//! - [`judge`]: whether a model is good enough to become champion.
//!
//! **Architecture invariant:** pure arithmetic. No file, network, clock or Kafka. The same input and seed
//! give the same bits on any number of threads.

mod error;
mod gate;
mod line_model;
mod matching;
mod naming;
mod preprocess;
mod train;

pub use error::ModellingError;
pub use gate::{ChallengerComparison, GateLimits, judge};
pub use line_model::{line_points, train_line_model};
pub use matching::{
    InvalidMembership, Matching, Overlap, line_overlap, match_clusters, membership_overlap,
};
pub use naming::name_clusters;
pub use preprocess::{fit_preprocessing, to_model_space};
pub use train::{ModelParams, Trained, train_model};
