//! A small weighted sample that stands for many points.
//!
//! O. Bachem, M. Lucic, A. Krause, "Scalable k-Means Clustering via Lightweight Coresets", KDD 2018:
//! points are drawn with a probability of half their share of the weight plus half their share of the
//! squared distances to the mean, and weigh the inverse. The SSE of any k centroids over the sample is
//! near that over all points. Here the points in their order are cut into as many strata of the same
//! probability as points are drawn, one of each stratum, so that every region is represented.

use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
use rayon::prelude::*;

use super::{
    blocks::{Blocks, Chunk},
    init::unit,
    kernels,
};
use crate::{
    lanes::{LANES, for_dimension},
    points::WeightedPoints,
};

/// Points in a sample for each cluster, from [`MIN_SIZE`] to [`MAX_SIZE`] in all.
const POINTS_PER_CLUSTER: usize = 1_024;
/// The fewest points in a sample.
const MIN_SIZE: usize = 4_096;
/// The most points in a sample for few clusters: more hardly rank two solutions any better.
const MAX_SIZE: usize = 16_384;
/// The fewest points for each cluster, whatever [`MAX_SIZE`] says.
const MIN_POINTS_PER_CLUSTER: usize = 256;
/// All points must be at least this many times the sample.
const MIN_REDUCTION: usize = 4;

/// A sample of `blocks`; `None` when there are too few points to gain from one.
pub(super) fn coreset(blocks: &Blocks, k: usize, seed: u64) -> Option<WeightedPoints> {
    let size = k.saturating_mul(POINTS_PER_CLUSTER).clamp(MIN_SIZE, MAX_SIZE);
    let size = size.max(k.saturating_mul(MIN_POINTS_PER_CLUSTER));
    if blocks.n() / MIN_REDUCTION < size {
        return None;
    }
    let (d, mean) = (blocks.d(), blocks.mean());
    let shares: Vec<(f64, f64)> = (0..blocks.chunks())
        .into_par_iter()
        .map(|index| {
            let chunk = blocks.chunk(index);
            let weight = chunk.w.as_flattened().iter().sum();
            (weight, for_dimension!(d, D => kernels::errors::<D>(chunk, mean)))
        })
        .collect();
    let weight: f64 = shares.iter().map(|share| share.0).sum();
    let error: f64 = shares.iter().map(|share| share.1).sum();
    if error == 0.0 {
        return None;
    }
    let half = 0.5 * size as f64;
    let sampling = Sampling { seed, of_weight: half / weight, of_error: half / error };

    let mut before = 0.0;
    let starts: Vec<f64> = shares
        .iter()
        .map(|(weight, error)| {
            let start = before;
            before += sampling.of_weight * weight + sampling.of_error * error;
            start
        })
        .collect();
    let drawn: Vec<(Vec<f64>, Vec<f64>)> = starts
        .into_par_iter()
        .enumerate()
        .map(|(index, start)| sampling.draw(blocks.chunk(index), mean, start))
        .collect();
    let (coordinates, weights): (Vec<_>, Vec<_>) = drawn.into_iter().unzip();
    WeightedPoints::new(d, coordinates.concat(), weights.concat()).ok()
}

/// How points are drawn. A point is expected as often as its weight and its squared distance to the mean
/// say. These numbers are summed in the order of the points, and each stratum of 1 in the sum holds one
/// place, at random, where the point that reaches over it is drawn.
#[derive(Clone, Copy)]
struct Sampling {
    seed: u64,
    /// How often for each unit of weight.
    of_weight: f64,
    /// How often for each unit of weight x squared distance.
    of_error: f64,
}

