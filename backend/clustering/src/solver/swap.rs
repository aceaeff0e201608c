//! Swaps of whole clusters: one centroid is removed, and another cluster is split in two.
//!
//! The random swap of P. Fränti, J. Kivijärvi, "Randomised Local Search Algorithm for the Clustering
//! Problem", Pattern Analysis & Applications 3, 2000, without chance: the swap that promises most of all
//! is known from a few looks at all points.

use rayon::prelude::*;

use super::{
    blocks::{Blocks, Chunk},
    kernels,
};
use crate::lanes::{LANES, for_dimension};

/// Iterations on the two halves of a cluster before they are compared with others.
const HALVING_ROUNDS: usize = 4;
/// Chunks whose sums are made by one task.
const CHUNKS_PER_TASK: usize = 64;

/// The k centroids (row-major, k x d, k > 1) after the most promising swap of those in `rows`: the one
/// that lowers the SSE most before any iteration. It may well be higher then.
pub(super) fn swap(blocks: &Blocks, rows: &[f64]) -> Vec<f64> {
    let d = blocks.d();
    let all: Vec<usize> = (0..blocks.chunks()).collect();
    let stats: Vec<ClusterStats> = all
        .par_chunks(CHUNKS_PER_TASK)
        .map(|chunks| ClusterStats::new(blocks, chunks, rows))
        .collect();
    let costs = sum_columns(stats.iter().map(|stats| &stats.costs));
    let squares = sum_columns(stats.iter().map(|stats| &stats.squares));

    let mut halves = split_along_widest(rows, &squares, d);
    let mut sums = Vec::new();
    for _ in 0..HALVING_ROUNDS {
        let halve =
            |(chunks, stats): (&[usize], &ClusterStats)| stats.halve(blocks, chunks, rows, &halves);
        let partial: Vec<Vec<f64>> =
            all.par_chunks(CHUNKS_PER_TASK).zip(&stats).map(halve).collect();
        sums = sum_columns(partial.iter());
        for (half, sums) in sums.chunks_exact(d + 1).enumerate() {
            let means = halves[half * d..][..d].iter_mut().zip(&rows[half / 2 * d..]);
            for ((mean, origin), sum) in means.zip(&sums[1..]) {
                *mean = origin + if sums[0] > 0.0 { sum / sums[0] } else { 0.0 };
            }
        }
    }
    let gain = |half: &[f64]| {
        let squared: f64 = half[1..].iter().map(|sum| sum * sum).sum();
        if half[0] > 0.0 { squared / half[0] } else { 0.0 }
    };
    let gains: Vec<f64> = sums
        .chunks_exact(2 * (d + 1))
        .map(|both| both.chunks_exact(d + 1).map(gain).sum())
        .collect();

    let mut best = (f64::NEG_INFINITY, 0, 1);
    for (removed, cost) in costs.iter().enumerate() {
        for (split, gain) in gains.iter().enumerate().filter(|(split, _)| *split != removed) {
            if gain - cost > best.0 {
                best = (gain - cost, removed, split);
            }
        }
    }
    let (_, removed, split) = best;
    let mut swapped = rows.to_vec();
    let (first, second) = halves[2 * split * d..][..2 * d].split_at(d);
    swapped[removed * d..][..d].copy_from_slice(first);
    swapped[split * d..][..d].copy_from_slice(second);
    swapped
}

/// Statistics of k clusters over some chunks.
struct ClusterStats {
    /// The cluster of every point.
    labels: Vec<[u32; LANES]>,
    /// For each cluster, by how much the SSE would rise without its centroid.
    costs: Vec<f64>,
    /// For each cluster and feature, Σ w · (x - centroid)².
    squares: Vec<f64>,
}

impl ClusterStats {
    fn new(blocks: &Blocks, chunks: &[usize], rows: &[f64]) -> Self {
        let d = blocks.d();
        let mut stats = Self {
            labels: Vec::new(),
            costs: vec![0.0; rows.len() / d],
            squares: vec![0.0; rows.len()],
        };
        for index in chunks {
            let (chunk, costs, squares) =
                (blocks.chunk(*index), &mut stats.costs, &mut stats.squares);
            stats.labels.extend(
                for_dimension!(d, D => kernels::swap_stats::<D>(chunk, rows, costs, squares)),
            );
        }
        stats
    }

