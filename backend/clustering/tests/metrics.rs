//! The metrics against scikit-learn's (the fixtures are made by `script/make_metric_fixtures.py`), and
//! what must hold of them on any points.

#![allow(clippy::unwrap_used, missing_docs)]

use rand::{Rng, SeedableRng, rngs::StdRng};
use rayon::ThreadPoolBuilder;
use serde::Deserialize;
use tillstream_clustering::{
    Evaluation, MAX_EXACT_SILHOUETTE, Silhouette, WeightedPoints, adjusted_rand_index, evaluate,
};

#[derive(Deserialize)]
struct Fixtures {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    d: usize,
    coordinates: Vec<f64>,
    weights: Vec<f64>,
    labels: Vec<u32>,
    other_labels: Vec<u32>,
    silhouette: f64,
    davies_bouldin: f64,
    calinski_harabasz: f64,
    adjusted_rand_index: f64,
}

fn cases() -> Vec<Case> {
    let json = include_str!("fixtures/metrics.json");
    serde_json::from_str::<Fixtures>(json).unwrap().cases
}

fn clusters(labels: &[u32]) -> usize {
    *labels.iter().max().unwrap() as usize + 1
}

#[track_caller]
fn assert_near(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    let difference = (ours - theirs).abs();
    let scale = ours.abs().max(theirs.abs());
    assert!(difference <= tolerance * scale, "{what}: {ours} is not {theirs}");
}

fn random(n: usize, d: usize, k: u32, seed: u64) -> (WeightedPoints, Vec<u32>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let labels: Vec<u32> = (0..n).map(|_| rng.random_range(0..k)).collect();
    let coordinates =
        labels.iter().flat_map(|label| vec![f64::from(*label); d]).map(|x| x + rng.random::<f64>());
    let coordinates = coordinates.collect();
    let mut rng = StdRng::seed_from_u64(seed + 1);
    let weights = (0..n).map(|_| f64::from(rng.random_range(1..9))).collect();
    (WeightedPoints::new(d, coordinates, weights).unwrap(), labels)
}

#[test]
fn every_metric_is_scikit_learns() {
    let cases = cases();
    assert!(cases.len() > 25);
    for case in cases {
        let points = WeightedPoints::new(case.d, case.coordinates, case.weights).unwrap();
        let ours = evaluate(&points, &case.labels, clusters(&case.labels));
        let silhouette = ours.silhouette.unwrap();
        assert_eq!(silhouette.sampled, None, "{}", case.name);
        for (metric, ours, theirs) in [
            ("silhouette", silhouette.value, case.silhouette),
            ("Davies-Bouldin", ours.davies_bouldin.unwrap(), case.davies_bouldin),
            ("Calinski-Harabasz", ours.calinski_harabasz.unwrap(), case.calinski_harabasz),
            (
                "adjusted Rand index",
                adjusted_rand_index(&case.labels, &case.other_labels, points.weights()),
                case.adjusted_rand_index,
            ),
        ] {
            assert_near(&format!("{metric} of {}", case.name), ours, theirs, 1e-9);
        }
    }
}

#[test]
fn a_weight_is_a_repetition_in_any_order() {
    for d in [1, 3, 8, 9] {
        let (points, labels) = random(200, d, 4, d as u64);
        let mut rows: Vec<(Vec<f64>, u32)> = Vec::new();
        for ((point, weight), label) in points.iter().zip(&labels) {
            rows.extend(vec![(point.to_vec(), *label); weight as usize]);
        }
        rows.rotate_left(333);
        let repeated = rows.iter().flat_map(|row| row.0.clone()).collect();
        let repeated = WeightedPoints::unweighted(d, repeated).unwrap();
        let repeated_labels: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let (a, b) = (evaluate(&points, &labels, 4), evaluate(&repeated, &repeated_labels, 4));
        let silhouette = |evaluation: Evaluation| evaluation.silhouette.unwrap().value;
        assert_near("silhouette", silhouette(a), silhouette(b), 1e-12);
        let pair = |index: fn(Evaluation) -> Option<f64>| (index(a).unwrap(), index(b).unwrap());
        let (ours, theirs) = pair(|evaluation| evaluation.davies_bouldin);
        assert_near("Davies-Bouldin", ours, theirs, 1e-12);
        let (ours, theirs) = pair(|evaluation| evaluation.calinski_harabasz);
        assert_near("Calinski-Harabasz", ours, theirs, 1e-12);
    }
}

#[test]
fn points_and_clusters_without_weight_do_not_count() {
    let points =
        WeightedPoints::new(1, vec![0.0, 1.0, 9.0, 1e6], vec![1.0, 2.0, 1.0, 0.0]).unwrap();
    let without = WeightedPoints::new(1, vec![0.0, 1.0, 9.0], vec![1.0, 2.0, 1.0]).unwrap();
    let expected = evaluate(&without, &[0, 0, 1], 2);
    assert_eq!(evaluate(&points, &[0, 0, 4, 2], 5), expected);
    assert!(expected.silhouette.is_some());
}

#[test]
fn what_is_not_defined_is_none() {
    let nothing = Evaluation { silhouette: None, davies_bouldin: None, calinski_harabasz: None };
    let points = WeightedPoints::unweighted(1, vec![1.0, 2.0, 3.0]).unwrap();
    assert_eq!(evaluate(&points, &[0, 0, 0], 1), nothing, "one cluster");
    assert_eq!(evaluate(&points, &[0, 1, 2], 3), nothing, "a cluster for each observation");
    let twins = WeightedPoints::new(1, vec![1.0, 2.0], vec![5.0, 5.0]).unwrap();
    let perfect = Evaluation {
        silhouette: Some(Silhouette { value: 1.0, sampled: None }),
        davies_bouldin: Some(0.0),
        calinski_harabasz: None,
    };
    assert_eq!(evaluate(&twins, &[0, 1], 2), perfect, "an SSE of 0");
}

#[test]
#[should_panic(expected = "not below 2")]
fn a_label_beyond_k_is_refused() {
    let points = WeightedPoints::unweighted(1, vec![1.0, 2.0]).unwrap();
    let _ = evaluate(&points, &[0, 2], 2);
}

#[test]
fn the_silhouette_of_many_points_is_sampled_and_says_so() {
    let (points, labels) = random(MAX_EXACT_SILHOUETTE + 1, 2, 3, 1);
    let many = evaluate(&points, &labels, 3).silhouette.unwrap();
    let size = many.sampled.unwrap() as usize;
    assert!(size > MAX_EXACT_SILHOUETTE / 2 && size <= MAX_EXACT_SILHOUETTE + 3, "{size}");

    let fewer =
        WeightedPoints::new(2, points.coordinates()[2..].to_vec(), points.weights()[1..].to_vec());
    let fewer = evaluate(&fewer.unwrap(), &labels[1..], 3).silhouette.unwrap();
    assert_eq!(fewer.sampled, None);
    assert!((many.value - fewer.value).abs() < 0.005, "{} {}", many.value, fewer.value);
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    for n in [3000, MAX_EXACT_SILHOUETTE + 500] {
        let (points, labels) = random(n, 3, 5, 7);
        let run = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| evaluate(&points, &labels, 5))
        };
        let one = run(1);
        assert_eq!(run(2), one);
        assert_eq!(run(8), one);
    }
}
