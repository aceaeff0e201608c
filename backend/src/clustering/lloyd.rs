//! Exact Lloyd iterations from given centroids to a fixed point of the assignment.
//!
//! S. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982.

use rayon::prelude::*;

use super::{
    ClusteringError,
    blocks::{Blocks, CHUNK, Chunk, LANES, Lanes, for_dimension, squared_distances},
    sum::Sum,
};

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The most assignments of all points.
    pub(super) iterations: u32,
    /// Movement of the centroids, as Euclidean distance over all of them, at which to stop.
    pub(super) tolerance: f64,
}

/// Where the iterations ended.
#[derive(Debug)]
pub(super) struct Solution {
    /// Row-major, k x d.
    pub(super) centroids: Vec<f64>,
    /// Cluster of every point from 0, nearest to `centroids`.
    pub(super) labels: Vec<u32>,
    /// Sum of the weights of every cluster.
    pub(super) weights: Vec<f64>,
    pub(super) sse: f64,
    pub(super) iterations: u32,
    pub(super) converged: bool,
}

/// The part of the state that belongs to one chunk.
struct Part {
    /// Cluster of every point.
    labels: Vec<[u32; LANES]>,
    /// For each cluster the sum of the weights and of w · (x - origin).
    sums: Vec<f64>,
    /// The labels are not those that `sums` were made from.
    changed: bool,
}

struct Lloyd<'a> {
    blocks: &'a Blocks,
    k: usize,
    centroids: Vec<f64>,
    parts: Vec<Part>,
    /// As [`Part::sums`], over all chunks.
    sums: Vec<f64>,
}

/// Iterates from `centroids` (row-major, k x d).
///
/// # Errors
/// [`ClusteringError::TooFewPoints`] when an empty cluster cannot be given a point.
pub(super) fn lloyd(
    blocks: &Blocks,
    centroids: Vec<f64>,
    limits: Limits,
) -> Result<Solution, ClusteringError> {
    let (d, k) = (blocks.d(), centroids.len() / blocks.d());
    let parts = (0..blocks.chunks())
        .map(|index| Part {
            labels: vec![[u32::MAX; LANES]; blocks.chunk(index).w.len()],
            sums: vec![0.0; k * (d + 1)],
            changed: false,
        })
        .collect();
    let mut state = Lloyd { blocks, k, centroids, parts, sums: vec![0.0; k * (d + 1)] };

    state.assign();
    let mut iterations = 1;
    let mut polished = false;
    let converged = loop {
        if state.parts.iter().any(|part| part.changed) {
            if iterations == limits.iterations {
                break false;
            }
            state.sum();
            state.repair()?;
            let moved = state.update();
            state.assign();
            iterations += 1;
            polished = false;
            if moved <= limits.tolerance && limits.tolerance > 0.0 {
                break true;
            }
        } else if polished {
            break true;
        } else {
            state.polish();
            state.assign();
            polished = true;
        }
    };
    Ok(state.finish(iterations, converged))
}