impl Sampling {
    /// Coordinates and weights of the points that are drawn from a chunk; `start` is the sum up to it.
    fn draw(&self, chunk: Chunk<'_>, mean: &[f64], start: f64) -> (Vec<f64>, Vec<f64>) {
        let d = mean.len();
        let (mut coordinates, mut weights) = (Vec::new(), Vec::new());
        let mut at = start;
        let mut stratum = start as u64;
        for (columns, w) in chunk.x.chunks_exact(d).zip(chunk.w) {
            for lane in 0..LANES {
                let squared = columns.iter().zip(mean).map(|(x, m)| (x[lane] - m) * (x[lane] - m));
                let expected = w[lane] * (self.of_weight + self.of_error * squared.sum::<f64>());
                let end = at + expected;
                let mut draws = 0.0;
                while self.place(stratum) < end {
                    draws += if self.place(stratum) >= at { 1.0 } else { 0.0 };
                    stratum += 1;
                }
                if draws > 0.0 {
                    coordinates.extend(columns.iter().map(|column| column[lane]));
                    weights.push(w[lane] * draws / expected);
                }
                at = end;
            }
        }
        (coordinates, weights)
    }

    /// Where in stratum `index` a point is drawn.
    fn place(&self, index: u64) -> f64 {
        let mut rng = SplitMix64::seed_from_u64(self.seed.wrapping_add(index));
        index as f64 + unit(&mut rng)
    }
}

#[cfg(test)]
mod tests {
    use tillstream_shared::squared_distance;

    use super::*;

    /// Σ w · squared distance to the nearest of `centroids`.
    fn sse(points: &WeightedPoints, centroids: &[[f64; 2]]) -> f64 {
        let nearest = |(x, w): (&[f64], f64)| {
            let squared = centroids.iter().map(|c| squared_distance(x, c));
            w * squared.fold(f64::INFINITY, f64::min)
        };
        points.iter().map(nearest).sum()
    }

    #[test]
    fn a_sample_stands_for_all_points() {
        // A grid of 300 x 300, heavier to one side, and one point far away.
        let n = 90_000;
        let place = |i: u32| if i == 7 { [9e3, -9e3] } else { [i % 300, i / 300].map(f64::from) };
        let coordinates = (0..n).flat_map(place).collect();
        let weights = (0..n).map(|i| f64::from(1 + i % 300)).collect();
        let points = WeightedPoints::new(2, coordinates, weights).unwrap();
        let sample = coreset(&Blocks::new(&points), 3, 3).unwrap();

        assert!((MIN_SIZE / 2..=MIN_SIZE).contains(&sample.n()), "{}", sample.n());
        assert!(sample.iter().any(|(x, w)| x == [9e3, -9e3] && (w - 8.0).abs() < 0.8));
        assert!((sample.total_weight() / points.total_weight() - 1.0).abs() < 0.01);
        for centroids in [
            [[50.0, 50.0], [250.0, 50.0], [150.0, 250.0]],
            [[290.0, 10.0], [9e3, -9e3], [100.0, 150.0]],
            [[-40.0, 0.0], [-50.0, 300.0], [-60.0, 100.0]],
        ] {
            let ratio = sse(&sample, &centroids) / sse(&points, &centroids);
            assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
        }
    }

    #[test]
    fn few_points_and_equal_points_have_no_sample() {
        let few = WeightedPoints::unweighted(1, (0..9_000).map(f64::from).collect()).unwrap();
        assert!(coreset(&Blocks::new(&few), 2, 3).is_none());
        let equal = WeightedPoints::unweighted(1, vec![0.1; 90_000]).unwrap();
        assert!(coreset(&Blocks::new(&equal), 2, 3).is_none());
    }

    #[test]
    fn points_that_take_turns_are_all_drawn() {
        // Five features are not ordered; six places take turns, and one of six points is drawn.
        let places =
            (0..6 * 6 * POINTS_PER_CLUSTER as u32).map(|i| i % 6).flat_map(|i| [f64::from(i); 5]);
        let points = WeightedPoints::unweighted(5, places.collect()).unwrap();
        let sample = coreset(&Blocks::new(&points), 6, 3).unwrap();
        for place in 0..6 {
            let of_place = sample.iter().filter(|(x, _)| x[0] == f64::from(place));
            let weight: f64 = of_place.map(|(_, w)| w).sum();
            assert!((weight / points.total_weight() * 6.0 - 1.0).abs() < 0.1, "{place}: {weight}");
        }
    }
}
