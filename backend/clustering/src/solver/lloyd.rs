//! Exact Lloyd iterations from given centroids to a fixed point of the assignment.
//!
//! S. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982.

use rayon::prelude::*;
use tillstream_shared::squared_distance;

use super::{
    blocks::Blocks,
    chunk_state::{ChunkState, Scratch, gather},
    hartigan_wong::hartigan_wong,
    kernels::{self, Drift},
    pruning::Centroids,
};
use crate::{
    error::ClusteringError,
    lanes::{LANES, for_dimension},
    sum::Sum,
};

/// From this k on, points that are not ordered are assigned by [`kernels::assign_bounded`]. Measured
/// on 541,909 points of 8 features, as processor time beside that without bounds: 0.83 for k = 64,
/// 0.66 for k = 128, and nothing gained for k = 3, 8 and 16. Ordered points have no use for them:
/// their boxes leave few centroids to look at.
const MIN_K_BOUNDED: usize = 64;

/// Hartigan-Wong passes end when they lower the SSE by no more than this share of it.
const MIN_RELATIVE_GAIN: f64 = 1e-9;

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

/// One run from given centroids.
pub(super) struct Lloyd<'a> {
    blocks: &'a Blocks,
    centroids: Centroids,
    states: Vec<ChunkState>,
    /// For each cluster the sum of the weights and of w · (x - mean of all points).
    sums: Vec<f64>,
    /// Whether chunks keep lower bounds; see [`ChunkState::gaps`].
    is_bounded: bool,
    /// The centroids of the last assignment, row-major, if there are gaps; empty before the first.
    assigned: Vec<f64>,
    iterations: u32,
    converged: bool,
}

impl<'a> Lloyd<'a> {
    /// Iterates from `centroids` (row-major, k x d) until the labels stay or a limit is reached.
    ///
    /// # Errors
    /// [`ClusteringError::TooFewPoints`] when an empty cluster cannot be given a point.
    pub(super) fn run(
        blocks: &'a Blocks,
        centroids: Vec<f64>,
        limits: Limits,
    ) -> Result<Self, ClusteringError> {
        let (d, k) = (blocks.d(), centroids.len() / blocks.d());
        let is_bounded = !blocks.is_ordered() && k >= MIN_K_BOUNDED;
        let unlabelled = |index| {
            let labels = vec![[u32::MAX; LANES]; blocks.chunk(index).w.len()];
            if is_bounded {
                let gaps = vec![0.0; labels.len()];
                ChunkState {
                    clusters: (0..k as u32).collect(),
                    labels,
                    gaps,
                    ..ChunkState::default()
                }
            } else {
                ChunkState { labels, ..ChunkState::default() }
            }
        };
        let mut state = Self {
            blocks,
            centroids: Centroids::new(d, centroids),
            states: (0..blocks.chunks()).map(unlabelled).collect(),
            sums: vec![0.0; k * (d + 1)],
            is_bounded,
            assigned: Vec::new(),
            iterations: 1,
            converged: false,
        };
        state.assign();
        state.iterate(limits)?;
        Ok(state)
    }

    /// Continues, if a limit ended the iterations before and `limits` are wider.
    ///
    /// # Errors
    /// [`ClusteringError::TooFewPoints`] when an empty cluster cannot be given a point.
    pub(super) fn resume(&mut self, limits: Limits) -> Result<(), ClusteringError> {
        self.iterate(limits)
    }

    /// Continues from a fixed point by Hartigan-Wong passes, each followed by iterations, until they
    /// gain no more than [`MIN_RELATIVE_GAIN`]. Returns the SSE.
    ///
    /// # Errors
    /// [`ClusteringError::TooFewPoints`] when an empty cluster cannot be given a point.
    pub(super) fn refine(&mut self, limits: Limits) -> Result<f64, ClusteringError> {
        let mut sse = self.sse();
        while self.converged && !self.is_changed() && self.iterations < limits.iterations {
            let before = self.centroids.rows().to_vec();
            let Some(improved) = hartigan_wong(self.blocks, &self.states, &before, &self.sums)
            else {
                break;
            };
            self.iterate_from(&improved, limits)?;
            let gained = sse - self.sse();
            if gained <= 0.0 || !self.converged {
                // Only rounding, or the limit was reached before a fixed point.
                self.restore(&before);
                break;
            }
            sse -= gained;
            if gained <= MIN_RELATIVE_GAIN * sse {
                break;
            }
        }
        Ok(sse)
    }

