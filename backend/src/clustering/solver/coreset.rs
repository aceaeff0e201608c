//! A small weighted sample that stands for many points.
//!
//! O. Bachem, M. Lucic, A. Krause, "Scalable k-Means Clustering via Lightweight Coresets", KDD 2018:
//! points are drawn with a probability of half their share of the weight plus half their share of the
//! squared distances to the mean, and weigh the inverse. The SSE of any k centroids over the sample is
//! near that over all points. Here they are drawn at even steps through the points in their order
//! instead of independently, so that every region gets its part.

use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::{
    blocks::{Blocks, Chunk},
    init::unit,
    kernels,
};
use crate::clustering::{
    WeightedPoints,
    lanes::{LANES, for_dimension},
};

/// Points in a sample, at least.
const SAMPLE: usize = 16_384;
/// Points in a sample for each cluster, at least.
const FOR_EACH_CLUSTER: usize = 256;

/// A sample of `blocks`; `None` when there are too few points for one to be worth while.
pub(super) fn coreset(
    blocks: &Blocks,
    k: usize,
    rng: &mut Xoshiro256PlusPlus,
) -> Option<WeightedPoints> {
    let size = SAMPLE.max(k.saturating_mul(FOR_EACH_CLUSTER));
    if !blocks.is_shared() || blocks.n() / 2 < size {
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
    let scale = Scale { weight: 0.5 * size as f64 / weight, error: 0.5 * size as f64 / error };

    // Where the steps of 1 fall, from a random first one.
    let mut before = unit(rng);
    let starts: Vec<f64> = shares
        .iter()
        .map(|(weight, error)| {
            let start = before;
            before += scale.weight * weight + scale.error * error;
            start
        })
        .collect();
    let drawn: Vec<(Vec<f64>, Vec<f64>)> = starts
        .into_par_iter()
        .enumerate()
        .map(|(index, start)| draw(blocks.chunk(index), mean, scale, start))
        .collect();
    let (coordinates, weights): (Vec<_>, Vec<_>) = drawn.into_iter().unzip();
    WeightedPoints::new(d, coordinates.concat(), weights.concat()).ok()
}

/// How many times a point is drawn for its weight and for its squared distance to the mean.
#[derive(Clone, Copy)]
struct Scale {
    weight: f64,
    error: f64,
}

/// Coordinates and weights of the points of a chunk on which steps fall.
fn draw(chunk: Chunk<'_>, mean: &[f64], scale: Scale, start: f64) -> (Vec<f64>, Vec<f64>) {
    let d = mean.len();
    let (mut coordinates, mut weights) = (Vec::new(), Vec::new());
    let mut at = start;
    for (columns, w) in chunk.x.chunks_exact(d).zip(chunk.w) {
        for lane in 0..LANES {
            let squared = columns.iter().zip(mean).map(|(x, m)| (x[lane] - m) * (x[lane] - m));
            let expected = w[lane] * (scale.weight + scale.error * squared.sum::<f64>());
            let next = at + expected;
            let times = next.floor() - at.floor();
            if times > 0.0 {
                coordinates.extend(columns.iter().map(|column| column[lane]));
                weights.push(w[lane] * times / expected);
            }
            at = next;
        }
    }
    (coordinates, weights)
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::rand_core::SeedableRng;

    use super::*;
    use crate::clustering::points::squared_distance;

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
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let sample = coreset(&Blocks::new(&points), 3, &mut rng).unwrap();

        assert!((SAMPLE / 2..=SAMPLE).contains(&sample.n()), "{}", sample.n());
        assert!(sample.iter().any(|(x, w)| x == [9e3, -9e3] && (w - 8.0).abs() < 0.1));
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
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let few = WeightedPoints::unweighted(1, (0..9_000).map(f64::from).collect()).unwrap();
        assert!(coreset(&Blocks::new(&few), 2, &mut rng).is_none());
        let equal = WeightedPoints::unweighted(1, vec![0.1; 90_000]).unwrap();
        assert!(coreset(&Blocks::new(&equal), 2, &mut rng).is_none());
    }
}
