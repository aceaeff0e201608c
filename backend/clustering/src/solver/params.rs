//! Hyperparameters: an unchecked builder, and what the check lets through.

use linfa::ParamGuard;
use ndarray::Array2;

use crate::error::ClusteringError;

/// Where the centroids start.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum KMeansInit {
    /// Greedy k-means++ over the weights (Arthur & Vassilvitskii 2007): each next centroid is the
    /// best of 2 + ⌊2 ln k⌋ points drawn in proportion to their share of the SSE. Below k = 8 every
    /// other start draws only one. What the starts lead to is searched further, by moves of
    /// single points and by recombining solutions.
    #[default]
    PlusPlus,
    /// These centroids, k x d, for Lloyd's iterations alone.
    Precomputed(Array2<f64>),
}

/// Checked hyperparameters; see [`KMeansParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct KMeansValidParams {
    pub(super) k: usize,
    pub(super) n_init: u32,
    pub(super) seed: u64,
    pub(super) max_iterations: u32,
    pub(super) tolerance: f64,
    pub(super) init: KMeansInit,
}

/// Hyperparameters of [`KMeans`](crate::KMeans), not yet checked.
///
/// ```
/// use linfa::ParamGuard;
/// use tillstream_clustering::{KMeansParams, WeightedPoints};
///
/// // Three lines at 1, one line at 2, five lines at 10.
/// let points = WeightedPoints::new(1, vec![1.0, 2.0, 10.0], vec![3.0, 1.0, 5.0])?;
/// let fit = KMeansParams::new(2).seed(7).check()?.fit_points(&points)?;
/// assert_eq!(fit.sse, 0.75);
/// assert_eq!(fit.labels[0], fit.labels[1]);
/// # Ok::<(), tillstream_clustering::ClusteringError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct KMeansParams(KMeansValidParams);

impl KMeansParams {
    /// `k` clusters; 10 starts, seed 1, at most 300 iterations, tolerance 0.
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self(KMeansValidParams {
            k,
            n_init: 10,
            seed: 1,
            max_iterations: 300,
            tolerance: 0.0,
            init: KMeansInit::default(),
        })
    }

    /// Number of starts from different centroids, at least 1. Unless all starts end at the same
    /// solution, these are recombined until six times as many offspring bring nothing better.
    #[must_use]
    pub fn n_init(mut self, n_init: u32) -> Self {
        self.0.n_init = n_init;
        self
    }

    /// Seed of the starts.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// The most iterations from one start or of one offspring, at least 1.
    #[must_use]
    pub fn max_iterations(mut self, max_iterations: u32) -> Self {
        self.0.max_iterations = max_iterations;
        self
    }

    /// Stops the iterations when the centroids together moved by this Euclidean distance or less. 0 goes
    /// on until no point changes its cluster.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.tolerance = tolerance;
        self
    }

    /// Where the centroids start.
    #[must_use]
    pub fn init(mut self, init: KMeansInit) -> Self {
        self.0.init = init;
        self
    }
}

impl ParamGuard for KMeansParams {
    type Checked = KMeansValidParams;
    type Error = ClusteringError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let params = &self.0;
        if params.k == 0 {
            Err(ClusteringError::NoClusters)
        } else if params.k > u32::MAX as usize {
            Err(ClusteringError::TooManyClusters)
        } else if params.n_init == 0 {
            Err(ClusteringError::NoStarts)
        } else if params.max_iterations == 0 {
            Err(ClusteringError::NoIterations)
        } else if params.tolerance.is_nan() || params.tolerance < 0.0 {
            Err(ClusteringError::Tolerance)
        } else {
            Ok(params)
        }
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl KMeansValidParams {
    /// Number of clusters.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// Number of starts.
    #[must_use]
    pub fn n_init(&self) -> u32 {
        self.n_init
    }

    /// Seed of the starts.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The most iterations from one start.
    #[must_use]
    pub fn max_iterations(&self) -> u32 {
        self.max_iterations
    }

    /// Movement of the centroids at which the iterations stop.
    #[must_use]
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// Where the centroids start.
    #[must_use]
    pub fn init(&self) -> &KMeansInit {
        &self.init
    }
}
