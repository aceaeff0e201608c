//! The loops over the points of a chunk, compiled for AVX-512, AVX2 and whatever the build aims at.
//! The processor decides at run time; the bits are the same, as nothing is fused or reordered.

use multiversion::multiversion;

use super::blocks::{Blocks, Chunk};
use crate::lanes::{LANES, Lanes, larger, smaller, squared_distances, total};

/// Up to this many clusters every sum is made of all points, those of other clusters with weight
/// zero; beyond, every point is added to its own sum. On the distinct points of the real data set 8
/// is faster than 0 (by a fifth for k = 3) and than 16.
const MAX_MASKED_CLUSTERS: usize = 8;

/// Gives every point of a chunk the position of its nearest centroid in `rows` (row-major, d each);
/// of equally near ones the first. Tells whether a label changed.
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
pub(super) fn assign<const D: usize>(
    chunk: Chunk<'_>,
    rows: &[f64],
    labels: &mut [[u32; LANES]],
) -> bool {
    let d = if D == 0 { chunk.low.len() } else { D };
    let mut changed = false;
    for (columns, labels) in chunk.x.chunks_exact(d).zip(labels) {
        let nearest = nearest(columns, rows, d).0;
        changed |= nearest != *labels;
        *labels = nearest;
    }
    changed
}

/// How far the centroids moved since the last assignment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drift<'a> {
    each: &'a [f64],
    /// The largest of them.
    most: f64,
    /// What makes up for the rounding of a distance, in proportion to it.
    slack: f64,
    /// The least gap that the rounding of squared distances cannot close.
    margin: f64,
}

impl<'a> Drift<'a> {
    /// Takes the distance that every centroid moved.
    pub(super) fn new(each: &'a [f64], blocks: &Blocks) -> Self {
        // With unit roundoff u = ε / 2 a squared distance is off by at most (d + 2) u of itself, its
        // root by less. Two that differ by as little as that are told apart by nothing: their
        // roots d1 < d2 then have d2 - d1 ≤ (d + 3) u (d1 + d2), and a point is no farther from the
        // mean of others than the diagonal is long. The last term is for squares so small that
        // their error is an absolute one.
        let slack = (blocks.d() + 8) as f64 * f64::EPSILON;
        let margin = 4.0 * slack * blocks.diagonal() + f64::MIN_POSITIVE.sqrt();
        Self { each, most: each.iter().copied().fold(0.0, larger), slack, margin }
    }
}

/// As [`assign`], but looks only at groups of points that may change. `gaps` holds for each group a
/// lower bound of how much farther its points are from every other centroid than from their own;
/// it shrinks by what the centroids moved (G. Hamerly, "Making k-means Even Faster", SDM 2010, with
/// the two bounds in one and one for a whole group).
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
pub(super) fn assign_bounded<const D: usize>(
    chunk: Chunk<'_>,
    rows: &[f64],
    labels: &mut [[u32; LANES]],
    gaps: &mut [f64],
    drift: Drift<'_>,
) -> bool {
    let d = if D == 0 { chunk.low.len() } else { D };
    let mut changed = false;
    for ((columns, labels), gap) in chunk.x.chunks_exact(d).zip(labels).zip(gaps) {
        if *gap > drift.margin {
            let own = labels.map(|label| drift.each[label as usize]).into_iter().fold(0.0, larger);
            *gap -= (own + drift.most) * (1.0 + drift.slack) + f64::EPSILON * *gap;
            if *gap > drift.margin {
                continue;
            }
        }
        let (nearest, first, second) = nearest_two(columns, rows, d);
        changed |= nearest != *labels;
        *labels = nearest;
        let mut least = f64::INFINITY;
        for lane in 0..LANES {
            let (own, other) = (first[lane].sqrt(), second[lane].sqrt());
            least = smaller(other * (1.0 - drift.slack) - own * (1.0 + drift.slack), least);
        }
        *gap = least;
    }
    changed
}

/// As [`nearest`], with the squared distance to the second nearest centroid as well.
#[inline(always)]
fn nearest_two(columns: &[Lanes], rows: &[f64], d: usize) -> ([u32; LANES], Lanes, Lanes) {
    let mut first = [f64::INFINITY; LANES];
    let mut second = [f64::INFINITY; LANES];
    let mut labels = [0_u64; LANES];
    for (position, centroid) in rows.chunks_exact(d).enumerate() {
        let squared = squared_distances(columns, centroid);
        for lane in 0..LANES {
            second[lane] = smaller(larger(squared[lane], first[lane]), second[lane]);
            let closer = squared[lane] < first[lane];
            first[lane] = if closer { squared[lane] } else { first[lane] };
            labels[lane] = if closer { position as u64 } else { labels[lane] };
        }
    }
    (labels.map(|label| label as u32), first, second)
}

