//! The points as the solver reads them: neighbours together, in groups of eight, feature by feature,
//! so that the compiler turns the loops over a group into vector instructions.

use rayon::prelude::*;

use super::kd_order::{MAX_ORDERED_DIM, kd_order};
use crate::{
    lanes::{LANES, Lanes, larger, smaller},
    points::WeightedPoints,
};

/// Groups in a chunk of neighbours: the smaller, the more centroids its box rules out. Sums are made
/// chunk by chunk and then added in the order of the chunks, so that their bits do not depend on
/// which thread did which chunk.
const GROUPS_PER_CHUNK: usize = 16;
/// Groups in a chunk of points that are not ordered.
const GROUPS_PER_UNORDERED_CHUNK: usize = 64;
/// From this many points on, threads share the chunks of one restart instead of the restarts.
const MIN_SHARED_POINTS: usize = 32_768;

/// All points, in groups of [`LANES`] and chunks of neighbours; the last group is filled up with
/// copies of the last point of weight zero.
#[derive(Debug)]
pub(super) struct Blocks {
    d: usize,
    /// Points in a chunk.
    chunk_len: usize,
    /// The index of the point in every slot.
    order: Vec<usize>,
    /// Group g, feature j at g · d + j.
    x: Vec<Lanes>,
    /// One a group.
    w: Vec<Lanes>,
    /// The box around every chunk: d smallest coordinates, then d largest.
    boxes: Vec<f64>,
    /// Of the box around all points.
    diagonal: f64,
    /// Weighted mean; sums are taken relative to it, so that a large common offset costs no digits.
    mean: Vec<f64>,
}

/// Consecutive whole groups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    /// d entries a group.
    pub(super) x: &'a [Lanes],
    /// One entry a group.
    pub(super) w: &'a [Lanes],
    /// The smallest coordinates of its points, d entries.
    pub(super) low: &'a [f64],
    /// The largest.
    pub(super) high: &'a [f64],
}

impl Blocks {
    /// Lays `points` out.
    pub(super) fn new(points: &WeightedPoints) -> Self {
        let (n, d) = (points.n(), points.d());
        let groups_per_chunk =
            if d > MAX_ORDERED_DIM { GROUPS_PER_UNORDERED_CHUNK } else { GROUPS_PER_CHUNK };
        let chunk_len = groups_per_chunk * LANES;
        let order = kd_order(points, chunk_len);
        let groups = n.div_ceil(LANES);
        let mut x = vec![[0.0; LANES]; groups * d];
        let mut w = vec![[0.0; LANES]; groups];
        let mut boxes = vec![0.0; groups.div_ceil(groups_per_chunk) * 2 * d];
        let chunks = x.par_chunks_mut(groups_per_chunk * d).zip(w.par_chunks_mut(groups_per_chunk));
        chunks.zip(boxes.par_chunks_mut(2 * d)).enumerate().for_each(|(index, ((x, w), sides))| {
            let (low, high) = sides.split_at_mut(d);
            low.fill(f64::INFINITY);
            high.fill(f64::NEG_INFINITY);
            for slot in 0..w.len() * LANES {
                let (group, lane) = (slot / LANES, slot % LANES);
                let i = order[(index * chunk_len + slot).min(n - 1)];
                for (j, value) in points.point(i).iter().copied().enumerate() {
                    x[group * d + j][lane] = value;
                    low[j] = smaller(value, low[j]);
                    high[j] = larger(value, high[j]);
                }
                if index * chunk_len + slot < n {
                    w[group][lane] = points.weight(i);
                }
            }
        });
        let side = |j: usize| {
            let lows = boxes.iter().skip(j).step_by(2 * d).copied();
            let highs = boxes.iter().skip(d + j).step_by(2 * d).copied();
            highs.fold(f64::NEG_INFINITY, larger) - lows.fold(f64::INFINITY, smaller)
        };
        let diagonal = (0..d).map(|j| side(j) * side(j)).sum::<f64>().sqrt();
        Self { d, chunk_len, order, x, w, boxes, diagonal, mean: points.mean() }
    }

    /// Number of points.
    pub(super) fn n(&self) -> usize {
        self.order.len()
    }

    /// The index of the point in every slot.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    /// Number of features.
    pub(super) fn d(&self) -> usize {
        self.d
    }

    /// Number of groups.
    pub(super) fn groups(&self) -> usize {
        self.w.len()
    }

    /// Number of chunks.
    pub(super) fn chunks(&self) -> usize {
        self.n().div_ceil(self.chunk_len)
    }

    /// Chunk `index`.
    pub(super) fn chunk(&self, index: usize) -> Chunk<'_> {
        let d = self.d;
        let groups_per_chunk = self.chunk_len / LANES;
        let groups = index * groups_per_chunk..self.groups().min((index + 1) * groups_per_chunk);
        let (low, high) = self.boxes[index * 2 * d..][..2 * d].split_at(d);
        Chunk { x: &self.x[groups.start * d..groups.end * d], w: &self.w[groups], low, high }
    }

    /// Points in a chunk, but for the last.
    pub(super) fn chunk_len(&self) -> usize {
        self.chunk_len
    }

    /// Tells whether chunks are neighbours, so that their boxes are small.
    pub(super) fn is_ordered(&self) -> bool {
        self.d <= MAX_ORDERED_DIM
    }

    /// The diagonal of the box around all points.
    pub(super) fn diagonal(&self) -> f64 {
        self.diagonal
    }

    /// Weighted mean of every feature.
    pub(super) fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Coordinate `j` of the point in slot `i`.
    pub(super) fn value(&self, i: usize, j: usize) -> f64 {
        self.x[i / LANES * self.d + j][i % LANES]
    }

    /// Tells whether threads share the chunks (or else the restarts).
    pub(super) fn is_shared(&self) -> bool {
        self.n() >= MIN_SHARED_POINTS
    }
}
