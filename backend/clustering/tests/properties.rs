//! What must hold of k-means on any points.

#![allow(clippy::unwrap_used, missing_docs)]

use linfa::{
    DatasetBase, ParamGuard,
    traits::{Fit, Predict, Transformer},
};
use ndarray::{Array1, Array2};
use proptest::{collection::vec, prelude::*, test_runner::RngSeed};
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};
use rayon::ThreadPoolBuilder;
use tillstream_clustering::{ClusteringError, KMeans, KMeansInit, KMeansParams, WeightedPoints};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// `n` x `d` values from 0 to 1, around one of `blobs` centres that are 10 apart.
fn blobs(n: usize, d: usize, blobs: usize, seed: u64) -> Vec<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut unit = || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    (0..n).flat_map(|i| vec![(i % blobs) as f64 * 10.0; d]).map(|centre| centre + unit()).collect()
}

fn weighted(d: usize, coordinates: Vec<f64>, weights: &[u32]) -> WeightedPoints {
    WeightedPoints::new(d, coordinates, weights.iter().map(|w| f64::from(*w)).collect()).unwrap()
}

/// The first k rows, as initial centroids.
fn start(coordinates: &[f64], k: usize, d: usize) -> KMeansInit {
    KMeansInit::Precomputed(Array2::from_shape_vec((k, d), coordinates[..k * d].to_vec()).unwrap())
}

fn fit(params: KMeansParams, points: &WeightedPoints) -> KMeans {
    params.check().unwrap().fit_points(points).unwrap()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-9)
}

fn squared(point: &[f64], centroid: impl IntoIterator<Item = f64>) -> f64 {
    point.iter().zip(centroid).map(|(x, c)| (x - c).powi(2)).sum()
}

/// Centroids are means, labels are nearest, and the sums are what they say.
fn check_fixed_point(points: &WeightedPoints, fit: &KMeans) {
    let (k, d) = fit.centroids.dim();
    assert!(fit.converged);
    let mut sums = Array2::<f64>::zeros((k, d));
    let mut weights = vec![0.0; k];
    let mut sse = 0.0;
    for ((point, weight), label) in points.iter().zip(&fit.labels) {
        let own = squared(point, fit.centroids.row(*label as usize).iter().copied());
        for centroid in fit.centroids.rows() {
            assert!(own <= squared(point, centroid.iter().copied()) * (1.0 + 1e-12));
        }
        sse += weight * own;
        weights[*label as usize] += weight;
        for (j, x) in point.iter().enumerate() {
            sums[(*label as usize, j)] += weight * x;
        }
    }
    assert!(near(sse, fit.sse), "{sse} {}", fit.sse);
    for c in 0..k {
        assert!(weights[c] > 0.0);
        assert!(near(weights[c], fit.cluster_weights[c]));
        for j in 0..d {
            assert!(near(sums[(c, j)] / weights[c], fit.centroids[(c, j)]));
        }
    }
}

