//! What must hold of k-means that follows a stream and forgets.

#![allow(clippy::unwrap_used, missing_docs)]

use linfa::ParamGuard;
use proptest::{collection::vec, prelude::*, test_runner::RngSeed};
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};
use tillstream_clustering::{
    ClusteringError, HalfLife, KMeans, Split, StreamingKMeans, WeightedPoints,
};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn start(points: &WeightedPoints, k: usize) -> StreamingKMeans {
    from_fit(&KMeans::params(k).check().unwrap().fit_points(points).unwrap())
}

fn from_fit(first: &KMeans) -> StreamingKMeans {
    let centroids = first.centroids.rows().into_iter().map(|row| row.to_vec()).collect();
    StreamingKMeans::from_clusters(centroids, first.cluster_weights.clone())
}

/// `n` points of one feature, up to 1 from each centre.
fn around(centres: &[f64], n: usize, seed: u64) -> WeightedPoints {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut unit = || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let points = centres.iter().flat_map(|c| vec![*c; n]).map(|c| c + 2.0 * unit() - 1.0);
    WeightedPoints::unweighted(1, points.collect()).unwrap()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// Batches of two features with weights.
fn batches() -> impl Strategy<Value = Vec<WeightedPoints>> {
    let batch = vec((vec(-50.0..50.0_f64, 2), 0_u32..6), 8..30);
    vec(batch, 2..7).prop_map(|batches| {
        let batch = |rows: Vec<(Vec<f64>, u32)>| {
            let mut weights: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
            // Enough distinct places for the first fit.
            weights[..5].fill(1.0);
            let coordinates = rows.into_iter().flat_map(|row| row.0).collect();
            WeightedPoints::new(2, coordinates, weights).unwrap()
        };
        batches.into_iter().map(batch).collect()
    })
}

/// Sums and weights of the points of each cluster.
fn tally(points: &WeightedPoints, labels: &[u32], k: usize) -> Vec<([f64; 2], f64)> {
    let mut tally = vec![([0.0; 2], 0.0); k];
    for ((point, weight), label) in points.iter().zip(labels) {
        let (sums, total) = &mut tally[*label as usize];
        *total += weight;
        sums.iter_mut().zip(point).for_each(|(sum, x)| *sum += weight * x);
    }
    tally
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn without_forgetting_centroids_are_the_means_of_all_they_were_given(batches in batches()) {
        let first = KMeans::params(3).check().unwrap().fit_points(&batches[0]).unwrap();
        let mut all = tally(&batches[0], &first.labels, 3);
        let mut stream = from_fit(&first);
        for batch in &batches[1..] {
            let update = stream.update(batch, HalfLife::Batches(1e18)).unwrap();
            // Nothing decays, so that only a cluster that never had much can be dying.
            prop_assume!(update.splits.is_empty());
            for (c, (sums, weight)) in tally(batch, &update.labels, 3).into_iter().enumerate() {
                all[c].1 += weight;
                all[c].0.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
            }
            for (c, (sums, weight)) in all.iter().enumerate() {
                prop_assert!(near(stream.weights()[c], *weight));
                for (centroid, sum) in stream.centroids()[c].iter().zip(sums) {
                    prop_assert!(near(*centroid, sum / weight), "{centroid} {}", sum / weight);
                }
            }
        }
    }

    #[test]
    fn without_memory_centroids_are_the_means_of_the_last_batch(batches in batches()) {
        for nothing in [HalfLife::Batches(1e-9), HalfLife::Lines(1e-9)] {
            let mut stream = start(&batches[0], 3);
            for batch in &batches[1..] {
                let before = stream.centroids().to_vec();
                let update = stream.update(batch, nothing).unwrap();
                for (c, (sums, weight)) in tally(batch, &update.labels, 3).iter().enumerate() {
                    if update.splits.iter().any(|split| split.largest == c || split.dying == c) {
                        continue;
                    }
                    prop_assert!(near(stream.weights()[c], *weight));
                    for (j, sum) in sums.iter().enumerate() {
                        let mean = if *weight > 0.0 { sum / weight } else { before[c][j] };
                        prop_assert!(near(stream.centroids()[c][j], mean));
                    }
                }
            }
        }
    }

    #[test]
    fn the_formula_holds_for_any_half_life(batches in batches(), half_life in 0.1..20.0_f64) {
        for half_life in [HalfLife::Batches(half_life), HalfLife::Lines(10.0 * half_life)] {
            let mut stream = start(&batches[0], 3);
            for batch in &batches[1..] {
                let before = stream.clone();
                let alpha = match half_life {
                    HalfLife::Batches(h) => 0.5_f64.powf(1.0 / h),
                    HalfLife::Lines(h) => 0.5_f64.powf(batch.total_weight() / h),
                };
                let update = stream.update(batch, half_life).unwrap();
                prop_assert!(stream.centroids().iter().flatten().all(|c| c.is_finite()));
                prop_assume!(update.splits.is_empty());
                for (c, (sums, m)) in tally(batch, &update.labels, 3).iter().enumerate() {
                    let kept = before.weights()[c] * alpha;
                    prop_assert!(near(stream.weights()[c], kept + m));
                    for (j, sum) in sums.iter().enumerate() {
                        let expected = (before.centroids()[c][j] * kept + sum) / (kept + m);
                        prop_assert!(near(stream.centroids()[c][j], expected));
                    }
                }
                let json = serde_json::to_string(&stream).unwrap();
                let mut read: StreamingKMeans = serde_json::from_str(&json).unwrap();
                prop_assert_eq!(&read, &stream);
                let mut again = stream.clone();
                let more = (again.update(batch, half_life), read.update(batch, half_life));
                prop_assert_eq!(more.0.unwrap(), more.1.unwrap());
                prop_assert_eq!(again, read, "the same batches give the same bits");
            }
        }
    }
}

#[test]
fn a_drift_is_followed_where_the_cumulative_model_lags() {
    let centres = |step: u32| [f64::from(step), 100.0 - f64::from(step)];
    let mut stream = start(&around(&centres(0), 50, 1), 2);
    let mut cumulative = stream.clone();
    for step in 1..=40 {
        let batch = around(&centres(step), 50, u64::from(step));
        stream.update(&batch, HalfLife::Batches(1.0)).unwrap();
        cumulative.update(&batch, HalfLife::Batches(1e18)).unwrap();
    }
    let off = |stream: &StreamingKMeans| {
        let mut centroids: Vec<f64> = stream.centroids().iter().flatten().copied().collect();
        centroids.sort_by(f64::total_cmp);
        (centroids[0] - 40.0).abs().max((centroids[1] - 60.0).abs())
    };
    // With α = 1/2 the lag behind one unit a batch is α / (1 - α) = 1.
    assert!(off(&stream) < 1.5, "{}", off(&stream));
    assert!(off(&cumulative) > 15.0, "{}", off(&cumulative));
}

#[test]
fn the_centroid_of_a_blob_that_ended_is_reused() {
    let mut stream = start(&around(&[0.0, 50.0, 100.0], 40, 1), 3);
    let mut splits = Vec::new();
    // From now on there is nothing at 100, and two blobs where one was, at 50.
    for step in 2..40 {
        let update = stream.update(&around(&[0.0, 45.0, 55.0], 40, step), HalfLife::Batches(1.0));
        splits.extend(update.unwrap().splits.into_iter().map(|split| (step, split)));
    }
    let [(step, Split { largest, dying })] = splits[..] else { panic!("{splits:?}") };
    // 2^-n of 40, against what comes to 160 = 80 / (1 - 1/2) lines: below 10^-4 after 12 batches.
    assert_eq!(step, 13);
    assert_ne!(largest, dying);
    let mut centroids: Vec<f64> = stream.centroids().iter().flatten().copied().collect();
    centroids.sort_by(f64::total_cmp);
    for (centroid, centre) in centroids.iter().zip([0.0, 45.0, 55.0]) {
        assert!((centroid - centre).abs() < 0.5, "{centroids:?}");
    }
}

#[test]
fn a_largest_cluster_on_one_spot_is_not_split() {
    let two = WeightedPoints::new(1, vec![0.0, 9.0], vec![1.0, 1.0]).unwrap();
    let mut stream = start(&two, 2);
    let one = WeightedPoints::new(1, vec![0.0, 0.0], vec![5e6, 5e6]).unwrap();
    assert!(stream.update(&one, HalfLife::Batches(1.0)).unwrap().splits.is_empty());
    let mut centroids = stream.centroids().concat();
    centroids.sort_by(f64::total_cmp);
    assert_eq!(centroids, [0.0, 9.0]);
}

#[test]
fn many_empty_batches_leave_no_nan() {
    let mut stream = start(&around(&[0.0, 50.0], 10, 1), 2);
    let before = stream.centroids().to_vec();
    for _ in 0..3_000 {
        stream.pass(HalfLife::Batches(1.0));
    }
    assert_eq!((stream.centroids(), stream.weights()), (&before[..], &[0.0, 0.0][..]));
    assert_eq!(stream.batches(), 3_001);
    let update = stream.update(&around(&[1.0, 51.0], 10, 2), HalfLife::Batches(1.0)).unwrap();
    assert!(update.splits.is_empty());
    assert_eq!(stream.weights(), [10.0, 10.0]);
    let mut lines = start(&around(&[0.0, 50.0], 10, 1), 2);
    lines.pass(HalfLife::Lines(5.0));
    assert_eq!(lines.weights(), [10.0, 10.0], "no line has passed");
}

#[test]
fn points_of_another_dimension_are_refused() {
    let mut stream = start(&around(&[0.0, 50.0], 10, 1), 2);
    let before = stream.clone();
    let two = WeightedPoints::unweighted(2, vec![1.0, 2.0]).unwrap();
    let error = stream.update(&two, HalfLife::Batches(1.0)).unwrap_err();
    assert!(matches!(error, ClusteringError::Features { given: 2, expected: 1 }));
    assert_eq!(stream, before);
}
