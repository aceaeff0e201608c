//! Finds the figures of a preprocessing and takes points to model space.

use tillstream_shared::{MAX_FEATURES, Preprocessing, PreprocessingKind, Scaling, Transform};

use super::{ClusteringError, WeightedPoints, sum::sum};

/// Fits the preprocessing `kind` to `points` (original units, already filtered) and takes them to
/// model space: weighted mean and population standard deviation of the transformed values for
/// `log`, nothing for `raw`. A feature that is the same everywhere gets the scale 1.
///
/// # Errors
/// [`ClusteringError::Excluded`] when the filter of `kind` does not admit a point, and
/// [`ClusteringError::TooManyFeatures`] when a model cannot hold them all.
pub fn fit_preprocessing(
    kind: PreprocessingKind,
    points: &WeightedPoints,
) -> Result<(Preprocessing, WeightedPoints), ClusteringError> {
    let d = points.d();
    if d > MAX_FEATURES {
        return Err(ClusteringError::TooManyFeatures(d));
    }
    let (transform, scaling) = match kind {
        PreprocessingKind::Raw => (Transform::Identity, Scaling::None),
        PreprocessingKind::Log => (Transform::Log1p, Scaling::Standard),
    };
    let mut preprocessing = Preprocessing {
        kind,
        filter: kind.filter(),
        transform,
        scaling,
        means: vec![0.0; d],
        scales: vec![1.0; d],
        clip: None,
    };
    for (point, (values, _)) in points.iter().enumerate() {
        Preprocessing::admit(preprocessing.filter, values)
            .map_err(|excluded| ClusteringError::Excluded { point, excluded })?;
    }
    if scaling == Scaling::Standard {
        for j in 0..d {
            let values: Vec<f64> = points.iter().map(|(x, _)| transform.forward(x[j])).collect();
            (preprocessing.means[j], preprocessing.scales[j]) =
                mean_and_deviation(&values, points.weights(), points.total_weight());
        }
    }
    let mut coordinates = Vec::with_capacity(points.coordinates().len());
    for (point, (values, _)) in points.iter().enumerate() {
        let model = preprocessing
            .apply(values)
            .map_err(|excluded| ClusteringError::Excluded { point, excluded })?;
        coordinates.extend_from_slice(&model[..d]);
    }
    let points = WeightedPoints::new(d, coordinates, points.weights().to_vec())?;
    Ok((preprocessing, points))
}

/// Weighted mean and population standard deviation, in two passes; 1 for a constant.
fn mean_and_deviation(values: &[f64], weights: &[f64], total: f64) -> (f64, f64) {
    let weighted = || values.iter().zip(weights);
    let mean = sum(weighted().map(|(x, w)| w * x)) / total;
    let variance = sum(weighted().map(|(x, w)| w * ((x - mean) * (x - mean)))) / total;
    let mut counted = weighted().filter(|(_, w)| **w > 0.0).map(|(x, _)| *x);
    let first = counted.next();
    let constant = counted.all(|x| Some(x) == first);
    let deviation = variance.sqrt();
    (mean, if constant || deviation == 0.0 { 1.0 } else { deviation })
}
