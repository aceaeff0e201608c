//! The line models: k-means on (Quantity, UnitPrice).

use linfa::ParamGuard;
use tillstream_shared::{Preprocessing, PreprocessingKind};

use super::{
    ClusteringError, KMeans, KMeansParams, WeightedPoints, blocks::squared_distance,
    fit_preprocessing, sum::Sum,
};
use crate::features::WeightedPoint;

/// The parts of a line model that depend on arithmetic only. Clusters are in the order of their
/// numbers, 1 to k.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainedLine {
    /// From (quantity, unit price) to model space.
    pub preprocessing: Preprocessing,
    /// k x 2, in original units. Of a `log` model the model-space centroid taken back, which is near
    /// the geometric mean of the cluster, not its arithmetic mean.
    pub centroids: Vec<Vec<f64>>,
    /// k x 2, in model space.
    pub model_centroids: Vec<Vec<f64>>,
    /// Lines in each cluster.
    pub sizes: Vec<u64>,
    /// Mean of quantity · unit price over the lines of each cluster, ascending.
    pub mean_values: Vec<f64>,
    /// Sum of squared errors over the lines, in model space.
    pub sse: f64,
    /// Iterations of the restart that was kept.
    pub iterations: u32,
    /// Cluster of every point, from 1 to k: what `Model::assign` answers for it.
    pub labels: Vec<u32>,
}

/// Trains a line model on `points`, which the filter of `kind` must admit (see
/// [`crate::features::LinePoints`]). The result depends on the order of the points only in how ties
/// are broken; give them sorted to have the same bits every time.
///
/// # Errors
/// [`ClusteringError`] says what to do; above all [`ClusteringError::TooFewPoints`] when there are
/// fewer than k distinct points.
pub fn train_line_model(
    points: &[WeightedPoint],
    kind: PreprocessingKind,
    k: u32,
    restarts: u32,
    seed: u64,
) -> Result<TrainedLine, ClusteringError> {
    let original = points.iter().flat_map(|p| [p.quantity as f64, p.unit_price]).collect();
    let weights = points.iter().map(|p| p.weight as f64).collect();
    let original = WeightedPoints::new(2, original, weights)?;
    let (preprocessing, model) = fit_preprocessing(kind, None, &original)?;
    let params = KMeansParams::new(k as usize).restarts(restarts).seed(seed).check()?;
    let fit = params.fit_points(&model)?;

    let numbered = number(points, &model, &fit)?;
    let centroids = numbered
        .centroids
        .iter()
        .map(|c| c.iter().enumerate().map(|(j, z)| preprocessing.invert(j, *z)).collect())
        .collect();
    Ok(TrainedLine {
        preprocessing,
        centroids,
        model_centroids: numbered.centroids,
        sizes: numbered.sizes,
        mean_values: numbered.mean_values,
        sse: fit.sse,
        iterations: fit.iterations,
        labels: numbered.labels.into_iter().map(|label| label + 1).collect(),
    })
}

/// Clusters in the order of their numbers.
struct Numbered {
    centroids: Vec<Vec<f64>>,
    labels: Vec<u32>,
    sizes: Vec<u64>,
    mean_values: Vec<f64>,
}

/// Numbers the clusters by ascending mean line value, of equal ones by ascending centroid.
fn number(
    points: &[WeightedPoint],
    model: &WeightedPoints,
    fit: &KMeans,
) -> Result<Numbered, ClusteringError> {
    let centroids = fit.centroids.rows().into_iter().map(|row| row.to_vec()).collect();
    let mut numbered = tally(points, centroids, fit.labels.clone())?;
    // A point exactly between two centroids belongs to the first, so that a new order may move it,
    // and the means with it; hence the repetition, which hardly ever goes beyond the first round.
    for _ in 0..8 {
        let mut order: Vec<usize> = (0..numbered.centroids.len()).collect();
        order.sort_by(|&a, &b| {
            let by_value = numbered.mean_values[a].total_cmp(&numbered.mean_values[b]);
            let centroids = numbered.centroids[a].iter().zip(&numbered.centroids[b]);
            by_value.then_with(|| {
                centroids.map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne()).unwrap_or(a.cmp(&b))
            })
        });
        if order.is_sorted() {
            break;
        }
        let centroids: Vec<_> =
            order.iter().map(|&c| std::mem::take(&mut numbered.centroids[c])).collect();
        let labels = model.iter().map(|(point, _)| nearest(point, &centroids)).collect();
        numbered = tally(points, centroids, labels)?;
    }
    Ok(numbered)
}

fn nearest(point: &[f64], centroids: &[Vec<f64>]) -> u32 {
    let mut nearest = (0, f64::INFINITY);
    for (c, centroid) in centroids.iter().enumerate() {
        let squared = squared_distance(point, centroid);
        if squared < nearest.1 {
            nearest = (c as u32, squared);
        }
    }
    nearest.0
}

fn tally(
    points: &[WeightedPoint],
    centroids: Vec<Vec<f64>>,
    labels: Vec<u32>,
) -> Result<Numbered, ClusteringError> {
    let mut sizes = vec![0_u64; centroids.len()];
    let mut values = vec![Sum::default(); centroids.len()];
    for (point, label) in points.iter().zip(&labels) {
        let cluster = *label as usize;
        sizes[cluster] += point.weight;
        values[cluster].add(point.weight as f64 * (point.quantity as f64 * point.unit_price));
    }
    let mean = |(value, size): (&Sum, &u64)| value.get() / (*size).max(1) as f64;
    let mean_values: Vec<f64> = values.iter().zip(&sizes).map(mean).collect();
    if !mean_values.iter().all(|value| value.is_finite()) {
        return Err(ClusteringError::TooLarge);
    }
    Ok(Numbered { centroids, labels, sizes, mean_values })
}
