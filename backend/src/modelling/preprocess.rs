//! Finds the figures of a preprocessing and takes points to model space.

use tillstream_clustering::{
    WeightedPoints,
    sum::{Sum, sum},
};
use tillstream_shared::{MAX_FEATURES, Preprocessing, PreprocessingKind, Scaling};

use super::error::ModellingError;

/// Fits the preprocessing `kind` to `points` (original units, already filtered) and takes them to
/// model space, n x d as before. Of the transformed values, feature by feature,
///
/// - standard scaling takes the weighted mean and the population standard deviation;
/// - robust scaling takes the weighted median and interquartile range. The quantile p is the smallest
///   value at which the cumulative weight exceeds p times the total, or the mean of that value and
///   the one before where the weight up to the latter is exactly that much (definition 2 of Hyndman &
///   Fan 1996, "Sample quantiles in statistical packages", as if every point were repeated as often
///   as it weighs). Where the range is 0 the standard deviation is the scale;
/// - a feature that is the same everywhere gets the scale 1.
///
/// `clip` is the largest absolute value in model space, to which larger ones are cut; the figures above
/// are found before.
///
/// # Errors
/// [`ModellingError::Excluded`] when the filter of `kind` does not admit a point,
/// [`ModellingError::TooManyFeatures`] when a model cannot hold them all, and
/// [`ModellingError::Clip`] when `clip` is not a finite number above zero.
pub fn fit_preprocessing(
    kind: PreprocessingKind,
    clip: Option<f64>,
    points: &WeightedPoints,
) -> Result<(Preprocessing, WeightedPoints), ModellingError> {
    let d = points.d();
    if d > MAX_FEATURES {
        return Err(ModellingError::TooManyFeatures(d));
    }
    if clip.is_some_and(|limit| !(limit.is_finite() && limit > 0.0)) {
        return Err(ModellingError::Clip);
    }
    let mut preprocessing = Preprocessing {
        kind,
        filter: kind.filter(),
        transform: kind.transform(),
        scaling: kind.scaling(),
        means: vec![0.0; d],
        scales: vec![1.0; d],
        clip,
    };
    for (point, (values, _)) in points.iter().enumerate() {
        Preprocessing::admit(preprocessing.filter, values)
            .map_err(|excluded| ModellingError::Excluded { point, excluded })?;
    }
    for j in 0..d {
        let values = || points.iter().map(|(x, _)| kind.transform().forward(x[j]));
        let (mean, scale) = match kind.scaling() {
            Scaling::None => (0.0, 1.0),
            Scaling::Standard => mean_and_deviation(&values().collect::<Vec<_>>(), points),
            Scaling::Robust => median_and_range(&values().collect::<Vec<_>>(), points),
        };
        (preprocessing.means[j], preprocessing.scales[j]) = (mean, scale);
    }
    let points = to_model_space(&preprocessing, points)?;
    Ok((preprocessing, points))
}

/// Takes `points` (original units, n x d) to the model space of `preprocessing`, which has d features.
///
/// # Errors
/// [`ModellingError::Excluded`] when its filter does not admit a point, and
/// [`ClusteringError::TooLarge`](tillstream_clustering::ClusteringError::TooLarge) when a point is too far away.
pub fn to_model_space(
    preprocessing: &Preprocessing,
    points: &WeightedPoints,
) -> Result<WeightedPoints, ModellingError> {
    let d = points.d();
    let mut coordinates = Vec::with_capacity(points.coordinates().len());
    for (point, (values, _)) in points.iter().enumerate() {
        let model = preprocessing
            .apply(values)
            .map_err(|excluded| ModellingError::Excluded { point, excluded })?;
        coordinates.extend_from_slice(&model[..d]);
    }
    Ok(WeightedPoints::new(d, coordinates, points.weights().to_vec())?)
}

/// Weighted mean and population standard deviation, in two passes; 1 for a constant.
fn mean_and_deviation(values: &[f64], points: &WeightedPoints) -> (f64, f64) {
    let weighted = || values.iter().zip(points.weights());
    let total = points.total_weight();
    let mean = sum(weighted().map(|(x, w)| w * x)) / total;
    let variance = sum(weighted().map(|(x, w)| w * ((x - mean) * (x - mean)))) / total;
    let mut counted = weighted().filter(|(_, w)| **w > 0.0).map(|(x, _)| *x);
    let first = counted.next();
    let constant = counted.all(|x| Some(x) == first);
    let deviation = variance.sqrt();
    (mean, if constant || deviation == 0.0 { 1.0 } else { deviation })
}

/// Weighted median and interquartile range; where that is 0 the standard deviation, 1 for a constant.
fn median_and_range(values: &[f64], points: &WeightedPoints) -> (f64, f64) {
    let weighted = values.iter().copied().zip(points.weights().iter().copied());
    let mut ascending: Vec<(f64, f64)> = weighted.filter(|(_, w)| *w > 0.0).collect();
    ascending.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let [low, median, high] =
        [0.25, 0.5, 0.75].map(|p| quantile(&ascending, p * points.total_weight()));
    let range = high - low;
    (median, if range > 0.0 { range } else { mean_and_deviation(values, points).1 })
}