    /// The centroids, row-major, k x d.
    pub(super) fn rows(&self) -> &[f64] {
        self.centroids.rows()
    }

    /// Σ w · squared distance to the nearest centroid.
    pub(super) fn sse(&self) -> f64 {
        let (blocks, centroids) = (self.blocks, &self.centroids);
        let error = |scratch: &mut Scratch, (index, state): (usize, &ChunkState)| {
            let chunk = blocks.chunk(index);
            gather(centroids, &state.clusters, &mut scratch.rows);
            for_dimension!(blocks.d(), D => kernels::errors::<D>(chunk, &scratch.rows))
        };
        if blocks.is_shared() {
            let states = self.states.par_iter().enumerate();
            let errors: Vec<f64> = states.map_init(Scratch::default, error).collect();
            errors.into_iter().collect::<Sum>().get()
        } else {
            let mut scratch = Scratch::default();
            let states = self.states.iter().enumerate();
            states.map(|state| error(&mut scratch, state)).collect::<Sum>().get()
        }
    }

    /// Takes the rounding error out of the centroids, and iterates again if that changes a label.
    ///
    /// # Errors
    /// [`ClusteringError::TooFewPoints`] when an empty cluster cannot be given a point.
    pub(super) fn finish(mut self, limits: Limits) -> Result<Solution, ClusteringError> {
        while self.converged && !self.is_changed() {
            self.recompute_means();
            self.assign();
            if !self.is_changed() {
                break;
            }
            self.iterate(limits)?;
        }
        let d = self.blocks.d();
        let mut labels = vec![0; self.blocks.n()];
        let found = self.states.iter().flat_map(|state| {
            state.labels.as_flattened().iter().map(|label| state.clusters[*label as usize])
        });
        for (index, label) in self.blocks.order().iter().zip(found) {
            labels[*index] = label;
        }
        Ok(Solution {
            sse: self.sse(),
            labels,
            weights: self.sums.iter().step_by(d + 1).copied().collect(),
            centroids: self.centroids.into_rows(),
            iterations: self.iterations,
            converged: self.converged,
        })
    }

    fn iterate_from(&mut self, rows: &[f64], limits: Limits) -> Result<(), ClusteringError> {
        self.centroids.update(|own| own.copy_from_slice(rows));
        self.assign();
        self.iterations += 1;
        self.iterate(limits)
    }

    /// Restores the centroids of a fixed point.
    fn restore(&mut self, rows: &[f64]) {
        self.centroids.update(|own| own.copy_from_slice(rows));
        self.assign();
        // A second pass that changes nothing marks the fixed point.
        self.assign();
        self.converged = true;
    }

    fn iterate(&mut self, limits: Limits) -> Result<(), ClusteringError> {
        self.converged = true;
        while self.is_changed() {
            if self.iterations >= limits.iterations {
                self.converged = false;
                break;
            }
            self.fill_empty_clusters()?;
            let moved = self.update();
            self.assign();
            self.iterations += 1;
            if moved <= limits.tolerance && limits.tolerance > 0.0 {
                break;
            }
        }
        Ok(())
    }

    fn is_changed(&self) -> bool {
        self.states.iter().any(|state| state.changed)
    }

    /// Gives every point to its nearest centroid and sums the points of every cluster.
    fn assign(&mut self) {
        let (blocks, centroids) = (self.blocks, &self.centroids);
        let each = self.drift();
        let drift = Drift::new(&each, blocks);
        let is_bounded = self.is_bounded;
        let work = |scratch: &mut Scratch, (index, state): (usize, &mut ChunkState)| {
            let chunk = blocks.chunk(index);
            if is_bounded {
                state.assign_bounded(chunk, blocks.mean(), centroids, drift, scratch);
            } else {
                state.assign(chunk, blocks.mean(), centroids, scratch);
            }
        };
        if blocks.is_shared() {
            self.states.par_iter_mut().enumerate().for_each_init(Scratch::default, work);
        } else {
            let mut scratch = Scratch::default();
            self.states.iter_mut().enumerate().for_each(|state| work(&mut scratch, state));
        }
        if self.is_bounded {
            self.assigned.clear();
            self.assigned.extend_from_slice(self.centroids.rows());
        }
        self.sum_chunks();
    }

    /// How far every centroid moved since the last assignment; nothing when that is not needed.
    fn drift(&self) -> Vec<f64> {
        let d = self.blocks.d();
        let rows = self.centroids.rows().chunks_exact(d).zip(self.assigned.chunks_exact(d));
        rows.map(|(new, old)| squared_distance(new, old).sqrt()).collect()
    }

