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
//! - [`train_line_model`]: both together, for the line models.
//!
//! **Architecture invariant:** pure arithmetic. No file, clock or network, no Kafka; the same input
//! and seed give the same bits on any number of threads.

mod blocks;
mod error;
mod estimator;
mod init;
mod k_means;
mod kernels;
mod line_model;
mod lloyd;
mod order;
mod params;
mod points;
mod preprocess;
mod reach;
mod sum;

pub use error::ClusteringError;
pub use k_means::KMeans;
pub use line_model::{TrainedLine, train_line_model};
pub use params::{KMeansInit, KMeansParams, KMeansValidParams};
pub use points::WeightedPoints;
pub use preprocess::fit_preprocessing;
