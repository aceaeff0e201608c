//! Why a model cannot be trained.

use tillstream_clustering::ClusteringError;
use tillstream_shared::{Excluded, MAX_FEATURES};

/// Why points cannot be made a model as asked.
#[derive(Debug, thiserror::Error)]
pub enum ModellingError {
    /// More features than a model can hold.
    #[error("a model has at most {MAX_FEATURES} features, not {0}: leave some out")]
    TooManyFeatures(usize),
    /// A point that the preprocessing does not admit and that should have been filtered out before.
    #[error("feature {feature} of point {point} {excluded}", feature = excluded.feature())]
    Excluded {
        /// Index of the point.
        point: usize,
        /// What is wrong with it.
        excluded: Excluded,
    },
    /// A clipping limit that is not above zero.
    #[error("the clipping limit is not a number above zero: use one such as 3, or none")]
    Clip,
    /// The points cannot be clustered.
    #[error(transparent)]
    Clustering(#[from] ClusteringError),
}
