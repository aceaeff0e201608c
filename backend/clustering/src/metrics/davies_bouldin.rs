//! D. Davies, D. Bouldin, "A Cluster Separation Measure", IEEE Transactions on Pattern Analysis and
//! Machine Intelligence 1, 1979.

use tillstream_shared::squared_distance;

use super::partition::Partition;
use crate::sum::sum;

/// The mean over the clusters of `max_e (s_c + s_e) / |m_c - m_e|`, where m is a cluster's mean and s
/// the mean distance of its observations to it. From 0, smaller is better. Clusters with the same mean
/// are not compared with each other, as in scikit-learn.
pub(super) fn davies_bouldin(partition: &Partition<'_>) -> f64 {
    let clusters = &partition.clusters;
    let spreads: Vec<f64> = clusters
        .iter()
        .map(|c| sum(c.spread(partition.points).map(|(w, squared)| w * squared.sqrt())) / c.weight)
        .collect();
    let worst = |c: usize| {
        (0..clusters.len()).filter(|e| *e != c).fold(0.0_f64, |worst, e| {
            let apart = squared_distance(&clusters[c].mean, &clusters[e].mean).sqrt();
            if apart > 0.0 { worst.max((spreads[c] + spreads[e]) / apart) } else { worst }
        })
    };
    sum((0..clusters.len()).map(worst)) / clusters.len() as f64
}
