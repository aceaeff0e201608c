//! Weighted exact k-means and what judges it.
//!
//! k-means looks for k centroids that minimise the sum of squared errors
//! `SSE = Σ_i w_i · min_c |x_i - m_c|²` over points x_i that stand for w_i observations each. A stream
//! of transaction lines repeats itself: the 541,909 lines of the real data set hold 8,394 distinct
//! points, and clustering those with their multiplicities gives the same answer as clustering every
//! line.
//!
//! - [`WeightedPoints`]: what is clustered.
//! - [`KMeansParams`] → [`KMeansValidParams`] → [`KMeans`]: the solver, also as a `linfa` estimator.
//! - [`fit_preprocessing`]: from original units to model space.
//! - [`evaluate`]: how good a clustering is; [`adjusted_rand_index`]: how alike two are.
//! - [`choose_k`]: how many clusters, with a report card.
//! - [`train_model`]: all together, for models of any features; [`train_line_model`] for lines.
//! - [`StreamingKMeans`]: centroids that follow the stream and forget.
//! - [`match_clusters`]: which cluster is which from model to model, and [`name_clusters`]: what they are
//!   called.
//! - [`judge`]: whether a model is good enough to become champion.
//!
//! **Architecture invariant:** pure arithmetic. No file or network, no Kafka; a clock only to report how
//! long a fit took. The same input and seed give the same bits on any number of threads.

mod choice;
mod error;
mod gate;
mod lanes;
mod line_model;
mod matching;
mod metrics;
mod naming;
mod numbering;
mod points;
mod preprocess;
mod solver;
mod streaming;
mod sum;
mod train;

#[cfg(test)]
pub(crate) mod test_model;

pub use choice::{ChosenK, KChoice, UnknownKChoice, choose_k};
pub use error::ClusteringError;
pub use gate::{Contest, GateLimits, judge};
pub use line_model::{line_points, train_line_model};
pub use matching::{Matching, Overlap, line_overlap, match_clusters, membership_overlap};
pub use metrics::{EXACT_SILHOUETTE, adjusted_rand_index, evaluate};
pub use naming::name_clusters;
pub use numbering::{Numbered, number_clusters};
pub use points::WeightedPoints;
pub use preprocess::{fit_preprocessing, to_model_space};
pub use solver::{KMeans, KMeansInit, KMeansParams, KMeansValidParams};
pub use streaming::{
    DYING_SHARE, HalfLife, InvalidHalfLife, InvalidState, Split, StreamingKMeans, StreamingUpdate,
};
pub use train::{ModelParams, Trained, train_model};