/// The smallest SSE of any partition into k clusters, by trying them all.
fn exhaustive(points: &WeightedPoints, k: usize) -> f64 {
    let n = points.n();
    let mut best = f64::INFINITY;
    for code in 0..k.pow(n as u32) {
        let label = |i: usize| code / k.pow(i as u32) % k;
        let mut sse = 0.0;
        for c in 0..k {
            let members: Vec<usize> = (0..n).filter(|i| label(*i) == c).collect();
            let weight: f64 = members.iter().map(|i| points.weight(*i)).sum();
            for j in 0..points.d() {
                let value = |i: &usize| points.point(*i)[j];
                let mean =
                    members.iter().map(|i| points.weight(*i) * value(i)).sum::<f64>() / weight;
                sse += members
                    .iter()
                    .map(|i| points.weight(*i) * (value(i) - mean).powi(2))
                    .sum::<f64>();
            }
        }
        best = best.min(sse);
    }
    best
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn a_weight_is_a_repetition(
        rows in vec((vec(-100.0..100.0_f64, 3), 1_u32..6), 12..40),
        k in 1_usize..4,
    ) {
        let weights: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let coordinates: Vec<f64> = rows.iter().flat_map(|row| row.0.clone()).collect();
        let repeated: Vec<f64> = rows
            .iter()
            .flat_map(|(point, weight)| point.repeat(*weight as usize))
            .collect();
        let init = start(&coordinates, k, 3);
        let once = fit(KMeans::params(k).init(init.clone()), &weighted(3, coordinates, &weights));
        let many =
            fit(KMeans::params(k).init(init), &WeightedPoints::unweighted(3, repeated).unwrap());
        prop_assert!(near(once.sse, many.sse), "{} {}", once.sse, many.sse);
        let labels: Vec<u32> = once
            .labels
            .iter()
            .zip(&weights)
            .flat_map(|(label, weight)| vec![*label; *weight as usize])
            .collect();
        prop_assert_eq!(labels, many.labels);
    }

    #[test]
    fn the_order_of_points_does_not_matter(
        rows in vec((vec(-100.0..100.0_f64, 2), 1_u32..6), 12..80),
        k in 1_usize..4,
    ) {
        let split = |rows: &[(Vec<f64>, u32)]| {
            let weights: Vec<u32> = rows.iter().map(|row| row.1).collect();
            weighted(2, rows.iter().flat_map(|row| row.0.clone()).collect(), &weights)
        };
        let points = split(&rows);
        let params = KMeans::params(k).init(start(points.coordinates(), k, 2));
        let forward = fit(params.clone(), &points);
        let mut reversed = rows;
        reversed.reverse();
        let mut backward = fit(params, &split(&reversed));
        backward.labels.reverse();
        prop_assert!(near(forward.sse, backward.sse));
        prop_assert_eq!(forward.labels, backward.labels);
    }

    #[test]
    fn the_result_is_a_fixed_point_in_any_dimension(
        d in 1_usize..12,
        k in 1_usize..6,
        seed: u64,
        values in vec(-100.0..100.0_f64, 240),
        weights in vec(1_u32..9, 240),
    ) {
        let n = 240 / d;
        let points = weighted(d, values[..n * d].to_vec(), &weights[..n]);
        let params = KMeans::params(k).seed(seed).n_init(3);
        check_fixed_point(&points, &fit(params, &points));
    }

    #[test]
    fn few_points_reach_the_global_optimum(
        rows in vec((vec(-9.0..9.0_f64, 2), 1_u32..6), 3..8),
        k in 1_usize..4,
    ) {
        let weights: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let points = weighted(2, rows.iter().flat_map(|row| row.0.clone()).collect(), &weights);
        let fit = fit(KMeans::params(k).n_init(40), &points);
        let best = exhaustive(&points, k);
        prop_assert!((fit.sse - best).abs() <= 1e-9 * best.max(1e-6), "{} {}", fit.sse, best);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    // Below and above the size from which threads share the points instead of the n_init.
    for (n, d, k) in [(3_000, 2, 5), (3_000, 9, 5), (40_000, 2, 4), (40_000, 3, 12)] {
        let weights: Vec<u32> = (0..n as u32).map(|i| 1 + i % 7).collect();
        let points = weighted(d, blobs(n, d, 3, 5), &weights);
        let run = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let fit = pool.install(|| fit(KMeans::params(k).n_init(4).seed(9), &points));
            let bits: Vec<u64> = fit.centroids.iter().map(|c| c.to_bits()).collect();
            (bits, fit.sse.to_bits(), fit.labels, fit.iterations)
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(8));
    }
}

