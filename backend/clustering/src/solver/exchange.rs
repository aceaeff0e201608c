//! Exchanges of single points between clusters.
//!
//! Where every point is nearest to its own centroid, the SSE may still fall when one point goes to
//! another cluster, as both means follow it. A point x of weight w that leaves a cluster of weight n
//! and mean m takes `w · n / (n - w) · |x - m|²` with it, and one that enters adds
//! `w · n / (n + w) · |x - m|²`: J. Hartigan, M. Wong, "Algorithm AS 136: A K-Means Clustering
//! Algorithm", Applied Statistics 28, 1979. The heavier single points are beside their cluster, the more
//! this finds: distinct points with multiplicities more than lines that do not repeat.

use rayon::prelude::*;

use super::{
    blocks::{Blocks, Chunk},
    kernels,
    part::Part,
};
use crate::{
    lanes::{LANES, for_dimension},
    points::squared_distance,
};

/// An exchange must gain more than this part of what the point adds to the SSE; less is rounding.
const ROUNDING: f64 = 1e-9;

/// The centroids (row-major, k x d) after every exchange of one point that lowers the SSE, one after
/// the other in the order of the points; `None` if there is no such point. `rows` are the centroids, and
/// `sums` holds for each of them its weight and d numbers more.
pub(super) fn exchange(
    blocks: &Blocks,
    parts: &[Part],
    rows: &[f64],
    sums: &[f64],
) -> Option<Vec<f64>> {
    let d = blocks.d();
    let weights: Vec<f64> = sums.iter().step_by(d + 1).copied().collect();
    let movable = |(index, part): (usize, &Part)| {
        let (chunk, clusters, labels) = (blocks.chunk(index), &part.clusters, &part.labels);
        for_dimension!(d, D => kernels::movable::<D>(chunk, rows, &weights, clusters, labels))
    };
    let found: Vec<Vec<u32>> = if blocks.is_shared() {
        parts.par_iter().enumerate().map(movable).collect()
    } else {
        parts.iter().enumerate().map(movable).collect()
    };

    let mut clusters = Clusters { rows: rows.to_vec(), weights, point: vec![0.0; d] };
    let mut exchanged = false;
    for (index, slots) in found.into_iter().enumerate() {
        let (chunk, part) = (blocks.chunk(index), &parts[index]);
        for slot in slots.into_iter().map(|slot| slot as usize) {
            let label = part.labels[slot / LANES][slot % LANES];
            exchanged |= clusters.exchange(chunk, slot, part.clusters[label as usize] as usize);
        }
    }
    exchanged.then_some(clusters.rows)
}

/// The means and weights of clusters while points go from one to another.
struct Clusters {
    rows: Vec<f64>,
    weights: Vec<f64>,
    point: Vec<f64>,
}

impl Clusters {
    /// Moves the point in `slot` of `chunk` from the cluster `own` to the one where it adds least to the
    /// SSE; tells whether that is another.
    fn exchange(&mut self, chunk: Chunk<'_>, slot: usize, own: usize) -> bool {
        let d = self.point.len();
        let (group, lane) = (slot / LANES, slot % LANES);
        let w = chunk.w[group][lane];
        for (value, column) in self.point.iter_mut().zip(&chunk.x[group * d..]) {
            *value = column[lane];
        }
        if self.weights[own] <= w {
            return false;
        }
        let leave = self.weights[own] / (self.weights[own] - w) * self.squared(own);
        let mut best = (leave * (1.0 - ROUNDING), own);
        for other in (0..self.weights.len()).filter(|other| *other != own) {
            let enter = self.weights[other] / (self.weights[other] + w) * self.squared(other);
            if enter < best.0 {
                best = (enter, other);
            }
        }
        let other = best.1;
        if other == own {
            return false;
        }
        self.add(own, -w);
        self.add(other, w);
        true
    }

    fn squared(&self, cluster: usize) -> f64 {
        let d = self.point.len();
        squared_distance(&self.point, &self.rows[cluster * d..][..d])
    }

    /// Adds the point with weight `w` to `cluster`.
    fn add(&mut self, cluster: usize, w: f64) {
        let d = self.point.len();
        self.weights[cluster] += w;
        let step = w / self.weights[cluster];
        for (mean, x) in self.rows[cluster * d..][..d].iter_mut().zip(&self.point) {
            *mean += step * (x - *mean);
        }
    }
}
