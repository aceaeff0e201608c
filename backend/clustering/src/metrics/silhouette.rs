//! P. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster
//! analysis", Journal of Computational and Applied Mathematics 20, 1987.
//!
//! The silhouette of an observation is `(b - a) / max(a, b)`, with a its mean distance to the other
//! observations of its cluster and b the smallest of its mean distances to the observations of another
//! cluster; 0 when it is alone in its cluster.

use std::ops::Range;

use tillstream_shared::Silhouette;

use super::{distances::distance_sums, partition::Partition, sample::sample};
use crate::{
    lanes::{LANES, Lanes},
    sum::{Sum, sum},
};

/// The mean silhouette over all observations, computed from every pair of distinct points if there are
/// at most `exact` of them, or else from a sample of about as many.
pub(super) fn silhouette(partition: &Partition<'_>, exact: usize) -> Silhouette {
    let columns = Columns::new(partition, exact);
    let all: usize = partition.clusters.iter().map(|cluster| cluster.points.len()).sum();
    let used: usize = columns.clusters.iter().map(|cluster| cluster.points).sum();
    Silhouette { value: columns.mean(), sampled: (used < all).then_some(used as u64) }
}

/// The points laid out cluster by cluster for vector instructions.
struct Columns {
    d: usize,
    /// Group g, feature j at g · d + j. A group has points of one cluster only; its last places may be
    /// filled up with weight zero.
    x: Vec<Lanes>,
    /// One a group.
    w: Vec<Lanes>,
    clusters: Vec<Cluster>,
}

struct Cluster {
    groups: Range<usize>,
    /// Distinct points.
    points: usize,
    /// Sum of `w`.
    weight: f64,
    /// Observations that it stands for: of a sampled cluster more than `weight`.
    observations: f64,
}

impl Columns {
    fn new(partition: &Partition<'_>, exact: usize) -> Self {
        let points = partition.points;
        let d = points.d();
        let mut columns = Self { d, x: Vec::new(), w: Vec::new(), clusters: Vec::new() };
        for (cluster, members) in partition.clusters.iter().zip(sample(partition, exact)) {
            let start = columns.w.len();
            for group in members.chunks(LANES) {
                let at = columns.x.len();
                columns.x.resize(at + d, [0.0; LANES]);
                let mut weights = [0.0; LANES];
                for (lane, (i, weight)) in group.iter().enumerate() {
                    weights[lane] = *weight;
                    for (column, value) in columns.x[at..].iter_mut().zip(points.point(*i)) {
                        column[lane] = *value;
                    }
                }
                columns.w.push(weights);
            }
            columns.clusters.push(Cluster {
                groups: start..columns.w.len(),
                points: members.len(),
                weight: sum(members.iter().map(|(_, weight)| *weight)),
                observations: cluster.weight,
            });
        }
        columns
    }

    /// The mean over all observations.
    fn mean(&self) -> f64 {
        let k = self.clusters.len();
        let runs = self.clusters.iter().enumerate();
        let of_groups: Vec<usize> =
            runs.flat_map(|(c, cluster)| cluster.groups.clone().map(move |_| c)).collect();
        let sums = distance_sums(self.d, &self.x, &self.w, &of_groups, k);
        let mut mean = Sum::default();
        for (own, cluster) in self.clusters.iter().enumerate() {
            let places = cluster.groups.clone().flat_map(|g| (0..LANES).map(move |lane| (g, lane)));
            let silhouettes = places.map(|(group, lane)| {
                let distance = |c: usize| sums[group * k + c][lane];
                self.w[group][lane] * self.of_point(own, distance)
            });
            mean.add(sum(silhouettes) / cluster.weight * cluster.observations);
        }
        mean.get() / sum(self.clusters.iter().map(|cluster| cluster.observations))
    }

    /// The silhouette of an observation in cluster `own`, from the sum of its distances to the
    /// observations of every cluster. Its twins count with distance 0.
    fn of_point(&self, own: usize, distance: impl Fn(usize) -> f64) -> f64 {
        if self.clusters[own].weight <= 1.0 {
            return 0.0;
        }
        let mean = |c: usize| distance(c) / self.clusters[c].weight;
        let others = (0..self.clusters.len()).filter(|c| *c != own);
        let b = others.map(mean).fold(f64::INFINITY, f64::min);
        let a = distance(own) / (self.clusters[own].weight - 1.0);
        let larger = f64::max(a, b);
        if larger > 0.0 { (b - a) / larger } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::WeightedPoints;

    /// A large, a small and a tiny cluster of points on a spiral, with weights from 1 to 7.
    fn partition(points: &WeightedPoints) -> Partition<'_> {
        let label = |i| match i % 100 {
            0 if i % 1000 == 0 => 2,
            0..20 => 1,
            _ => 0,
        };
        Partition::new(points, &(0..points.n()).map(label).collect::<Vec<_>>(), 3)
    }

    fn spiral() -> WeightedPoints {
        let coordinates = (0..4000).flat_map(|i| {
            let far = if i % 100 < 20 { 6.0 } else { 0.0 };
            let angle = f64::from(i);
            [far + (angle * 0.01).sqrt() * angle.cos(), (angle * 0.01).sqrt() * angle.sin()]
        });
        let weights = (0..4000).map(|i| f64::from(1 + i % 7)).collect();
        WeightedPoints::new(2, coordinates.collect(), weights).unwrap()
    }

    #[test]
    fn a_sample_comes_near_the_exact_value() {
        let points = spiral();
        let partition = partition(&points);
        let exact = silhouette(&partition, 4000);
        assert_eq!(exact.sampled, None);
        for size in [500, 1000, 2000] {
            let sample = silhouette(&partition, size);
            let used = sample.sampled.unwrap() as usize;
            assert!(used <= size + 3, "{used} of {size}");
            let error = (sample.value - exact.value).abs();
            assert!(error < 0.02, "{size}: {} is not {}", sample.value, exact.value);
        }
    }

    #[test]
    fn every_cluster_is_in_the_sample() {
        let points = spiral();
        let partition = partition(&points);
        let columns = Columns::new(&partition, 60);
        let sizes: Vec<usize> = columns.clusters.iter().map(|cluster| cluster.points).collect();
        assert_eq!(sizes[2], 4, "a tiny cluster is taken whole");
        assert!(sizes[0] > sizes[1] && sizes[1] >= 10, "{sizes:?}");
        let stand_for: f64 = columns.clusters.iter().map(|cluster| cluster.observations).sum();
        assert_eq!(stand_for, points.total_weight());
    }
}
