//! The number of clusters: found where there are some, and not made up where there are none.

#![allow(clippy::unwrap_used, missing_docs)]

use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use rayon::ThreadPoolBuilder;
use tillstream::clustering::{
    ChosenK, ClusteringError, KChoice, ModelParams, Trained, WeightedPoints, choose_k, train_model,
};
use tillstream_shared::{Evaluation, PreprocessingKind as Kind, ReportCard};

/// `n` points of `d` features around `k` centres, neighbours of which are `apart` standard deviations
/// apart: on a line if d = 1, or else on a circle.
fn blobs(n: usize, d: usize, k: usize, apart: f64, seed: u64) -> WeightedPoints {
    let mut rng = StdRng::seed_from_u64(seed);
    let step = std::f64::consts::TAU / k as f64;
    let radius = apart / 2.0 / (step / 2.0).sin();
    let centre = |c: usize, j: usize| match (d, j) {
        (1, _) => c as f64 * apart,
        (_, 0) => radius * (c as f64 * step).cos(),
        (_, 1) => radius * (c as f64 * step).sin(),
        _ => 0.0,
    };
    let mut coordinates = Vec::new();
    for i in 0..n {
        for j in 0..d {
            let noise: f64 = StandardNormal.sample(&mut rng);
            coordinates.push(centre(i % k, j) + noise);
        }
    }
    WeightedPoints::unweighted(d, coordinates).unwrap()
}

fn uniform(n: usize, d: usize, seed: u64) -> WeightedPoints {
    let mut rng = StdRng::seed_from_u64(seed);
    WeightedPoints::unweighted(d, (0..n * d).map(|_| rng.random()).collect()).unwrap()
}

fn report(points: &WeightedPoints) -> ReportCard {
    choose_k(points, 5, 1).unwrap().report
}

/// Without the times, which are never the same.
fn timeless(chosen: ChosenK) -> ChosenK {
    let mut chosen = chosen;
    chosen.report.rows.iter_mut().for_each(|row| row.fit_ms = 0.0);
    chosen
}

#[test]
fn separate_blobs_are_found_and_clear() {
    for d in [1, 2, 5] {
        for k in 2..=5 {
            for seed in 1..=2 {
                let report = report(&blobs(600, d, k, 8.0, seed));
                let what = format!("{k} blobs in {d} dimensions: {report:?}");
                assert_eq!(report.chosen, k as u32, "{what}");
                assert!(report.clear, "{what}");
                assert_eq!(report.choices.elbow, Some(k as u32), "{what}");
                assert_eq!(report.choices.silhouette, Some(k as u32), "{what}");
                assert!(report.verdict.starts_with(&format!("{k} clusters")), "{what}");
            }
        }
    }
}

#[test]
fn points_without_clusters_have_no_clear_k() {
    for d in [1, 2, 5] {
        for seed in 1..=3 {
            for points in [uniform(600, d, seed), blobs(600, d, 1, 0.0, seed)] {
                let report = report(&points);
                assert!(!report.clear, "{d} dimensions: {report:?}");
                assert_eq!(report.choices.elbow, None, "{d} dimensions: {report:?}");
                assert!(report.verdict.starts_with("no clear k: "), "{}", report.verdict);
            }
        }
    }
}

#[test]
fn the_report_has_a_row_for_each_k() {
    let chosen = choose_k(&blobs(300, 2, 3, 8.0, 1), 5, 1).unwrap();
    let rows = &chosen.report.rows;
    assert!(rows.iter().map(|row| row.k).eq(2..=10));
    assert!(rows.windows(2).all(|pair| pair[1].sse < pair[0].sse));
    assert!(rows.iter().all(|row| row.fit_ms > 0.0 && (0.0..=1.0).contains(&row.elbow)));
    let row = &rows[chosen.report.chosen as usize - 2];
    assert_eq!(row.sse, chosen.fit.sse);
    assert!(row.stability > 0.99 && row.elbow > 0.8, "{row:?}");
}

#[test]
fn the_same_seed_gives_the_same_report_on_any_number_of_threads() {
    let points = blobs(500, 3, 4, 3.0, 1);
    let run = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        timeless(pool.install(|| choose_k(&points, 4, 9)).unwrap())
    };
    let one = run(1);
    assert_eq!(run(2), one);
    assert_eq!(run(8), one);
}

#[test]
fn few_distinct_points_limit_the_sweep() {
    let three = WeightedPoints::new(1, vec![1.0, 5.0, 6.5], vec![40.0, 30.0, 30.0]).unwrap();
    let perfect = report(&three);
    assert!(perfect.rows.iter().map(|row| row.k).eq([2, 3]));
    assert_eq!((perfect.chosen, perfect.clear), (3, true), "{perfect:?}");

    let four = WeightedPoints::unweighted(1, vec![1.0, 2.0, 3.5, 6.0]).unwrap();
    let single = report(&four);
    let nothing = Evaluation { silhouette: None, davies_bouldin: None, calinski_harabasz: None };
    assert_eq!(single.rows.last().unwrap().evaluation, nothing, "a cluster for each point");
    assert!(single.chosen < 4 && !single.clear, "{single:?}");

    let two = WeightedPoints::new(1, vec![1.0, 5.0, 9.0], vec![2.0, 2.0, 0.0]).unwrap();
    assert_eq!(report(&two).chosen, 2);
    let pair = WeightedPoints::unweighted(1, vec![1.0, 5.0]).unwrap();
    let pair = report(&pair);
    assert_eq!((pair.chosen, pair.clear), (2, false), "{pair:?}");

    let one = WeightedPoints::new(1, vec![1.0, 1.0], vec![9.0, 1.0]).unwrap();
    let error = choose_k(&one, 5, 1).unwrap_err();
    assert!(matches!(error, ClusteringError::TooFewPoints { distinct: 1, k: 2 }), "{error}");
}

#[test]
fn a_choice_of_k_is_auto_or_a_number() {
    for (text, choice) in
        [("auto", KChoice::Auto), ("1", KChoice::Fixed(1)), ("1000", KChoice::Fixed(1000))]
    {
        assert_eq!(text.parse(), Ok(choice));
        assert_eq!(choice.to_string(), text);
    }
    for text in ["", "0", "1001", "-3", "2.5", "Auto", "many", "99999999999"] {
        let error = text.parse::<KChoice>().unwrap_err().to_string();
        assert_eq!(
            error,
            format!("`{text}` is no number of clusters: use auto or a number from 1 to 1000")
        );
    }
}

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
    ModelParams { preprocessing: Kind::Log, clip: None, k, restarts: 5, seed: 1, evaluate: true }
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
