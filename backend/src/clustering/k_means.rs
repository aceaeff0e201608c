//! k-means with restarts.

use ndarray::Array2;
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
use rayon::prelude::*;

use super::{
    ClusteringError, KMeansInit, KMeansValidParams, WeightedPoints,
    blocks::Blocks,
    init::plus_plus,
    lloyd::{Limits, Lloyd, Solution},
};

/// Greed finds good starts, but for few clusters much the same ones: below this k every other restart
/// does without. From here on a start that is not greedy hardly ever wins.
const GREEDY_FROM: usize = 8;

/// The best of several restarts of weighted k-means.
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
    /// How often the kept restart assigned all points.
    pub iterations: u32,
    /// Whether the kept restart ended by itself and not at the limit of iterations.
    pub converged: bool,
    /// The restart that was kept, from 0.
    pub restart: u32,
}

impl KMeansValidParams {
    /// Clusters `points`. The same points, parameters and seed give the same bits on any number of
    /// threads; rayon's current pool does the work.
    ///
    /// # Errors
    /// [`ClusteringError::TooFewPoints`] when all weight lies on fewer than k distinct points,
    /// [`ClusteringError::InitialCentroids`] when given centroids have the wrong shape, and
    /// [`ClusteringError::NotFinite`] when they are no numbers.
    pub fn fit_points(&self, points: &WeightedPoints) -> Result<KMeans, ClusteringError> {
        let blocks = Blocks::new(points);
        let limits = Limits { iterations: self.max_iterations, tolerance: self.tolerance };
        let (run, restart) = match &self.init {
            KMeansInit::Precomputed(centroids) => {
                (Lloyd::run(&blocks, self.given(centroids, points.d())?, limits)?, 0)
            }
            KMeansInit::PlusPlus => self.best(&blocks, limits)?,
        };
        let Solution { centroids, labels, weights, sse, iterations, converged } =
            run.finish(limits)?;
        let centroids =
            Array2::from_shape_fn((self.k, points.d()), |(c, j)| centroids[c * points.d() + j]);
        let cluster_weights = weights;
        Ok(KMeans { centroids, labels, cluster_weights, sse, iterations, converged, restart })
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

    /// Runs all restarts, each with a stretch of the seed's random numbers that no other uses, and
    /// keeps the smallest SSE, of equal ones the first.
    fn best<'a>(
        &self,
        blocks: &'a Blocks,
        limits: Limits,
    ) -> Result<(Lloyd<'a>, u32), ClusteringError> {
        let mut stream = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let streams: Vec<_> = (0..self.restarts)
            .map(|restart| {
                let own = stream.clone();
                stream.jump();
                (own, restart)
            })
            .collect();
        let run = |(mut rng, restart): (Xoshiro256PlusPlus, u32)| {
            let greedy = self.k >= GREEDY_FROM || restart % 2 == 0;
            let tries = if greedy { 2 + (2.0 * (self.k as f64).ln()) as usize } else { 1 };
            let centroids = plus_plus(blocks, self.k, tries, &mut rng)?;
            let run = Lloyd::run(blocks, centroids, limits)?;
            Ok((run.sse(), run, restart))
        };
        let better = |a: Run<'a>, b: Run<'a>| Ok(if b.0 < a.0 { b } else { a });
        // `better` is associative and keeps the order of its arguments, so that the way in which
        // rayon splits the restarts does not matter.
        let best = if blocks.is_shared() {
            streams.into_iter().map(run).reduce(|a, b| better(a?, b?))
        } else {
            streams.into_par_iter().with_max_len(1).map(run).try_reduce_with(better)
        };
        let (_, run, restart) = best.unwrap_or(Err(ClusteringError::NoRestarts))?;
        Ok((run, restart))
    }
}

/// SSE, state and number of a restart.
type Run<'a> = (f64, Lloyd<'a>, u32);
