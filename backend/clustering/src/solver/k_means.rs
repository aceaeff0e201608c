//! Weighted k-means: the search, and the result.

use ndarray::Array2;

use super::{
    blocks::Blocks,
    coreset::coreset,
    lloyd::{Limits, Lloyd, Solution},
    params::{KMeansInit, KMeansParams, KMeansValidParams},
    search::{LocalOptimum, SSE_TOLERANCE, search},
    swap::swap,
};
use crate::{error::ClusteringError, points::WeightedPoints};

/// The most solutions of a sample that are tried on all points.
const MAX_CONTENDERS: usize = 4;
/// How far, as a share, the SSE of such a solution on the sample may be above the best one's.
const CONTENDER_SSE_MARGIN: f64 = 0.01;
/// Iterations of each trial, before all but the best are dropped.
const TRIAL_ITERATIONS: u32 = 4;

/// The best clusters found.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    /// k x d.
    pub centroids: Array2<f64>,
    /// The cluster of every point, from 0: that of its nearest centroid, of equally near ones the
    /// first.
    pub labels: Vec<u32>,
    /// Sum of the weights of every cluster; above zero unless the limit of iterations or the
    /// tolerance ended the iterations early.
    pub cluster_weights: Vec<f64>,
    /// Σ weight · squared Euclidean distance to the nearest centroid.
    pub sse: f64,
    /// How often all points were assigned since the centroids were last chosen anew: by a start, as
    /// offspring, from a sample or by a swap.
    pub iterations: u32,
    /// Whether the iterations ended by themselves and not at their limit.
    pub converged: bool,
}

impl KMeans {
    /// Hyperparameters for `k` clusters.
    #[must_use]
    pub fn params(k: usize) -> KMeansParams {
        KMeansParams::new(k)
    }
}

impl KMeansValidParams {
    /// Clusters `points`. The same points, parameters and seed give the same bits on any number of
    /// threads; rayon's current pool does the work.
    ///
    /// # Errors
    /// [`ClusteringError::TooFewPoints`] when all weight lies on fewer than k distinct points,
    /// [`ClusteringError::InitialCentroids`] when given centroids have the wrong shape, and
    /// [`ClusteringError::NotFinite`] when they are not finite.
    pub fn fit_points(&self, points: &WeightedPoints) -> Result<KMeans, ClusteringError> {
        let blocks = Blocks::new(points);
        let limits = Limits { iterations: self.max_iterations, tolerance: self.tolerance };
        let run = match &self.init {
            KMeansInit::Precomputed(centroids) => {
                Lloyd::run(&blocks, self.given(centroids, points.d())?, limits)?
            }
            KMeansInit::PlusPlus => self.best(&blocks, limits)?,
        };
        let Solution { centroids, labels, weights, sse, iterations, converged } =
            run.finish(limits)?;
        let centroids =
            Array2::from_shape_fn((self.k, points.d()), |(c, j)| centroids[c * points.d() + j]);
        Ok(KMeans { centroids, labels, cluster_weights: weights, sse, iterations, converged })
    }

    fn given(&self, centroids: &Array2<f64>, d: usize) -> Result<Vec<f64>, ClusteringError> {
        let (rows, columns) = centroids.dim();
        if (rows, columns) != (self.k, d) {
            return Err(ClusteringError::InitialCentroids { rows, columns, k: self.k, d });
        }
        if let Some(((point, feature), _)) = centroids.indexed_iter().find(|(_, c)| !c.is_finite())
        {
            return Err(ClusteringError::NotFinite { point, feature });
        }
        Ok(centroids.iter().copied().collect())
    }

    /// Searches on a sample first where there are many points.
    fn best<'a>(&self, blocks: &'a Blocks, limits: Limits) -> Result<Lloyd<'a>, ClusteringError> {
        if let Some(sample) = coreset(blocks, self.k, self.seed) {
            let sample = Blocks::new(&sample);
            match search(&sample, self, limits) {
                Ok(found) => return self.fit_from_sample(blocks, &found, limits),
                // All points may be enough.
                Err(ClusteringError::TooFewPoints { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(search(blocks, self, limits)?.swap_remove(0).run)
    }

    /// Takes the best solutions of a sample to all points. What a sample does not show is whether two
    /// solutions that are nearly as good have the right order; a swap often leads to the better one.
    fn fit_from_sample<'a>(
        &self,
        blocks: &'a Blocks,
        found: &[LocalOptimum<'_>],
        limits: Limits,
    ) -> Result<Lloyd<'a>, ClusteringError> {
        let trial = Limits { iterations: limits.iterations.min(TRIAL_ITERATIONS), ..limits };
        let contends =
            |other: &&LocalOptimum<'_>| other.sse <= found[0].sse * (1.0 + CONTENDER_SSE_MARGIN);
        let mut best: Option<LocalOptimum<'_>> = None;
        for contender in found.iter().take_while(contends).take(MAX_CONTENDERS) {
            let run = Lloyd::run(blocks, contender.run.rows().to_vec(), trial)?;
            let sse = run.sse();
            if best.as_ref().is_none_or(|best| sse < best.sse) {
                best = Some(LocalOptimum { sse, run });
            }
        }
        let Some(LocalOptimum { mut run, .. }) = best else {
            return Err(ClusteringError::NoStarts);
        };
        run.resume(limits)?;
        if self.n_init > 1 && self.k > 1 {
            run = improve_by_swaps(blocks, run, limits);
        }
        run.refine(limits)?;
        Ok(run)
    }
}

/// Makes the most promising swap as long as it leads to something better.
fn improve_by_swaps<'a>(blocks: &'a Blocks, mut run: Lloyd<'a>, limits: Limits) -> Lloyd<'a> {
    let mut sse = run.sse();
    while let Ok(swapped) = Lloyd::run(blocks, swap(blocks, run.rows()), limits) {
        let now = swapped.sse();
        if now >= sse * (1.0 - SSE_TOLERANCE) {
            break;
        }
        (run, sse) = (swapped, now);
    }
    run
}
