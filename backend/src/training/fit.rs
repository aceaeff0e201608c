//! k-means on points with values, by whose means the clusters are numbered.

use linfa::ParamGuard;

use super::TrainerOptions;
use crate::clustering::{
    ClusteringError, KMeansParams, TrainedLine, WeightedPoints, fit_preprocessing,
};

/// Trains on `points` (original units, admitted by the filter), n x d. `values` are n mean values of
/// what the points stand for; clusters are numbered by ascending mean value.
///
/// # Errors
/// [`ClusteringError`].
pub(super) fn train_points(
    points: &WeightedPoints,
    values: &[f64],
    clip: Option<f64>,
    options: &TrainerOptions,
) -> Result<TrainedLine, ClusteringError> {
    let TrainerOptions { k, preprocessing, restarts, seed } = *options;
    let (preprocessing, model) = fit_preprocessing(preprocessing, clip, points)?;
    let params = KMeansParams::new(k as usize).restarts(restarts).seed(seed).check()?;
    let fit = params.fit_points(&model)?;

    let mut sums = vec![(0.0, 0.0); fit.centroids.nrows()];
    for ((value, weight), label) in values.iter().zip(points.weights()).zip(&fit.labels) {
        let (sum, size) = &mut sums[*label as usize];
        *sum += weight * value;
        *size += weight;
    }
    let mean = |cluster: usize| sums[cluster].0 / f64::max(sums[cluster].1, 1.0);
    let mut order: Vec<usize> = (0..sums.len()).collect();
    order.sort_by(|a, b| mean(*a).total_cmp(&mean(*b)));
    let mut number = vec![0; sums.len()];
    order.iter().zip(1..).for_each(|(cluster, place)| number[*cluster] = place);

    let model_centroids: Vec<Vec<f64>> =
        order.iter().map(|cluster| fit.centroids.row(*cluster).to_vec()).collect();
    let inverted = |centroid: &Vec<f64>| {
        centroid.iter().enumerate().map(|(j, z)| preprocessing.invert(j, *z)).collect()
    };
    Ok(TrainedLine {
        centroids: model_centroids.iter().map(inverted).collect(),
        model_centroids,
        sizes: order.iter().map(|cluster| sums[*cluster].1 as u64).collect(),
        mean_values: order.iter().map(|cluster| mean(*cluster)).collect(),
        sse: fit.sse,
        iterations: fit.iterations,
        labels: fit.labels.iter().map(|label| number[*label as usize]).collect(),
        preprocessing,
    })
}