    /// Adds the sums of all chunks, in their order.
    fn sum_chunks(&mut self) {
        let d = self.blocks.d();
        self.sums.fill(0.0);
        for state in &self.states {
            for (cluster, terms) in state.clusters.iter().zip(state.sums.chunks_exact(d + 1)) {
                let sums = &mut self.sums[*cluster as usize * (d + 1)..][..d + 1];
                for (sum, term) in sums.iter_mut().zip(terms) {
                    *sum += term;
                }
            }
        }
    }

    /// Gives each empty cluster the point that adds most to the SSE.
    fn fill_empty_clusters(&mut self) -> Result<(), ClusteringError> {
        let d = self.blocks.d();
        let k = self.centroids.k();
        let chunk_len = self.blocks.chunk_len();
        while let Some(empty) = (0..k).find(|c| self.sums[c * (d + 1)] == 0.0) {
            let mut worst = (0.0, 0);
            for slot in 0..self.blocks.n() {
                let (at, group, lane) = (slot / chunk_len, slot % chunk_len / LANES, slot % LANES);
                let state = &self.states[at];
                let centroid =
                    self.centroids.row(state.clusters[state.labels[group][lane] as usize]);
                let squared = centroid.iter().enumerate().fold(0.0, |sum, (j, c)| {
                    let t = self.blocks.value(slot, j) - c;
                    sum + t * t
                });
                let share = self.blocks.chunk(at).w[group][lane] * squared;
                if share > worst.0 {
                    worst = (share, slot);
                }
            }
            if worst.0 == 0.0 {
                let distinct = (0..k).filter(|c| self.sums[c * (d + 1)] > 0.0).count();
                return Err(ClusteringError::TooFewPoints { distinct, k });
            }
            let slot = worst.1;
            let chunk = self.blocks.chunk(slot / chunk_len);
            self.states[slot / chunk_len].reassign(
                empty as u32,
                slot % chunk_len,
                chunk,
                self.blocks.mean(),
            );
            self.centroids.update(|rows| {
                for j in 0..d {
                    rows[empty * d + j] = self.blocks.value(slot, j);
                }
            });
            self.sum_chunks();
        }
        Ok(())
    }

    /// Moves every centroid to the mean of its points; returns how far they moved.
    fn update(&mut self) -> f64 {
        let mean = self.blocks.mean();
        let d = mean.len();
        let mut moved = 0.0;
        self.centroids.update(|rows| {
            for (centroid, sums) in rows.chunks_exact_mut(d).zip(self.sums.chunks_exact(d + 1)) {
                for j in 0..d {
                    let new = mean[j] + sums[j + 1] / sums[0];
                    moved += (new - centroid[j]) * (new - centroid[j]);
                    centroid[j] = new;
                }
            }
        });
        moved.sqrt()
    }

    /// Corrects the rounding of the means by a second pass relative to themselves, so that the
    /// centroid of equal points is that point.
    fn recompute_means(&mut self) {
        let (blocks, centroids) = (self.blocks, &self.centroids);
        let d = blocks.d();
        let correct = |scratch: &mut Scratch, (index, state): (usize, &ChunkState)| {
            gather(centroids, &state.clusters, &mut scratch.rows);
            let mut sums = vec![0.0; state.sums.len()];
            let (chunk, origins) = (blocks.chunk(index), &scratch.rows);
            for_dimension!(d, D => kernels::sum::<D>(chunk, &state.labels, origins, &mut sums));
            sums
        };
        let states = self.states.par_iter().enumerate();
        let terms: Vec<Vec<f64>> = states.map_init(Scratch::default, correct).collect();

        let mut corrections = vec![Sum::default(); self.sums.len()];
        for (state, terms) in self.states.iter().zip(&terms) {
            for (cluster, terms) in state.clusters.iter().zip(terms.chunks_exact(d + 1)) {
                let sums = &mut corrections[*cluster as usize * (d + 1)..][..d + 1];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| sum.add(*term));
            }
        }
        self.centroids.update(|rows| {
            for (row, sums) in rows.chunks_exact_mut(d).zip(corrections.chunks_exact(d + 1)) {
                for (value, sum) in row.iter_mut().zip(&sums[1..]) {
                    *value += sum.get() / sums[0].get();
                }
            }
        });
    }
}
