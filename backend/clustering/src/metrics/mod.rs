//! How good a clustering is, and how much two have in common.
//!
//! Weights are multiplicities: every figure is the one of the points repeated as often as their
//! weights say. Points of weight zero do not count, nor do clusters without weight.

mod adjusted_rand;
mod calinski_harabasz;
mod davies_bouldin;
mod distances;
mod partition;
mod sample;
mod silhouette;

use tillstream_shared::Evaluation;

use self::partition::Partition;
use crate::points::WeightedPoints;

pub use adjusted_rand::adjusted_rand_index;

/// Measures the clustering of `points` into `k` clusters; `labels` gives each point its cluster, from
/// 0. The silhouette is exact for up to [`MAX_EXACT_SILHOUETTE`] distinct points; beyond, that of a
/// stratified sample. The same bits on any number of threads.
///
/// # Panics
/// When there is not one label for each point, or a label is not below `k`.
#[must_use]
pub fn evaluate(points: &WeightedPoints, labels: &[u32], k: usize) -> Evaluation {
    let partition = Partition::new(points, labels, k);
    if !partition.is_measurable() {
        return Evaluation { silhouette: None, davies_bouldin: None, calinski_harabasz: None };
    }
    Evaluation {
        silhouette: Some(silhouette::silhouette(&partition, MAX_EXACT_SILHOUETTE)),
        davies_bouldin: Some(davies_bouldin::davies_bouldin(&partition)),
        calinski_harabasz: calinski_harabasz::calinski_harabasz(&partition),
    }
}

/// The most distinct points of which every pair is looked at for the silhouette; of more, a sample of
/// about this size is.
pub const MAX_EXACT_SILHOUETTE: usize = 10_000;
