//! P. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster
//! analysis", Journal of Computational and Applied Mathematics 20, 1987.
//!
//! The silhouette of an observation is `(b - a) / max(a, b)`, with a its mean distance to the other
//! observations of its cluster and b the smallest of its mean distances to the observations of another
//! cluster; 0 when it is alone in its cluster.

use std::ops::Range;

use rayon::prelude::*;
use tillstream_shared::Silhouette;

use super::{partition::Partition, sample::sample};
use crate::clustering::{
    lanes::{LANES, Lanes, for_dimension, squared_distances, total},
    sum::{Sum, sum},
};

/// The mean silhouette over all observations, computed from every pair of distinct points if there are
/// at most `exact` of them, or else from a sample of about as many.
pub(super) fn silhouette(partition: &Partition<'_>, exact: usize) -> Silhouette {
    let columns = Columns::new(partition, exact);
    let all: usize = partition.clusters.iter().map(|cluster| cluster.points.len()).sum();
    let used: usize = columns.clusters.iter().map(|cluster| cluster.points).sum();
    Silhouette {
        value: for_dimension!(partition.points.d(), D => columns.mean::<D>()),
        sampled: (used < all).then_some(used as u64),
    }
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

    /// The mean over all observations. Threads share the groups; what they find is added in the order
    /// of the groups.
    fn mean<const D: usize>(&self) -> f64 {
        let mut mean = Sum::default();
        for (own, cluster) in self.clusters.iter().enumerate() {
            let values: Vec<f64> = cluster
                .groups
                .clone()
                .into_par_iter()
                .map_init(Vec::new, |point, group| self.group::<D>(own, group, point))
                .collect();
            mean.add(sum(values) / cluster.weight * cluster.observations);
        }
        mean.get() / sum(self.clusters.iter().map(|cluster| cluster.observations))
    }

    /// Σ w · silhouette over a group of cluster `own`; `point` is room for one point.
    fn group<const D: usize>(&self, own: usize, group: usize, point: &mut Vec<f64>) -> f64 {
        let columns = &self.x[group * self.d..][..self.d];
        let mut sum = 0.0;
        for (lane, weight) in self.w[group].iter().enumerate().filter(|(_, weight)| **weight > 0.0)
        {
            point.clear();
            point.extend(columns.iter().map(|column| column[lane]));
            sum += weight * self.of_point::<D>(own, point);
        }
        sum
    }

    /// The silhouette of an observation at `point` in cluster `own`. Its twins count with distance 0.
    fn of_point<const D: usize>(&self, own: usize, point: &[f64]) -> f64 {
        if self.clusters[own].weight <= 1.0 {
            return 0.0;
        }
        let (mut a, mut b) = (0.0, f64::INFINITY);
        for (c, cluster) in self.clusters.iter().enumerate() {
            let groups = cluster.groups.clone();
            let x = &self.x[groups.start * self.d..groups.end * self.d];
            let distances = distances::<D>(x, &self.w[groups], point);
            if c == own {
                a = distances / (cluster.weight - 1.0);
            } else {
                b = f64::min(b, distances / cluster.weight);
            }
        }
        let larger = f64::max(a, b);
        if larger > 0.0 { (b - a) / larger } else { 0.0 }
    }
}

/// Σ w · distance to `point` over the groups `x` (d columns each) with the weights `w`.
#[inline(always)]
fn distances<const D: usize>(x: &[Lanes], w: &[Lanes], point: &[f64]) -> f64 {
    let d = if D == 0 { point.len() } else { D };
    let point = &point[..d];
    let mut sum = [0.0; LANES];
    for (columns, w) in x.chunks_exact(d).zip(w) {
        let squared = squared_distances(columns, point);
        for lane in 0..LANES {
            sum[lane] += w[lane] * squared[lane].sqrt();
        }
    }
    total(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clustering::WeightedPoints;

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
