//! A stratified sample of the observations.

use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};

use super::partition::{Members, Partition};
use crate::points::WeightedPoints;

/// Fixed, so that an evaluation depends on points and labels only.
const SEED: u64 = 1;

/// For each cluster the distinct points to look at, each with the number of its observations among
/// them: all points if there are at most `size`, or else a sample of about `size` observations.
///
/// The clusters are the strata (W. Cochran, "Sampling Techniques", 3rd edition 1977, chapter 5): half
/// of the sample is shared equally between them, so that a small cluster is known as well as a large
/// one, and half by weight. A cluster with no more points than its share is taken whole. Within the
/// others the draw is systematic (chapter 8): one observation in so many, in the order of the points,
/// from a random start.
pub(super) fn sample(partition: &Partition<'_>, size: usize) -> Vec<Vec<(usize, f64)>> {
    let Partition { points, clusters } = partition;
    let exact = clusters.iter().map(|cluster| cluster.points.len()).sum::<usize>() <= size;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    clusters
        .iter()
        .map(|cluster| {
            let share = 1.0 / clusters.len() as f64 + cluster.weight / points.total_weight();
            let share = (0.5 * size as f64 * share).ceil().max(2.0);
            if exact || cluster.points.len() as f64 <= share {
                cluster.points.iter().map(|i| (*i, points.weight(*i))).collect()
            } else {
                draw(points, cluster, share, &mut rng)
            }
        })
        .collect()
}

/// Draws `size` observations.
fn draw(
    points: &WeightedPoints,
    cluster: &Members,
    size: f64,
    rng: &mut Xoshiro256PlusPlus,
) -> Vec<(usize, f64)> {
    let step = cluster.weight / size;
    let start = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let (mut passed, mut drawn) = (0.0, 0.0);
    let mut sample = Vec::new();
    for i in &cluster.points {
        passed += points.weight(*i);
        let until = (passed / step + start).floor().min(size);
        if until > drawn {
            sample.push((*i, until - drawn));
            drawn = until;
        }
    }
    sample
}
