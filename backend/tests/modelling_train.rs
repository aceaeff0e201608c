//! Models of any features, with k given or chosen.

#![allow(clippy::unwrap_used, missing_docs)]

use rand::{Rng, SeedableRng, rngs::StdRng};
use tillstream::modelling::{ModelParams, Trained, train_model};
use tillstream_clustering::{KChoice, WeightedPoints};
use tillstream_shared::PreprocessingKind as Kind;

/// Customers of 1, 5 or 50 units, each with some noise, and what they spent.
fn customers() -> (WeightedPoints, Vec<f64>) {
    let mut rng = StdRng::seed_from_u64(1);
    let rows = (0..300).map(|i| {
        let level = [1.0, 5.0, 50.0][i % 3];
        [level * rng.random_range(0.8..1.25), level * rng.random_range(8.0..12.5), level]
    });
    let coordinates: Vec<f64> = rows.flatten().collect();
    let values = coordinates.chunks(3).map(|row| -row[1]).collect();
    (WeightedPoints::unweighted(3, coordinates).unwrap(), values)
}

fn params(k: KChoice) -> ModelParams {
    ModelParams { preprocessing: Kind::Log, clip: None, k, n_init: 5, seed: 1, evaluate: true }
}

fn train(k: KChoice) -> Trained {
    let (points, values) = customers();
    train_model(&points, &values, &params(k)).unwrap()
}

#[test]
fn a_model_of_three_features_is_numbered_by_value() {
    let fixed = train(KChoice::Fixed(3));
    assert_eq!(fixed.k, 3);
    assert_eq!(fixed.sizes, [100, 100, 100]);
    assert!(fixed.mean_values.is_sorted(), "{:?}", fixed.mean_values);
    assert_eq!(fixed.labels[..3], [3, 2, 1], "those who spend most have the lowest value here");
    assert_eq!(fixed.centroids.len(), 3);
    assert!((fixed.centroids[0][2] - 50.0).abs() < 1e-9, "{:?}", fixed.centroids);
    assert!(fixed.evaluation.unwrap().silhouette.unwrap().value > 0.8);
    assert_eq!(fixed.report, None);
}

#[test]
fn a_chosen_k_makes_the_same_model_and_a_report() {
    let (fixed, auto) = (train(KChoice::Fixed(3)), train(KChoice::Auto));
    let report = auto.report.clone().unwrap();
    assert_eq!((report.chosen, report.clear), (3, true), "{report:?}");
    assert_eq!(Some(report.rows[1].evaluation), auto.evaluation);
    assert_eq!(Trained { report: None, ..auto }, fixed);
}

#[test]
fn values_must_go_with_the_points() {
    let (points, mut values) = customers();
    values[7] = f64::NAN;
    let error = train_model(&points, &values, &params(KChoice::Auto)).unwrap_err();
    assert!(error.to_string().contains("point 7"), "{error}");
    let error = train_model(&points, &values[1..], &params(KChoice::Auto)).unwrap_err();
    assert!(error.to_string().contains("299 values"), "{error}");
    let (points, values) = customers();
    let error = train_model(&points, &values, &params(KChoice::Fixed(301))).unwrap_err();
    assert!(error.to_string().contains("at most 300"), "{error}");
}
