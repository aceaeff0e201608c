//! Hartigan-Wong: single points move to another cluster.
//!
//! Where every point is nearest to its own centroid, the SSE may still fall when one point goes to
//! another cluster, as both means follow it. A point x of weight w that leaves a cluster of weight n
//! and mean m takes `w · n / (n - w) · |x - m|²` with it, and one that enters adds
//! `w · n / (n + w) · |x - m|²`: J. Hartigan, M. Wong, "Algorithm AS 136: A K-Means Clustering
//! Algorithm", Applied Statistics 28, 1979. The heavier single points are beside their cluster, the more
//! this finds: distinct points with multiplicities more than lines that do not repeat.

use rayon::prelude::*;
use tillstream_shared::squared_distance;

use super::{
    blocks::{Blocks, Chunk},
    chunk_state::ChunkState,
    kernels,
};
use crate::lanes::{LANES, for_dimension};

/// A move must gain more than this share of what the point adds to the SSE; less is rounding.
const MIN_RELATIVE_GAIN: f64 = 1e-9;

/// One pass: the centroids (row-major, k x d) after every move of a point to another cluster that lowers
/// the SSE, in the order of the points; `None` if there is no such point. `rows` are the centroids before,
/// and `sums` holds for each of them its weight and d numbers more.
pub(super) fn hartigan_wong(
    blocks: &Blocks,
    states: &[ChunkState],
    rows: &[f64],
    sums: &[f64],
) -> Option<Vec<f64>> {
    let d = blocks.d();
    let weights: Vec<f64> = sums.iter().step_by(d + 1).copied().collect();
    let improving_moves = |(index, state): (usize, &ChunkState)| {
        let (chunk, clusters, labels) = (blocks.chunk(index), &state.clusters, &state.labels);
        for_dimension!(d, D => kernels::improving_moves::<D>(chunk, rows, &weights, clusters, labels))
    };
    let found: Vec<Vec<u32>> = if blocks.is_shared() {
        states.par_iter().enumerate().map(improving_moves).collect()
    } else {
        states.iter().enumerate().map(improving_moves).collect()
    };

    let mut clusters = Clusters { rows: rows.to_vec(), weights, point: vec![0.0; d] };
    let mut improved = false;
    for (index, slots) in found.into_iter().enumerate() {
        let (chunk, state) = (blocks.chunk(index), &states[index]);
        for slot in slots.into_iter().map(|slot| slot as usize) {
            let label = state.labels[slot / LANES][slot % LANES];
            improved |= clusters.move_point(chunk, slot, state.clusters[label as usize] as usize);
        }
    }
    improved.then_some(clusters.rows)
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
    fn move_point(&mut self, chunk: Chunk<'_>, slot: usize, own: usize) -> bool {
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
        let mut best = (leave * (1.0 - MIN_RELATIVE_GAIN), own);
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
