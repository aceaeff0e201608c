//! T. Caliński, J. Harabasz, "A Dendrite Method for Cluster Analysis", Communications in Statistics 3,
//! 1974.

use tillstream_shared::squared_distance;

use super::partition::Partition;
use crate::sum::sum;

/// `(B / (k - 1)) / (S / (n - k))` with S the sum of squared distances of the n observations to the
/// means of their k clusters, and B that of the clusters' means to the mean of all, each as often as
/// the cluster has observations. Larger is better; none when S is 0.
pub(super) fn calinski_harabasz(partition: &Partition<'_>) -> Option<f64> {
    let Partition { points, clusters } = partition;
    let within =
        sum(clusters.iter().flat_map(|c| c.spread(points)).map(|(w, squared)| w * squared));
    if within == 0.0 {
        return None;
    }
    let mean = points.mean();
    let between = sum(clusters.iter().map(|c| c.weight * squared_distance(&c.mean, &mean)));
    let (n, k) = (points.total_weight(), clusters.len() as f64);
    Some(between / (k - 1.0) * ((n - k) / within))
}
