//! What the search finds beyond the iterations of one start.

#![allow(clippy::unwrap_used, missing_docs)]

use linfa::ParamGuard;
use proptest::{collection::vec, prelude::*, test_runner::RngSeed};
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;
use tillstream_clustering::{KMeans, KMeansInit, KMeansParams, WeightedPoints};

fn fit(params: KMeansParams, points: &WeightedPoints) -> KMeans {
    params.check().unwrap().fit_points(points).unwrap()
}

/// `n` points around each of `centres` (k x d), at a standard deviation of 1.
fn around(centres: &[Vec<f64>], n: usize, seed: u64) -> WeightedPoints {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let point = |c: &f64| c + rng.sample::<f64, _>(StandardNormal);
    let all = (0..n).flat_map(|_| centres.iter().flatten());
    WeightedPoints::unweighted(centres[0].len(), all.map(point).collect()).unwrap()
}

/// The SSE of the clusters that [`around`] made.
fn planted_sse(points: &WeightedPoints, k: usize) -> f64 {
    let mut means = vec![vec![0.0; points.d()]; k];
    for (index, (point, _)) in points.iter().enumerate() {
        means[index % k].iter_mut().zip(point).for_each(|(mean, x)| *mean += x);
    }
    let n = (points.n() / k) as f64;
    let squared = |(index, (point, _)): (usize, (&[f64], f64))| {
        point.iter().zip(&means[index % k]).map(|(x, mean)| (x - mean / n).powi(2)).sum::<f64>()
    };
    points.iter().enumerate().map(squared).sum()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_point_alone_would_lower_the_sse_in_another_cluster(
        d in 1_usize..10,
        k in 2_usize..7,
        seed: u64,
        values in vec(-9.0..9.0_f64, 360),
        weights in vec(prop_oneof![1_u32..4, 1_u32..300], 360),
    ) {
        let n = 360 / d;
        let weights: Vec<f64> = weights[..n].iter().map(|w| f64::from(*w)).collect();
        let points = WeightedPoints::new(d, values[..n * d].to_vec(), weights).unwrap();
        let fit = fit(KMeans::params(k).seed(seed).n_init(2), &points);
        for ((point, w), label) in points.iter().zip(&fit.labels) {
            let squared = |c: usize| -> f64 {
                point.iter().zip(fit.centroids.row(c)).map(|(x, m)| (x - m).powi(2)).sum()
            };
            let own = *label as usize;
            let rest = fit.cluster_weights[own] - w;
            if rest < 0.5 {
                continue;
            }
            let leave = w * fit.cluster_weights[own] / rest * squared(own);
            for other in (0..k).filter(|other| *other != own) {
                let of_other = fit.cluster_weights[other];
                let enter = w * of_other / (of_other + w) * squared(other);
                prop_assert!(leave - enter < 1e-8 * fit.sse, "{} of {}", leave - enter, fit.sse);
            }
        }
    }
}

#[test]
fn offspring_find_what_starts_alone_miss() {
    // Fewer clusters than overlapping centres: many ways to join them, all fixed points.
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut centre = || (0..8).map(|_| 2.0 * rng.sample::<f64, _>(StandardNormal)).collect();
    let centres: Vec<Vec<f64>> = (0..24).map(|_| centre()).collect();
    let points = around(&centres, 60, 2);
    let sse = |seed, n_init| fit(KMeans::params(16).seed(seed).n_init(n_init), &points).sse;
    let alone: Vec<f64> = (100..160).map(|seed| sse(seed, 1)).collect();
    let best = alone.iter().copied().fold(f64::INFINITY, f64::min);
    for seed in 1..=4 {
        let searched = sse(seed, 10);
        assert!(searched <= best, "seed {seed}: {searched}, and {best} from sixty starts");
    }
    let best_of_ten = alone.chunks(10).map(|ten| ten.iter().copied().fold(f64::INFINITY, f64::min));
    let misses = best_of_ten.filter(|sse| *sse > best * 1.002).count();
    assert!(misses > 3, "ten starts miss it only {misses} times of six, which proves little");
}

#[test]
fn many_points_lead_to_the_clusters_that_were_planted() {
    // So many that the search is on a sample; the last cluster has a thousandth of the points.
    let centres: Vec<Vec<f64>> = (0..12).map(|c| vec![30.0 * f64::from(c); 5]).collect();
    let many = around(&centres[..11], 6_000, 3);
    let few = around(&centres[11..], 66, 4);
    let coordinates = [many.coordinates(), few.coordinates()].concat();
    let points = WeightedPoints::unweighted(5, coordinates).unwrap();
    let planted = planted_sse(&many, 11) + planted_sse(&few, 1);
    for seed in 1..=3 {
        let fit = fit(KMeans::params(12).seed(seed), &points);
        assert!(fit.converged);
        assert!((fit.sse - planted).abs() < 1e-9 * planted, "{} instead of {planted}", fit.sse);
        assert!(fit.cluster_weights.contains(&66.0), "{:?}", fit.cluster_weights);
    }
}

#[test]
fn more_clusters_than_a_sample_has_places_are_found_among_all_points() {
    // All but 30 of 80,000 points are at two places far from each other, where no sample looks closely.
    let place = |i: u32| if i < 30 { f64::from(1 + i) } else { f64::from(i % 2) * 1e6 };
    let points = WeightedPoints::unweighted(1, (0..80_000).map(place).collect()).unwrap();
    let fit = fit(KMeans::params(32), &points);
    assert_eq!(fit.sse, 0.0);
}

#[test]
fn given_centroids_are_not_searched_beyond() {
    // Two pairs, and a start that is a fixed point of Lloyd's iterations across them.
    let points =
        WeightedPoints::unweighted(2, vec![0.0, 0.0, 0.0, 2.0, 9.0, 0.0, 9.0, 2.0]).unwrap();
    let across = ndarray::array![[4.5, 0.0], [4.5, 2.0]];
    let given = fit(KMeans::params(2).init(KMeansInit::Precomputed(across.clone())), &points);
    assert_eq!((given.centroids, given.sse), (across, 81.0));
    assert_eq!(fit(KMeans::params(2), &points).sse, 4.0);
}