/// The slots of a chunk whose point, taken alone, would lower the SSE in another cluster than its own
/// (see [`super::hartigan_wong`]). `rows` and `weights` are those of all clusters, `clusters` says which the
/// labels mean.
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
pub(super) fn improving_moves<const D: usize>(
    chunk: Chunk<'_>,
    rows: &[f64],
    weights: &[f64],
    clusters: &[u32],
    labels: &[[u32; LANES]],
) -> Vec<u32> {
    let d = if D == 0 { chunk.low.len() } else { D };
    let mut found = Vec::new();
    for (group, (columns, w)) in chunk.x.chunks_exact(d).zip(chunk.w).enumerate() {
        let own = labels[group].map(|label| u64::from(clusters[label as usize]));
        let mut leave = [0.0; LANES];
        let mut enter = [f64::INFINITY; LANES];
        for (cluster, (centroid, n)) in rows.chunks_exact(d).zip(weights).enumerate() {
            let squared = squared_distances(columns, centroid);
            for lane in 0..LANES {
                let stays = own[lane] == cluster as u64;
                let rest = if stays { n - w[lane] } else { n + w[lane] };
                let share = squared[lane] * (n / rest);
                leave[lane] = if stays && rest > 0.0 { share } else { leave[lane] };
                enter[lane] = if stays { enter[lane] } else { smaller(share, enter[lane]) };
            }
        }
        for lane in 0..LANES {
            if enter[lane] < leave[lane] && w[lane] > 0.0 {
                found.push((group * LANES + lane) as u32);
            }
        }
    }
    found
}

/// The nearest centroids of a chunk's points in `rows` (row-major, d each). Adds to `costs`, for each
/// centroid, by how much the SSE rises when its points go to the second nearest instead, and to `squares`,
/// for each centroid and feature, Σ w · (x - centroid)².
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
pub(super) fn swap_stats<const D: usize>(
    chunk: Chunk<'_>,
    rows: &[f64],
    costs: &mut [f64],
    squares: &mut [f64],
) -> Vec<[u32; LANES]> {
    let d = if D == 0 { chunk.low.len() } else { D };
    let mut found = Vec::with_capacity(chunk.w.len());
    for (columns, w) in chunk.x.chunks_exact(d).zip(chunk.w) {
        let (labels, first, second) = nearest_two(columns, rows, d);
        for lane in 0..LANES {
            let cluster = labels[lane] as usize;
            costs[cluster] += w[lane] * (second[lane] - first[lane]);
            let own = rows[cluster * d..][..d].iter().zip(&mut squares[cluster * d..][..d]);
            for (column, (centroid, square)) in columns.iter().zip(own) {
                *square += w[lane] * (column[lane] - centroid) * (column[lane] - centroid);
            }
        }
        found.push(labels);
    }
    found
}

/// Σ w · squared distance to the nearest centroid in `rows` over a chunk.
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
pub(super) fn errors<const D: usize>(chunk: Chunk<'_>, rows: &[f64]) -> f64 {
    let d = if D == 0 { chunk.low.len() } else { D };
    let mut sum = [0.0; LANES];
    for (columns, w) in chunk.x.chunks_exact(d).zip(chunk.w) {
        let squared = nearest(columns, rows, d).1;
        for lane in 0..LANES {
            sum[lane] += w[lane] * squared[lane];
        }
    }
    total(sum)
}

/// The nearest centroid of every point of a group, and its squared distance.
#[inline(always)]
fn nearest(columns: &[Lanes], rows: &[f64], d: usize) -> ([u32; LANES], Lanes) {
    let mut best = [f64::INFINITY; LANES];
    let mut labels = [0_u64; LANES];
    for (position, centroid) in rows.chunks_exact(d).enumerate() {
        let squared = squared_distances(columns, centroid);
        for lane in 0..LANES {
            let closer = squared[lane] < best[lane];
            best[lane] = if closer { squared[lane] } else { best[lane] };
            labels[lane] = if closer { position as u64 } else { labels[lane] };
        }
    }
    (labels.map(|label| label as u32), best)
}

/// For each of the clusters the sum of the weights and of w · (x - origin) over the points of a
/// chunk, d + 1 numbers in `sums`; `origins` has d numbers a cluster.
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
pub(super) fn sum<const D: usize>(
    chunk: Chunk<'_>,
    labels: &[[u32; LANES]],
    origins: &[f64],
    sums: &mut [f64],
) {
    let d = if D == 0 { chunk.low.len() } else { D };
    let rows = sums.chunks_exact_mut(d + 1).zip(origins.chunks_exact(d));
    if D > 0 && rows.len() <= MAX_MASKED_CLUSTERS {
        for (position, (sums, origin)) in rows.enumerate() {
            let mut weights = [0.0; LANES];
            let mut moments = [[0.0; LANES]; D];
            for ((columns, w), labels) in chunk.x.chunks_exact(d).zip(chunk.w).zip(labels) {
                let own: Lanes = std::array::from_fn(|lane| {
                    if labels[lane] == position as u32 { w[lane] } else { 0.0 }
                });
                for lane in 0..LANES {
                    weights[lane] += own[lane];
                }
                for j in 0..D {
                    for lane in 0..LANES {
                        moments[j][lane] += own[lane] * (columns[j][lane] - origin[j]);
                    }
                }
            }
            sums[0] = total(weights);
            for j in 0..D {
                sums[j + 1] = total(moments[j]);
            }
        }
        return;
    }
    sums.fill(0.0);
    for ((columns, w), labels) in chunk.x.chunks_exact(d).zip(chunk.w).zip(labels) {
        for lane in 0..LANES {
            let position = labels[lane] as usize;
            let sums = &mut sums[position * (d + 1)..][..d + 1];
            let origin = &origins[position * d..][..d];
            sums[0] += w[lane];
            for j in 0..d {
                sums[j + 1] += w[lane] * (columns[j][lane] - origin[j]);
            }
        }
    }
}