#[test]
fn leaving_centroids_out_changes_no_label() {
    // Whole numbers have many ties. One to four features are ordered in boxes, eight and more have
    // bounds from k = 64 on.
    for (d, k, n, range) in
        [(1, 5, 2_000, 50), (2, 64, 5_000, 40), (3, 17, 3_000, 9), (4, 8, 900, 5)]
            .into_iter()
            .chain([(8, 64, 4_000, 3), (8, 5, 700, 4), (9, 70, 2_000, 3), (2, 64, 40_000, 90)])
    {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(d as u64);
        let values: Vec<f64> =
            (0..n * d).map(|_| (rng.next_u64() % range) as f64 * 0.1 + 1e3).collect();
        let points = WeightedPoints::unweighted(d, values.clone()).unwrap();
        let records = Array2::from_shape_vec((n, d), values).unwrap();
        for iterations in [1, 2, 3, 5, 9, 20, 300] {
            let params = KMeans::params(k).n_init(1).max_iterations(iterations);
            let fit = fit(params, &points);
            let nearest = fit.predict(&records);
            let labels = fit.labels.iter().map(|label| *label as usize);
            assert!(labels.eq(nearest), "d {d}, k {k}, after {} iterations", fit.iterations);
        }
    }
}

#[test]
fn far_away_initial_centroids_do_no_harm() {
    // Squared distances to them overflow.
    for d in [2, 8] {
        let points = WeightedPoints::unweighted(d, blobs(600, d, 3, 2)).unwrap();
        let mut given = Array2::from_elem((64, d), 1e200);
        given.row_mut(0).fill(0.5);
        let fit = fit(KMeans::params(64).init(KMeansInit::Precomputed(given)), &points);
        check_fixed_point(&points, &fit);
    }
}

#[test]
fn many_points_take_memory_in_proportion_and_little_time() {
    // The 10 million of `script/bench clustering`, a tenth.
    let n = 1_000_000;
    let points = WeightedPoints::unweighted(2, blobs(n, 2, 4, 7)).unwrap();
    let fit = fit(KMeans::params(4).n_init(2), &points);
    check_fixed_point(&points, &fit);
    assert!(fit.cluster_weights.iter().all(|weight| *weight == (n / 4) as f64));
}

#[test]
fn linfa_clustering_finds_the_same_from_the_same_start() {
    for (d, k, seed) in [(1, 2, 1), (2, 3, 2), (3, 5, 3), (8, 4, 4), (10, 3, 5)] {
        let coordinates = blobs(300, d, k, seed);
        let records = Array2::from_shape_vec((300, d), coordinates.clone()).unwrap();
        let rival = |init: Array2<f64>| {
            let model = linfa_clustering::KMeans::params(k)
                .n_runs(1)
                .tolerance(1e-12)
                .max_n_iterations(10_000)
                .init_method(linfa_clustering::KMeansInit::Precomputed(init))
                .fit(&DatasetBase::from(records.clone()))
                .unwrap();
            let labels = model.predict(&records);
            let distances: Array1<f64> = model.transform(&records);
            // `transform` gives squared distances.
            (distances.sum(), labels)
        };
        let given = Array2::from_shape_vec((k, d), coordinates[..k * d].to_vec()).unwrap();
        let ours = KMeans::params(k)
            .init(KMeansInit::Precomputed(given.clone()))
            .check()
            .unwrap()
            .fit(&DatasetBase::from(records.clone()))
            .unwrap();
        let (sse, labels) = rival(given);
        assert!(near(ours.sse, sse), "d {d}, k {k}: {} {sse}", ours.sse);
        let our_labels: Vec<usize> = ours.labels.iter().map(|label| *label as usize).collect();
        assert_eq!(our_labels, labels.to_vec());
        assert_eq!(ours.predict(&records), labels);

        // More clusters than blobs: what is a fixed point for us must be one for the rival.
        let points = WeightedPoints::unweighted(d, coordinates).unwrap();
        let split = fit(KMeans::params(k), &points);
        assert!(near(split.sse, rival(split.centroids.clone()).0));
    }
}

