//! Exact Lloyd iterations from given centroids to a fixed point of the assignment.
//!
//! S. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982.

use rayon::prelude::*;

use super::{
    blocks::Blocks,
    exchange::exchange,
    kernels::{self, Drift},
    part::{Part, Scratch, gather},
    reach::Centroids,
};
use crate::{
    error::ClusteringError,
    lanes::{LANES, for_dimension},
    points::squared_distance,
    sum::Sum,
};

/// From this k on, points that are not ordered are assigned by [`kernels::assign_moving`]. Measured
/// on 541,909 points of 8 features, as processor time beside that without bounds: 0.83 for k = 64,
/// 0.66 for k = 128, and nothing gained for k = 3, 8 and 16. Ordered points have no use for them:
/// their boxes leave few centroids to look at.
const BOUNDED_FROM: usize = 64;

/// Exchanges end when they lower the SSE by no more than this part of it.
const LEAST_GAIN: f64 = 1e-9;

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
    parts: Vec<Part>,
    /// For each cluster the sum of the weights and of w · (x - mean of all points).
    sums: Vec<f64>,
    /// Whether parts have gaps.
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
        let is_bounded = !blocks.is_ordered() && k >= BOUNDED_FROM;
        let unlabelled = |index| {
            let labels = vec![[u32::MAX; LANES]; blocks.chunk(index).w.len()];
            if is_bounded {
                let gaps = vec![0.0; labels.len()];
                Part { clusters: (0..k as u32).collect(), labels, gaps, ..Part::default() }
            } else {
                Part { labels, ..Part::default() }
            }
        };
        let mut state = Self {
            blocks,
            centroids: Centroids::new(d, centroids),
            parts: (0..blocks.chunks()).map(unlabelled).collect(),
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

    /// Iterates on, if a limit ended it before and `limits` are wider.
    ///
    /// # Errors
    /// [`ClusteringError::TooFewPoints`] when an empty cluster cannot be given a point.
    pub(super) fn go_on(&mut self, limits: Limits) -> Result<(), ClusteringError> {
        self.iterate(limits)
    }

    /// Goes on from a fixed point by exchanges of single points, each followed by iterations, until
    /// they gain no more than [`LEAST_GAIN`]. Returns the SSE.
    ///
    /// # Errors
    /// [`ClusteringError::TooFewPoints`] when an empty cluster cannot be given a point.
    pub(super) fn settle(&mut self, limits: Limits) -> Result<f64, ClusteringError> {
        let mut sse = self.sse();
        while self.converged && !self.is_changed() && self.iterations < limits.iterations {
            let before = self.centroids.rows().to_vec();
            let Some(exchanged) = exchange(self.blocks, &self.parts, &before, &self.sums) else {
                break;
            };
            self.iterate_from(&exchanged, limits)?;
            let gained = sse - self.sse();
            if gained <= 0.0 || !self.converged {
                // It was nothing but rounding, or would end where no fixed point is.
                self.go_back(&before);
                break;
            }
            sse -= gained;
            if gained <= LEAST_GAIN * sse {
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
        let error = |scratch: &mut Scratch, (index, part): (usize, &Part)| {
            let chunk = blocks.chunk(index);
            gather(centroids, &part.clusters, &mut scratch.rows);
            for_dimension!(blocks.d(), D => kernels::errors::<D>(chunk, &scratch.rows))
        };
        if blocks.is_shared() {
            let parts = self.parts.par_iter().enumerate();
            let errors: Vec<f64> = parts.map_init(Scratch::default, error).collect();
            errors.into_iter().collect::<Sum>().get()
        } else {
            let mut scratch = Scratch::default();
            let parts = self.parts.iter().enumerate();
            parts.map(|part| error(&mut scratch, part)).collect::<Sum>().get()
        }
    }

    /// Takes the rounding out of the centroids and iterates on, should that change a label.
    ///
    /// # Errors
    /// [`ClusteringError::TooFewPoints`] when an empty cluster cannot be given a point.
    pub(super) fn finish(mut self, limits: Limits) -> Result<Solution, ClusteringError> {
        while self.converged && !self.is_changed() {
            self.polish();
            self.assign();
            if !self.is_changed() {
                break;
            }
            self.iterate(limits)?;
        }
        let d = self.blocks.d();
        let mut labels = vec![0; self.blocks.n()];
        let found = self.parts.iter().flat_map(|part| {
            part.labels.as_flattened().iter().map(|label| part.clusters[*label as usize])
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

    /// Returns to the centroids of a fixed point.
    fn go_back(&mut self, rows: &[f64]) {
        self.centroids.update(|own| own.copy_from_slice(rows));
        self.assign();
        // Finds that nothing changes, which is how a fixed point is known.
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
            self.repair()?;
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
        self.parts.iter().any(|part| part.changed)
    }

    /// Gives every point to its nearest centroid and sums the points of every cluster.
    fn assign(&mut self) {
        let (blocks, centroids) = (self.blocks, &self.centroids);
        let each = self.drift();
        let drift = Drift::new(&each, blocks);
        let is_bounded = self.is_bounded;
        let work = |scratch: &mut Scratch, (index, part): (usize, &mut Part)| {
            let chunk = blocks.chunk(index);
            if is_bounded {
                part.assign_moving(chunk, blocks.mean(), centroids, drift, scratch);
            } else {
                part.assign(chunk, blocks.mean(), centroids, scratch);
            }
        };
        if blocks.is_shared() {
            self.parts.par_iter_mut().enumerate().for_each_init(Scratch::default, work);
        } else {
            let mut scratch = Scratch::default();
            self.parts.iter_mut().enumerate().for_each(|part| work(&mut scratch, part));
        }
        if self.is_bounded {
            self.assigned.clear();
            self.assigned.extend_from_slice(self.centroids.rows());
        }
        self.add_up();
    }

    /// How far every centroid moved since the last assignment; nothing when that is not needed.
    fn drift(&self) -> Vec<f64> {
        let d = self.blocks.d();
        let rows = self.centroids.rows().chunks_exact(d).zip(self.assigned.chunks_exact(d));
        rows.map(|(new, old)| squared_distance(new, old).sqrt()).collect()
    }

    /// Adds the sums of all parts, in their order.
    fn add_up(&mut self) {
        let d = self.blocks.d();
        self.sums.fill(0.0);
        for part in &self.parts {
            for (cluster, terms) in part.clusters.iter().zip(part.sums.chunks_exact(d + 1)) {
                let sums = &mut self.sums[*cluster as usize * (d + 1)..][..d + 1];
                for (sum, term) in sums.iter_mut().zip(terms) {
                    *sum += term;
                }
            }
        }
    }

    /// Gives each empty cluster the point that adds most to the SSE.
    fn repair(&mut self) -> Result<(), ClusteringError> {
        let d = self.blocks.d();
        let k = self.centroids.k();
        let run = self.blocks.run();
        while let Some(empty) = (0..k).find(|c| self.sums[c * (d + 1)] == 0.0) {
            let mut worst = (0.0, 0);
            for slot in 0..self.blocks.n() {
                let (at, group, lane) = (slot / run, slot % run / LANES, slot % LANES);
                let part = &self.parts[at];
                let centroid = self.centroids.row(part.clusters[part.labels[group][lane] as usize]);
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
            let chunk = self.blocks.chunk(slot / run);
            self.parts[slot / run].give(empty as u32, slot % run, chunk, self.blocks.mean());
            self.centroids.update(|rows| {
                for j in 0..d {
                    rows[empty * d + j] = self.blocks.value(slot, j);
                }
            });
            self.add_up();
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
    fn polish(&mut self) {
        let (blocks, centroids) = (self.blocks, &self.centroids);
        let d = blocks.d();
        let correct = |scratch: &mut Scratch, (index, part): (usize, &Part)| {
            gather(centroids, &part.clusters, &mut scratch.rows);
            let mut sums = vec![0.0; part.sums.len()];
            let (chunk, origins) = (blocks.chunk(index), &scratch.rows);
            for_dimension!(d, D => kernels::sum::<D>(chunk, &part.labels, origins, &mut sums));
            sums
        };
        let parts = self.parts.par_iter().enumerate();
        let terms: Vec<Vec<f64>> = parts.map_init(Scratch::default, correct).collect();

        let mut corrections = vec![Sum::default(); self.sums.len()];
        for (part, terms) in self.parts.iter().zip(&terms) {
            for (cluster, terms) in part.clusters.iter().zip(terms.chunks_exact(d + 1)) {
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