impl Lloyd<'_> {
    fn each(&mut self, work: impl Fn(&[f64], Chunk<'_>, &mut Part) + Sync) {
        let (blocks, centroids) = (self.blocks, &self.centroids);
        let work = |(index, part): (usize, &mut Part)| work(centroids, blocks.chunk(index), part);
        if blocks.is_shared() {
            self.parts.par_iter_mut().enumerate().for_each(work);
        } else {
            self.parts.iter_mut().enumerate().for_each(work);
        }
    }

    /// Gives every point to its nearest centroid.
    fn assign(&mut self) {
        let d = self.blocks.d();
        self.each(|centroids, chunk, part| {
            for_dimension!(d, D => assign::<D>(d, chunk, centroids, part));
        });
    }

    /// Sums the points of every cluster. A chunk whose labels stayed keeps its sums, which
    /// would come out the same to the bit.
    fn sum(&mut self) {
        let d = self.blocks.d();
        let mean = self.blocks.mean();
        self.each(|_, chunk, part| {
            if part.changed {
                part.changed = false;
                for_dimension!(d, D => sum::<D>(chunk, mean, part));
            }
        });
        self.sums.fill(0.0);
        for part in &self.parts {
            for (sum, term) in self.sums.iter_mut().zip(&part.sums) {
                *sum += term;
            }
        }
    }

    /// Gives each empty cluster the point that adds most to the SSE.
    fn repair(&mut self) -> Result<(), ClusteringError> {
        let d = self.blocks.d();
        while let Some(empty) = (0..self.k).find(|c| self.sums[c * (d + 1)] == 0.0) {
            let mut worst = (0.0, 0);
            for slot in 0..self.blocks.n() {
                let (part, group, lane) = (slot / CHUNK, slot % CHUNK / LANES, slot % LANES);
                let label = self.parts[part].labels[group][lane] as usize;
                let centroid = &self.centroids[label * d..][..d];
                let squared = centroid.iter().enumerate().fold(0.0, |sum, (j, c)| {
                    let t = self.blocks.value(slot, j) - c;
                    sum + t * t
                });
                let share = self.blocks.chunk(part).w[group][lane] * squared;
                if share > worst.0 {
                    worst = (share, slot);
                }
            }
            if worst.0 == 0.0 {
                let distinct = (0..self.k).filter(|c| self.sums[c * (d + 1)] > 0.0).count();
                return Err(ClusteringError::TooFewPoints { distinct, k: self.k });
            }
            let slot = worst.1;
            let part = &mut self.parts[slot / CHUNK];
            part.labels[slot % CHUNK / LANES][slot % LANES] = empty as u32;
            part.changed = true;
            for j in 0..d {
                self.centroids[empty * d + j] = self.blocks.value(slot, j);
            }
            self.sum();
        }
        Ok(())
    }

    /// Moves every centroid to the mean of its points; returns how far they moved.
    fn update(&mut self) -> f64 {
        let mean = self.blocks.mean();
        let d = mean.len();
        let mut moved = 0.0;
        for (centroid, sums) in
            self.centroids.chunks_exact_mut(d).zip(self.sums.chunks_exact(d + 1))
        {
            for j in 0..d {
                let new = mean[j] + sums[j + 1] / sums[0];
                moved += (new - centroid[j]) * (new - centroid[j]);
                centroid[j] = new;
            }
        }
        moved.sqrt()
    }

    /// Corrects the rounding of the means by a second pass relative to themselves, so that the
    /// centroid of equal points is that point.
    fn polish(&mut self) {
        let d = self.blocks.d();
        let k = self.k;
        let mut corrections = vec![Sum::default(); k * d];
        for (index, part) in self.parts.iter().enumerate() {
            let chunk = self.blocks.chunk(index);
            for ((columns, w), labels) in chunk.x.chunks_exact(d).zip(chunk.w).zip(&part.labels) {
                for lane in 0..LANES {
                    let at = labels[lane] as usize * d;
                    for (j, column) in columns.iter().enumerate() {
                        corrections[at + j].add(w[lane] * (column[lane] - self.centroids[at + j]));
                    }
                }
            }
        }
        for (c, centroid) in self.centroids.chunks_exact_mut(d).enumerate() {
            for (j, value) in centroid.iter_mut().enumerate() {
                *value += corrections[c * d + j].get() / self.sums[c * (d + 1)];
            }
        }
    }

    fn finish(mut self, iterations: u32, converged: bool) -> Solution {
        let d = self.blocks.d();
        self.sum();
        let mut sse = Sum::default();
        let mut labels = Vec::with_capacity(self.blocks.n() + LANES);
        for (index, part) in self.parts.iter().enumerate() {
            let chunk = self.blocks.chunk(index);
            for ((columns, w), group) in chunk.x.chunks_exact(d).zip(chunk.w).zip(&part.labels) {
                labels.extend_from_slice(group);
                for lane in 0..LANES {
                    let centroid = &self.centroids[group[lane] as usize * d..][..d];
                    let squared = columns.iter().zip(centroid).fold(0.0, |sum, (column, c)| {
                        sum + (column[lane] - c) * (column[lane] - c)
                    });
                    sse.add(w[lane] * squared);
                }
            }
        }
        labels.truncate(self.blocks.n());
        let weights = self.sums.iter().step_by(d + 1).copied().collect();
        Solution {
            centroids: self.centroids,
            labels,
            weights,
            sse: sse.get(),
            iterations,
            converged,
        }
    }
}

#[inline(always)]
fn assign<const D: usize>(d: usize, chunk: Chunk<'_>, centroids: &[f64], part: &mut Part) {
    let d = if D == 0 { d } else { D };
    let mut changed = false;
    for (columns, labels) in chunk.x.chunks_exact(d).zip(&mut part.labels) {
        let nearest = nearest(columns, centroids, d);
        changed |= nearest != *labels;
        *labels = nearest;
    }
    part.changed |= changed;
}

/// The nearest centroid of every point of a group; of equally near ones the first.
#[inline(always)]
fn nearest(columns: &[Lanes], centroids: &[f64], d: usize) -> [u32; LANES] {
    let mut best = [f64::INFINITY; LANES];
    let mut labels = [0_u64; LANES];
    for (c, centroid) in centroids.chunks_exact(d).enumerate() {
        let squared = squared_distances(columns, centroid);
        for lane in 0..LANES {
            let closer = squared[lane] < best[lane];
            best[lane] = if closer { squared[lane] } else { best[lane] };
            labels[lane] = if closer { c as u64 } else { labels[lane] };
        }
    }
    labels.map(|label| label as u32)
}

#[inline(always)]
fn sum<const D: usize>(chunk: Chunk<'_>, mean: &[f64], part: &mut Part) {
    let d = if D == 0 { mean.len() } else { D };
    let mean = &mean[..d];
    part.sums.fill(0.0);
    for ((columns, w), labels) in chunk.x.chunks_exact(d).zip(chunk.w).zip(&part.labels) {
        for lane in 0..LANES {
            let sums = &mut part.sums[labels[lane] as usize * (d + 1)..][..d + 1];
            sums[0] += w[lane];
            for j in 0..d {
                sums[j + 1] += w[lane] * (columns[j][lane] - mean[j]);
            }
        }
    }
}
