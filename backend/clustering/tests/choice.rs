//! The number of clusters: found where there are some, and not made up where there are none.

#![allow(clippy::unwrap_used, missing_docs)]

use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use rayon::ThreadPoolBuilder;
use tillstream_clustering::{
    ChosenK, ClusteringError, Evaluation, KChoice, ReportCard, WeightedPoints, choose_k,
};

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
            format!("`{text}` is not a number of clusters: use auto or a number from 1 to 1000")
        );
    }
}