#[test]
fn the_estimator_honours_the_weights_of_a_dataset() {
    let records = Array2::from_shape_vec((3, 1), vec![0.0, 1.0, 9.0]).unwrap();
    let dataset =
        DatasetBase::from(records.clone()).with_weights(Array1::from(vec![3.0, 1.0, 2.0]));
    let fit = KMeans::params(2).check().unwrap().fit(&dataset).unwrap();
    let (low, high) = if fit.labels[0] == 0 { (0, 1) } else { (1, 0) };
    assert_eq!((fit.centroids[(low, 0)], fit.centroids[(high, 0)]), (0.25, 9.0));
    assert_eq!((fit.cluster_weights[low], fit.cluster_weights[high]), (4.0, 2.0));
    assert_eq!(fit.sse, 0.75);
    assert_eq!(fit.predict(&records).to_vec(), [low, low, high]);
}

#[test]
fn too_few_distinct_points_are_refused_with_their_number() {
    let refused = |d, coordinates, weights: &[u32], k| match KMeans::params(k)
        .check()
        .unwrap()
        .fit_points(&weighted(d, coordinates, weights))
    {
        Err(ClusteringError::TooFewPoints { distinct, k }) => (distinct, k),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(1, vec![5.0; 7], &[1; 7], 2), (1, 2));
    assert_eq!(refused(2, vec![1.0, 2.0], &[40], 2), (1, 2));
    assert_eq!(refused(1, vec![1.0, 2.0, 2.0], &[1, 1, 1], 3), (2, 3));
    // A point of weight zero is none.
    assert_eq!(refused(1, vec![1.0, 2.0, 3.0], &[1, 1, 0], 3), (2, 3));
    // Nor can the places be told apart whose squared distance is zero.
    assert_eq!(refused(1, vec![1e-200, 2e-200], &[1, 1], 2), (1, 2));
}

#[test]
fn as_many_clusters_as_points_leave_no_error() {
    for d in [1, 2, 8, 11] {
        let points = WeightedPoints::unweighted(d, blobs(9, d, 4, 3)).unwrap();
        let fit = fit(KMeans::params(9), &points);
        assert_eq!(fit.sse, 0.0);
        let mut labels = fit.labels.clone();
        labels.sort_unstable();
        assert_eq!(labels, (0..9).collect::<Vec<_>>());
    }
}

#[test]
fn one_cluster_is_the_mean_and_equal_points_are_their_own_centroid() {
    let fit_one =
        |coordinates, weights: &[u32]| fit(KMeans::params(1), &weighted(1, coordinates, weights));
    let one = fit_one(vec![0.0, 4.0], &[3, 1]);
    assert_eq!((one.centroids[(0, 0)], one.sse), (1.0, 12.0));
    let equal = fit_one(vec![0.1; 5], &[3; 5]);
    assert_eq!((equal.centroids[(0, 0)], equal.sse), (0.1, 0.0));
    let single = fit_one(vec![80_995.3], &[7]);
    assert_eq!((single.centroids[(0, 0)], single.labels), (80_995.3, vec![0]));
}

#[test]
fn one_enormous_outlier_is_a_cluster_of_its_own() {
    let mut coordinates = blobs(500, 2, 1, 8);
    coordinates[100] = 1e140;
    let points = WeightedPoints::unweighted(2, coordinates).unwrap();
    let fit = fit(KMeans::params(2), &points);
    assert!(fit.sse.is_finite());
    let label = fit.labels[50];
    assert_eq!(fit.labels.iter().filter(|other| **other == label).count(), 1);
    assert_eq!(fit.cluster_weights[label as usize], 1.0);
}

#[test]
fn a_common_offset_costs_no_digits() {
    let near_zero = blobs(400, 2, 3, 6);
    let rounded: Vec<f64> = near_zero.iter().map(|x| (x * 1024.0).round() / 1024.0).collect();
    let far: Vec<f64> = rounded.iter().map(|x| x + 1e9).collect();
    let fit_all = |x| fit(KMeans::params(3), &WeightedPoints::unweighted(2, x).unwrap());
    let (near_zero, far) = (fit_all(rounded), fit_all(far));
    assert_eq!(near_zero.labels, far.labels);
    // The means themselves can be held to 1e-7 only at 1e9, which the SSE feels in the square.
    assert!((near_zero.sse - far.sse).abs() < 1e-9 * far.sse, "{} {}", near_zero.sse, far.sse);
}

