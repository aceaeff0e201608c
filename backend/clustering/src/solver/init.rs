//! k-means++ over weighted points.
//!
//! D. Arthur, S. Vassilvitskii, "k-means++: The Advantages of Careful Seeding", SODA 2007: the first
//! centroid is a point drawn in proportion to its weight, each next one a point drawn in proportion
//! to its weight times its squared distance to the nearest centroid so far. The greedy variant, which
//! the authors' own experiments used, draws several candidates and keeps the one that leaves the
//! smallest SSE.

use multiversion::multiversion;
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::RngCore};
use rayon::prelude::*;

use super::blocks::{Blocks, Chunk};
use crate::{
    error::ClusteringError,
    lanes::{LANES, Lanes, for_dimension, larger, smaller, squared_distances, total},
};

/// The state of each chunk between two centroids.
struct Seeding {
    /// Squared distance of every point to the nearest centroid so far; 1 before the first, which
    /// makes its draw one in proportion to the weights.
    nearest: Vec<Lanes>,
    /// The largest of `nearest`; infinite before the first centroid.
    farthest: f64,
    /// Σ w · nearest.
    potential: f64,
    /// For each candidate, what `potential` would become.
    candidates: Vec<f64>,
}

/// k centroids (row-major, k x d): those `given`, fewer than k, and for each of the others the best of
/// `n_candidates` points of `blocks` that are drawn.
///
/// # Errors
/// [`ClusteringError::TooFewPoints`] when all weight lies on fewer than k distinct points.
pub(super) fn plus_plus(
    blocks: &Blocks,
    k: usize,
    given: &[f64],
    n_candidates: usize,
    rng: &mut Xoshiro256PlusPlus,
) -> Result<Vec<f64>, ClusteringError> {
    let d = blocks.d();
    let mut chunks: Vec<Seeding> = (0..blocks.chunks())
        .map(|index| {
            let w = blocks.chunk(index).w;
            Seeding {
                nearest: vec![[1.0; LANES]; w.len()],
                farthest: f64::INFINITY,
                potential: w.iter().map(|lanes| total(*lanes)).sum(),
                candidates: Vec::with_capacity(n_candidates),
            }
        })
        .collect();

    let mut given = given.chunks_exact(d);
    let mut centroids = Vec::with_capacity(k * d);
    let mut candidates = Vec::with_capacity(n_candidates * d);
    for chosen in 0..k {
        let potential: f64 = chunks.iter().map(|chunk| chunk.potential).sum();
        if potential == 0.0 {
            return Err(ClusteringError::TooFewPoints { distinct: chosen, k });
        }
        candidates.clear();
        if let Some(row) = given.next() {
            candidates.extend_from_slice(row);
        } else {
            for _ in 0..if chosen == 0 { 1 } else { n_candidates } {
                let slot = draw(blocks, &chunks, unit(rng) * potential);
                candidates.extend((0..d).map(|j| blocks.value(slot, j)));
            }
        }
        let best = best_candidate(blocks, &mut chunks, &candidates);
        let centroid = &candidates[best * d..][..d];
        each(blocks, &mut chunks, |chunk, seeding| {
            if is_near(chunk, centroid, seeding) {
                for_dimension!(d, D => add_centroid::<D>(chunk, centroid, chosen == 0, seeding));
            }
        });
        centroids.extend_from_slice(centroid);
    }
    Ok(centroids)
}