    /// For each half of a cluster the sum of the weights and of w · (x - centroid) over its points, d + 1
    /// numbers. `halves` holds the means of the halves, two for each of `rows`.
    fn halve(&self, blocks: &Blocks, chunks: &[usize], rows: &[f64], halves: &[f64]) -> Vec<f64> {
        let d = blocks.d();
        let mut sums = vec![0.0; 2 * rows.len() / d * (d + 1)];
        let mut labels = self.labels.as_slice();
        for index in chunks {
            let chunk = blocks.chunk(*index);
            let (own, rest) = labels.split_at(chunk.w.len());
            for_dimension!(d, D => halve::<D>(chunk, own, rows, halves, &mut sums));
            labels = rest;
        }
        sums
    }
}

/// Adds every point of a chunk to the sums of the nearer half of its cluster.
fn halve<const D: usize>(
    chunk: Chunk<'_>,
    labels: &[[u32; LANES]],
    rows: &[f64],
    halves: &[f64],
    sums: &mut [f64],
) {
    let d = if D == 0 { chunk.low.len() } else { D };
    for ((columns, w), labels) in chunk.x.chunks_exact(d).zip(chunk.w).zip(labels) {
        for lane in 0..LANES {
            let cluster = labels[lane] as usize;
            let origin = &rows[cluster * d..][..d];
            let (first, second) = halves[2 * cluster * d..][..2 * d].split_at(d);
            let (mut to_first, mut to_second) = (0.0, 0.0);
            for j in 0..d {
                let x = columns[j][lane];
                to_first += (x - first[j]) * (x - first[j]);
                to_second += (x - second[j]) * (x - second[j]);
            }
            let half = 2 * cluster + usize::from(to_second < to_first);
            let sums = &mut sums[half * (d + 1)..][..d + 1];
            sums[0] += w[lane];
            for j in 0..d {
                sums[j + 1] += w[lane] * (columns[j][lane] - origin[j]);
            }
        }
    }
}

/// Two places for each centroid, on both sides of it along the feature that varies most in its cluster.
fn split_along_widest(rows: &[f64], squares: &[f64], d: usize) -> Vec<f64> {
    let mut halves = Vec::with_capacity(2 * rows.len());
    for (centroid, squares) in rows.chunks_exact(d).zip(squares.chunks_exact(d)) {
        let mut widest = 0;
        for j in 1..d {
            widest = if squares[j] > squares[widest] { j } else { widest };
        }
        for side in [-1.0, 1.0] {
            let at = halves.len() + widest;
            halves.extend_from_slice(centroid);
            halves[at] += side * squares[widest].sqrt();
        }
    }
    halves
}

/// The sums of numbers at the same place, in the order of the rows.
fn sum_columns<'a>(rows: impl Iterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    let mut sums = Vec::new();
    for row in rows {
        sums.resize(row.len(), 0.0);
        sums.iter_mut().zip(row).for_each(|(sum, term)| *sum += term);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::WeightedPoints;

    #[test]
    fn the_cluster_that_two_centroids_share_gives_one_to_the_cluster_that_is_two() {
        // Four pairs of points; both centroids are in the first, the third has the last two to itself.
        for d in [1, 3, 9] {
            let place = |x: f64| [vec![x], vec![0.5; d - 1]].concat();
            let coordinates = [0.0, 1.0, 50.0, 51.0, 60.0, 61.0].map(place).concat();
            let points = WeightedPoints::unweighted(d, coordinates).unwrap();
            let rows = [0.0, 1.0, 55.5].map(place).concat();
            let swapped = swap(&Blocks::new(&points), &rows);
            let mut firsts: Vec<f64> = swapped.iter().copied().step_by(d).collect();
            firsts.sort_by(f64::total_cmp);
            // Which of the first two stays does not matter.
            assert!(firsts[0] == 0.0 || firsts[0] == 1.0, "{firsts:?}");
            assert_eq!(firsts[1..], [50.5, 60.5]);
        }
    }

    #[test]
    fn equal_points_are_not_torn_apart() {
        let points = WeightedPoints::unweighted(1, vec![2.0, 2.0, 7.0, 7.0]).unwrap();
        let swapped = swap(&Blocks::new(&points), &[2.0, 7.0]);
        assert!(swapped.iter().all(|x| *x == 2.0 || *x == 7.0), "{swapped:?}");
    }
}