#[test]
fn an_empty_cluster_gets_the_worst_point() {
    // Both far centroids would stay without a point.
    let points = weighted(1, vec![0.0, 1.0, 5.0, 5.5], &[1, 1, 1, 9]);
    let far = Array2::from_shape_vec((3, 1), vec![0.5, 1e6, 2e6]).unwrap();
    let fit = fit(KMeans::params(3).init(KMeansInit::Precomputed(far)), &points);
    check_fixed_point(&points, &fit);
}

#[test]
fn unusable_points_and_parameters_are_refused() {
    use ClusteringError as E;
    let points = WeightedPoints::new;
    assert!(matches!(points(0, vec![], vec![]), Err(E::NoFeatures)));
    assert!(matches!(points(2, vec![], vec![]), Err(E::NoPoints)));
    assert!(matches!(points(2, vec![1.0; 3], vec![1.0]), Err(E::Shape { .. })));
    let nan = points(2, vec![1.0, 1.0, 1.0, f64::NAN], vec![1.0; 2]);
    assert!(matches!(nan, Err(E::NotFinite { point: 1, feature: 1 })));
    let infinite = points(1, vec![1.0, f64::NEG_INFINITY], vec![1.0; 2]);
    assert!(matches!(infinite, Err(E::NotFinite { point: 1, feature: 0 })));
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(points(1, vec![1.0; 2], vec![1.0, weight]), Err(E::Weight(1))));
    }
    assert!(matches!(points(1, vec![1.0; 2], vec![0.0; 2]), Err(E::NoWeight)));
    assert!(matches!(points(1, vec![1e155, 0.0], vec![1.0; 2]), Err(E::TooLarge)));

    let check = |params: KMeansParams| params.check().unwrap_err();
    assert!(matches!(check(KMeans::params(0)), E::NoClusters));
    assert!(matches!(check(KMeans::params(1).n_init(0)), E::NoStarts));
    assert!(matches!(check(KMeans::params(1).max_iterations(0)), E::NoIterations));
    assert!(matches!(check(KMeans::params(1).tolerance(-1.0)), E::Tolerance));
    assert!(matches!(check(KMeans::params(1).tolerance(f64::NAN)), E::Tolerance));

    let two = weighted(1, vec![1.0, 2.0], &[1, 1]);
    let given = |shape: (usize, usize), value| {
        let init = KMeansInit::Precomputed(Array2::from_elem(shape, value));
        KMeans::params(2).init(init).check().unwrap().fit_points(&two).unwrap_err()
    };
    assert!(matches!(given((1, 1), 0.0), E::InitialCentroids { rows: 1, .. }));
    assert!(matches!(given((2, 1), f64::NAN), E::NotFinite { .. }));
}

#[test]
fn a_limit_of_iterations_leaves_labels_that_match_the_centroids() {
    let points = WeightedPoints::unweighted(2, blobs(3_000, 2, 1, 4)).unwrap();
    let stopped = fit(KMeans::params(6).max_iterations(2), &points);
    assert!(!stopped.converged);
    assert_eq!(stopped.iterations, 2);
    let records = Array2::from_shape_vec((3_000, 2), points.coordinates().to_vec()).unwrap();
    let labels: Vec<u32> = stopped.predict(&records).iter().map(|label| *label as u32).collect();
    assert_eq!(labels, stopped.labels);
    let tolerant = fit(KMeans::params(6).tolerance(0.1), &points);
    assert!(tolerant.converged);
    assert!(tolerant.iterations < fit(KMeans::params(6), &points).iterations);
}