/// Runs `work` on every chunk.
fn each(blocks: &Blocks, chunks: &mut [Seeding], work: impl Fn(Chunk<'_>, &mut Seeding) + Sync) {
    let work = |(index, seeding): (usize, &mut Seeding)| work(blocks.chunk(index), seeding);
    if blocks.is_shared() {
        chunks.par_iter_mut().enumerate().for_each(work);
    } else {
        chunks.iter_mut().enumerate().for_each(work);
    }
}

/// A number from 0 (included) to 1 (excluded) on a grid of 2^-53.
pub(super) fn unit(rng: &mut impl RngCore) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Draws a point in proportion to weight times squared distance, `rest` being a random part of the
/// sum of that; never one where it is zero.
fn draw(blocks: &Blocks, chunks: &[Seeding], mut rest: f64) -> usize {
    let mut at = 0;
    for (index, chunk) in chunks.iter().enumerate().filter(|(_, chunk)| chunk.potential > 0.0) {
        at = index;
        if rest < chunk.potential {
            break;
        }
        rest -= chunk.potential;
    }
    let groups = blocks.chunk(at).w.iter().zip(&chunks[at].nearest);
    let mut slot = 0;
    for (index, (w, nearest)) in groups.flat_map(|(w, nearest)| w.iter().zip(nearest)).enumerate() {
        let share = w * nearest;
        if share > 0.0 {
            slot = index;
            if rest < share {
                break;
            }
            rest -= share;
        }
    }
    at * blocks.chunk_len() + slot
}

/// The candidate that leaves the smallest potential; the first of equally good ones.
fn best_candidate(blocks: &Blocks, chunks: &mut [Seeding], candidates: &[f64]) -> usize {
    let d = blocks.d();
    if candidates.len() == d {
        return 0;
    }
    each(blocks, chunks, |chunk, seeding| {
        seeding.candidates.clear();
        for candidate in candidates.chunks_exact(d) {
            let potential = if is_near(chunk, candidate, seeding) {
                for_dimension!(d, D => potential::<D>(chunk, candidate, &seeding.nearest))
            } else {
                seeding.potential
            };
            seeding.candidates.push(potential);
        }
    });
    let mut best = (0, f64::INFINITY);
    for index in 0..candidates.len() / d {
        let potential: f64 = chunks.iter().map(|chunk| chunk.candidates[index]).sum();
        if potential < best.1 {
            best = (index, potential);
        }
    }
    best.0
}

/// Tells whether `centroid` may be nearer to a point of the chunk than the centroids so far. To the
/// box around the chunk it is at most as far as to any of its points, also as computed: every
/// step is the same, and rounding keeps the order of what it rounds.
fn is_near(chunk: Chunk<'_>, centroid: &[f64], seeding: &Seeding) -> bool {
    let mut squared = 0.0;
    for ((low, high), c) in chunk.low.iter().zip(chunk.high).zip(centroid) {
        let t = if c < low {
            low - c
        } else if c > high {
            c - high
        } else {
            0.0
        };
        squared += t * t;
    }
    squared < seeding.farthest
}

/// Σ w · min(nearest, squared distance to `candidate`) over a chunk.
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
fn potential<const D: usize>(chunk: Chunk<'_>, candidate: &[f64], nearest: &[Lanes]) -> f64 {
    let d = if D == 0 { candidate.len() } else { D };
    let candidate = &candidate[..d];
    let mut sum = [0.0; LANES];
    for ((columns, w), nearest) in chunk.x.chunks_exact(d).zip(chunk.w).zip(nearest) {
        let squared = squared_distances(columns, candidate);
        for lane in 0..LANES {
            sum[lane] += w[lane] * smaller(squared[lane], nearest[lane]);
        }
    }
    total(sum)
}

/// Makes `centroid` one of the chosen.
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
fn add_centroid<const D: usize>(
    chunk: Chunk<'_>,
    centroid: &[f64],
    first: bool,
    seeding: &mut Seeding,
) {
    let d = if D == 0 { centroid.len() } else { D };
    let centroid = &centroid[..d];
    let mut sum = [0.0; LANES];
    let mut farthest = [0.0; LANES];
    for ((columns, w), nearest) in chunk.x.chunks_exact(d).zip(chunk.w).zip(&mut seeding.nearest) {
        let squared = squared_distances(columns, centroid);
        for lane in 0..LANES {
            nearest[lane] =
                if first { squared[lane] } else { smaller(squared[lane], nearest[lane]) };
            sum[lane] += w[lane] * nearest[lane];
            farthest[lane] = larger(nearest[lane], farthest[lane]);
        }
    }
    seeding.farthest = farthest.into_iter().fold(0.0, f64::max);
    seeding.potential = total(sum);
}
