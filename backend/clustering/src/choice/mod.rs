//! How many clusters: given, or chosen by a sweep over k with a report card.

mod criteria;
mod elbow;
mod stability;

use std::{fmt, str::FromStr, time::Instant};

use linfa::ParamGuard;
use tillstream_shared::{ReportCard, ReportRow};

use self::stability::BootstrapSamples;
use crate::{
    error::ClusteringError,
    metrics::evaluate,
    points::WeightedPoints,
    solver::{KMeans, KMeansParams},
};

/// The numbers of clusters that [`choose_k`] compares.
const K_RANGE: std::ops::RangeInclusive<usize> = 2..=10;

/// The number of clusters of a model: `auto` or a number from 1 to [`KChoice::MAX`] as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KChoice {
    /// This many.
    Fixed(u32),
    /// What [`choose_k`] chooses.
    Auto,
}

/// A text that is not a [`KChoice`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a number of clusters: use auto or a number from 1 to {max}",
    max = KChoice::MAX
)]
pub struct UnknownKChoice(pub String);

impl KChoice {
    /// The largest number that can be asked for.
    pub const MAX: u32 = 1000;
}

impl fmt::Display for KChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(k) => k.fmt(f),
            Self::Auto => f.pad("auto"),
        }
    }
}

impl FromStr for KChoice {
    type Err = UnknownKChoice;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self::Auto),
            (_, Ok(k)) if (1..=Self::MAX).contains(&k) => Ok(Self::Fixed(k)),
            _ => Err(UnknownKChoice(text.to_owned())),
        }
    }
}

/// What [`choose_k`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct ChosenK {
    /// The clustering with the chosen number of clusters.
    pub fit: KMeans,
    /// Why that many.
    pub report: ReportCard,
}

/// Clusters `points` (model space) with every k from 2 to 10, or to the number of distinct points
/// where these are fewer, each with `n_init` starts and the given seed, and chooses among them:
///
/// - Silhouette, Davies-Bouldin and Calinski-Harabasz each name the k that they find best, the elbow
///   the k at which the SSE bends sharpest, if it bends enough, and stability the largest k whose
///   clusters come back when bootstrap samples are clustered. With one feature Calinski-Harabasz has no
///   say: there it grows with k on any points.
/// - Chosen is the k that most of the five name; of several the one with the better silhouette.
/// - It is clear when there is an elbow, the first four agree on it, and that k is stable.
///
/// The same points, `n_init` and seed give the same answer on any number of threads, but for the times
/// of the fits.
///
/// # Errors
/// [`ClusteringError::TooFewPoints`] when all weight lies on one point, and
/// [`ClusteringError::NoStarts`].
pub fn choose_k(
    points: &WeightedPoints,
    n_init: u32,
    seed: u64,
) -> Result<ChosenK, ClusteringError> {
    let params = |k| KMeansParams::new(k).n_init(n_init).seed(seed).check();
    let one = params(1)?.fit_points(points)?;
    let mut fits = Vec::new();
    let mut times = Vec::new();
    // One more than the sweep, to see how the SSE goes on.
    for k in *K_RANGE.start()..=*K_RANGE.end() + 1 {
        let started = Instant::now();
        match params(k)?.fit_points(points) {
            Ok(fit) => fits.push(fit),
            Err(ClusteringError::TooFewPoints { .. }) if !fits.is_empty() => break,
            Err(error) => return Err(error),
        }
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let sses: Vec<f64> = std::iter::once(&one).chain(&fits).map(|fit| fit.sse).collect();
    fits.truncate(K_RANGE.count());

    let samples = BootstrapSamples::draw(points, seed);
    let rows = fits
        .iter()
        .zip(&times)
        .map(|(fit, fit_ms)| {
            let k = fit.centroids.nrows();
            let evaluation = evaluate(points, &fit.labels, k);
            // With a cluster for each observation nothing is left to fall.
            let is_measurable = evaluation.silhouette.is_some();
            Ok(ReportRow {
                k: k as u32,
                sse: fit.sse,
                evaluation,
                elbow: if is_measurable { elbow::strength(&sses, k) } else { 0.0 },
                stability: samples.stability(points, &fit.labels, k)?,
                fit_ms: *fit_ms,
            })
        })
        .collect::<Result<Vec<_>, ClusteringError>>()?;
    let report = criteria::judge(rows, points.d());
    let fit = fits.swap_remove(report.chosen as usize - K_RANGE.start());
    Ok(ChosenK { fit, report })
}