/// The value at which the cumulative weight exceeds `share`; see [`fit_preprocessing`]. `ascending`
/// holds at least one (value, weight).
fn quantile(ascending: &[(f64, f64)], share: f64) -> f64 {
    let mut below = Sum::default();
    let mut before = ascending[0].0;
    for &(value, weight) in ascending {
        if below.get() == share {
            return before + (value - before) / 2.0;
        }
        below.add(weight);
        if below.get() > share {
            return value;
        }
        before = value;
    }
    before
}

#[cfg(test)]
mod tests {
    use tillstream_shared::Transform;

    use super::*;
    use PreprocessingKind as Kind;

    fn fit(kind: Kind, clip: Option<f64>, x: &[f64], w: &[f64]) -> (Preprocessing, Vec<f64>) {
        let points = WeightedPoints::new(1, x.to_vec(), w.to_vec()).unwrap();
        let (preprocessing, model) = fit_preprocessing(kind, clip, &points).unwrap();
        (preprocessing, model.coordinates().to_vec())
    }

    #[test]
    fn signed_values_are_standardised_on_their_scale() {
        let x = [-100.0, -1.0, 0.0, 3.0, 5000.0];
        let (preprocessing, model) = fit(Kind::Signed, None, &x, &[1.0; 5]);
        assert_eq!(preprocessing.transform, Transform::SignedLog1p);
        let mean = model.iter().sum::<f64>() / 5.0;
        let variance = model.iter().map(|z| z * z).sum::<f64>() / 5.0;
        assert!(mean.abs() < 1e-15 && (variance - 1.0).abs() < 1e-14, "{mean} {variance}");
        assert!(model.is_sorted());
        for (x, z) in x.iter().zip(&model) {
            assert!((preprocessing.invert(0, *z) - x).abs() < 1e-9 * (1.0 + x.abs()));
        }
    }

    #[test]
    fn median_and_quartiles_are_those_of_the_repeated_points() {
        let expm1 = |y: &[f64]| y.iter().map(|y| libm::expm1(*y)).collect::<Vec<_>>();
        let repeated = expm1(&[1.0, 1.0, 1.0, 2.0, 4.0, 4.0, 7.0, 9.0]);
        let (expected, _) = fit(Kind::Robust, None, &repeated, &[1.0; 8]);
        // 1, 1 | 1, 2 | 4, 4 | 7, 9
        assert!((expected.means[0] - 3.0).abs() < 1e-12, "{:?}", expected.means);
        assert!((expected.scales[0] - 4.5).abs() < 1e-12, "{:?}", expected.scales);
        let x = expm1(&[9.0, 4.0, 1.0, 2.0, 7.0, 3.0]);
        let (weighted, _) = fit(Kind::Robust, None, &x, &[1.0, 2.0, 3.0, 1.0, 1.0, 0.0]);
        assert_eq!(weighted, expected);
        let (single, model) = fit(Kind::Robust, None, &[3.0], &[5.0]);
        assert_eq!((single.scales[0], model[0]), (1.0, 0.0));
    }

    #[test]
    fn without_a_range_the_standard_deviation_is_the_scale() {
        let x = [0.0, 0.0, 0.0, 0.0, 1.0];
        let (robust, _) = fit(Kind::Robust, None, &x, &[1.0; 5]);
        let (signed, _) = fit(Kind::Signed, None, &x, &[1.0; 5]);
        assert_eq!(robust.means, [0.0]);
        assert_eq!(robust.scales, signed.scales);
    }

    #[test]
    fn constants_have_the_scale_1() {
        for kind in Kind::ALL {
            let (preprocessing, _) = fit(kind, None, &[0.1; 3], &[0.3, 0.7, 11.0]);
            assert_eq!(preprocessing.scales, [1.0], "{kind}");
        }
    }

    #[test]
    fn what_is_beyond_the_limit_is_cut() {
        let x = [0.0, 1.0, 2.0, 3.0, 1e9];
        let (free, model) = fit(Kind::Robust, None, &x, &[1.0; 5]);
        let (clipped, cut) = fit(Kind::Robust, Some(2.0), &x, &[1.0; 5]);
        assert_eq!(
            (clipped.clip, &clipped.means, &clipped.scales),
            (Some(2.0), &free.means, &free.scales)
        );
        assert!(model[4] > 2.0);
        assert_eq!(cut[4], 2.0);
        assert_eq!(cut[..4], model[..4]);
        let points = WeightedPoints::unweighted(1, x.to_vec()).unwrap();
        for limit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = fit_preprocessing(Kind::Raw, Some(limit), &points).unwrap_err();
            assert!(matches!(error, ModellingError::Clip), "{limit}");
        }
    }

    #[test]
    fn the_filter_of_the_kind_holds() {
        let points = WeightedPoints::unweighted(1, vec![1.0, -1.0]).unwrap();
        let error = fit_preprocessing(Kind::Log, None, &points).unwrap_err();
        assert!(matches!(error, ModellingError::Excluded { point: 1, .. }));
        for kind in [Kind::Raw, Kind::Signed, Kind::Robust] {
            fit_preprocessing(kind, None, &points).unwrap();
        }
    }
}
