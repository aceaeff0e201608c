//! Weighted exact k-means and what judges it.
//!
//! k-means looks for k centroids that minimise the sum of squared errors
//! `SSE = Σ_i w_i · min_c |x_i - m_c|²` over points x_i that stand for w_i observations each. A stream
//! of transaction lines repeats itself: the 541,909 lines of the real data set hold 8,394 distinct
//! points, and clustering those with their multiplicities gives the same answer as clustering every
//! line.
//!
//! **Architecture invariant:** pure arithmetic. No file or network; a clock only to report how long a fit
//! took. The same input and seed give the same bits on any number of threads.

mod assignment;
mod choice;
mod error;
mod lanes;
mod metrics;
mod numbering;
mod points;
mod solver;
mod streaming;
pub mod sum;

pub use assignment::optimal_assignment;
pub use choice::{ChosenK, KChoice, UnknownKChoice, choose_k};
pub use error::ClusteringError;
pub use metrics::{EXACT_SILHOUETTE, adjusted_rand_index, evaluate};
pub use numbering::{Numbered, number_clusters};
pub use points::{WeightedPoints, squared_distance};
pub use solver::{KMeans, KMeansInit, KMeansParams, KMeansValidParams};
pub use streaming::{
    DYING_SHARE, HalfLife, InvalidHalfLife, InvalidState, Split, StreamingKMeans, StreamingUpdate,
};
pub use tillstream_shared::{Choices, Evaluation, ReportCard, ReportRow, Silhouette};
