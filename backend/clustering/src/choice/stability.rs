//! Whether other samples give the same clusters.
//!
//! Y. Fang, J. Wang, "Selection of the number of clusters via the bootstrap method", Computational
//! Statistics & Data Analysis 56, 2012: clusterings of bootstrap samples are extended to the original
//! points, by their nearest centroids, and compared there. Here each is compared with the clustering of
//! all points, as in C. Hennig, "Cluster-wise assessment of cluster stability", the same journal 52,
//! 2007, by the adjusted Rand index.

use linfa::ParamGuard;
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};
use rayon::prelude::*;
use tillstream_shared::nearest_centroid;

use crate::{
    error::ClusteringError, metrics::adjusted_rand_index, points::WeightedPoints,
    solver::KMeansParams, sum::sum,
};

/// Number of bootstrap samples.
const N_SAMPLES: u32 = 20;
/// The most observations in a sample. With far more any clustering would come out again, and every k
/// would look stable; and small samples are quickly clustered.
const MAX_OBSERVATIONS: u64 = 2_000;
/// Starts on a sample; where two disagree, their offspring follow.
const N_INIT: u32 = 2;

/// Bootstrap samples of weighted points, each drawn observation by observation with replacement.
pub(super) struct BootstrapSamples {
    samples: Vec<WeightedPoints>,
    seed: u64,
}

impl BootstrapSamples {
    /// Draws them; of fewer observations than the limit as many as there are.
    pub(super) fn draw(points: &WeightedPoints, seed: u64) -> Self {
        let mut passed = 0.0;
        let ends: Vec<f64> = points
            .weights()
            .iter()
            .map(|weight| {
                passed += weight;
                passed
            })
            .collect();
        let size = (points.total_weight().ceil() as u64).min(MAX_OBSERVATIONS);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let samples = (0..N_SAMPLES)
            .map(|_| {
                let mut counts = vec![0.0; points.n()];
                for _ in 0..size {
                    let unit = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                    let at = ends.partition_point(|end| *end <= unit * passed);
                    counts[at.min(points.n() - 1)] += 1.0;
                }
                points.reweighted(counts)
            })
            .collect();
        Self { samples, seed }
    }

    /// Mean adjusted Rand index between the clustering `labels` of `points` and those that the samples
    /// lead to, each with k clusters; a sample that has fewer than k distinct points counts as 0.
    pub(super) fn stability(
        &self,
        points: &WeightedPoints,
        labels: &[u32],
        k: usize,
    ) -> Result<f64, ClusteringError> {
        let params = KMeansParams::new(k).n_init(N_INIT).seed(self.seed).check()?;
        let agreement = |sample: &WeightedPoints| match params.fit_points(sample) {
            Ok(fit) => {
                let extended: Vec<u32> = points
                    .iter()
                    .map(|(point, _)| nearest_centroid(point, fit.centroids.rows()).index as u32)
                    .collect();
                Ok(adjusted_rand_index(labels, &extended, points.weights()))
            }
            Err(ClusteringError::TooFewPoints { .. }) => Ok(0.0),
            Err(error) => Err(error),
        };
        let agreements: Vec<f64> =
            self.samples.par_iter().map(agreement).collect::<Result<_, _>>()?;
        Ok(sum(agreements) / f64::from(N_SAMPLES))
    }
}
