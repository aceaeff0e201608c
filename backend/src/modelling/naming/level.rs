//! How far a cluster is from the whole.

use tillstream_shared::{Model, Scaling};

/// From this difference on a feature is worth a word, in units of its spread.
const MIN_NOTABLE: f64 = 0.35;

/// From this difference on the word is "very".
const MIN_EXTREME: f64 = 1.25;

/// One feature of a cluster against the whole: notable from 0.35 units of the feature's spread,
/// extreme from 1.25.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    VeryLow,
    Low,
    Typical,
    High,
    VeryHigh,
}

impl Level {
    fn of(difference: f64) -> Self {
        match difference {
            d if d <= -MIN_EXTREME => Self::VeryLow,
            d if d <= -MIN_NOTABLE => Self::Low,
            d if d >= MIN_EXTREME => Self::VeryHigh,
            d if d >= MIN_NOTABLE => Self::High,
            _ => Self::Typical,
        }
    }
}

/// A cluster against the whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile {
    /// Index of the cluster.
    pub(super) cluster: usize,
    /// One for each feature.
    pub(super) levels: Vec<Level>,
    /// Indices of the features, the most telling first.
    pub(super) order: Vec<usize>,
    /// The whole's position, in original units.
    pub(super) whole: Vec<f64>,
}

/// All clusters of a model.
pub(super) fn profiles(model: &Model) -> Vec<Profile> {
    let total = model.sizes.iter().sum::<u64>().max(1) as f64;
    let mean = |value: &dyn Fn(&[f64]) -> f64| {
        let centroids = model.model_centroids.iter().zip(&model.sizes);
        centroids.map(|(c, size)| value(c) * (*size as f64 / total)).sum::<f64>()
    };
    let d = model.features.len();
    let whole: Vec<f64> = (0..d).map(|j| mean(&|c| c[j])).collect();
    // A scaled feature has a spread of one; of others only that between the clusters is known.
    let spread = |j: usize| match model.preprocessing.scaling {
        Scaling::Standard | Scaling::Robust => 1.0,
        Scaling::None => mean(&|c| (c[j] - whole[j]).powi(2)).sqrt(),
    };
    let spreads: Vec<f64> = (0..d).map(spread).collect();
    let difference = |c: &[f64], j: usize| {
        if spreads[j] > 0.0 { (c[j] - whole[j]) / spreads[j] } else { 0.0 }
    };
    let original = |(j, z): (usize, &f64)| model.preprocessing.invert(j, *z);
    let whole_original: Vec<f64> = whole.iter().enumerate().map(original).collect();
    let profile = |(cluster, c): (usize, &Vec<f64>)| {
        let differences: Vec<f64> = (0..d).map(|j| difference(c, j)).collect();
        let mut order: Vec<usize> = (0..d).collect();
        order.sort_by(|a, b| differences[*b].abs().total_cmp(&differences[*a].abs()));
        let levels = differences.into_iter().map(Level::of).collect();
        Profile { cluster, levels, order, whole: whole_original.clone() }
    };
    model.model_centroids.iter().enumerate().map(profile).collect()
}
