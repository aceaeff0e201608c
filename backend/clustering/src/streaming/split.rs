//! Two halves of one cluster.

use crate::{points::WeightedPoints, sum::sum};

/// Rounds of the power iteration; it stops earlier when the direction stands still.
const MAX_ITERATIONS: usize = 100;

/// One half of a cluster.
#[derive(Debug)]
pub(super) struct Half {
    /// Its mean, from the cluster's mean in the batch.
    pub(super) offset: Vec<f64>,
    /// Its share of the cluster's weight; of both halves together 1.
    pub(super) share: f64,
    /// Indices of its points.
    pub(super) members: Vec<usize>,
}

/// Both halves of a cluster.
#[derive(Debug)]
pub(super) struct Halves {
    pub(super) first: Half,
    pub(super) second: Half,
}

/// Cuts the points of `cluster` through their mean, across the direction of their greatest
/// variance. `None` when they have no two places.
pub(super) fn halves(points: &WeightedPoints, labels: &[u32], cluster: u32) -> Option<Halves> {
    let members: Vec<usize> =
        (0..points.n()).filter(|&i| labels[i] == cluster && points.weight(i) > 0.0).collect();
    if members.is_empty() {
        return None;
    }
    let mean = mean(points, &members);
    let covariance = covariance(points, &members, &mean);
    let direction = main_direction(&covariance)?;
    let side = |&i: &usize| {
        let offsets = points.point(i).iter().zip(&mean).map(|(x, m)| x - m);
        offsets.zip(&direction).map(|(x, u)| x * u).sum::<f64>() < 0.0
    };
    let total = weight(points, &members);
    let (first, second): (Vec<usize>, Vec<usize>) = members.into_iter().partition(side);
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let half = |members: Vec<usize>| {
        let own = self::mean(points, &members);
        let offset = own.iter().zip(&mean).map(|(x, m)| x - m).collect();
        Half { offset, share: weight(points, &members) / total, members }
    };
    Some(Halves { first: half(first), second: half(second) })
}

fn weight(points: &WeightedPoints, members: &[usize]) -> f64 {
    sum(members.iter().map(|&i| points.weight(i)))
}

fn mean(points: &WeightedPoints, members: &[usize]) -> Vec<f64> {
    let weight = weight(points, members);
    let total = |j: usize| sum(members.iter().map(|&i| points.weight(i) * points.point(i)[j]));
    (0..points.d()).map(|j| total(j) / weight).collect()
}

/// d x d, up to a factor.
fn covariance(points: &WeightedPoints, members: &[usize], mean: &[f64]) -> Vec<Vec<f64>> {
    let product = |i: usize, a: usize, b: usize| {
        let point = points.point(i);
        points.weight(i) * ((point[a] - mean[a]) * (point[b] - mean[b]))
    };
    let entry = |a: usize, b: usize| sum(members.iter().map(|&i| product(i, a, b)));
    (0..mean.len()).map(|a| (0..mean.len()).map(|b| entry(a, b)).collect()).collect()
}

/// The eigenvector of the largest eigenvalue by power iteration, from the column of the feature
/// that varies most. `None` when nothing varies.
fn main_direction(covariance: &[Vec<f64>]) -> Option<Vec<f64>> {
    let diagonal = |a: &usize| covariance[*a][*a];
    let features = 0..covariance.len();
    // Of features that vary alike the first.
    let widest = features.rev().max_by(|a, b| diagonal(a).total_cmp(&diagonal(b)))?;
    let mut direction = normalised(covariance[widest].clone())?;
    for _ in 0..MAX_ITERATIONS {
        let row = |row: &Vec<f64>| row.iter().zip(&direction).map(|(c, u)| c * u).sum();
        let next = normalised(covariance.iter().map(row).collect())?;
        if next == direction {
            break;
        }
        direction = next;
    }
    Some(direction)
}

/// Length 1; `None` when there is no length, or none that can be computed with.
fn normalised(mut vector: Vec<f64>) -> Option<Vec<f64>> {
    let largest = vector.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    if !(largest > 0.0 && largest.is_finite()) {
        return None;
    }
    // By the largest first, so that squares neither overflow nor vanish.
    vector.iter_mut().for_each(|x| *x /= largest);
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
    Some(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cut_is_across_the_longest_direction() {
        // Long along the diagonal, and another cluster's point far away.
        let coordinates = vec![0.0, 0.1, 1.0, 0.9, 4.0, 4.1, 5.0, 4.9, 99.0, -99.0];
        let points = WeightedPoints::new(2, coordinates, vec![1.0, 3.0, 2.0, 2.0, 7.0]).unwrap();
        let halves = halves(&points, &[4, 4, 4, 4, 0], 4).unwrap();
        let mut sides = [halves.first.members.clone(), halves.second.members.clone()];
        sides.sort();
        assert_eq!(sides, [[0, 1], [2, 3]]);
        for j in 0..2 {
            let balance = halves.first.offset[j] * halves.first.share
                + halves.second.offset[j] * halves.second.share;
            assert!(balance.abs() < 1e-12, "the mean of the halves is the mean of the whole");
        }
        assert_eq!(halves.first.share + halves.second.share, 1.0);
    }

    #[test]
    fn one_place_is_not_cut() {
        let points = WeightedPoints::unweighted(2, vec![0.1, 0.3, 0.1, 0.3, 9.0, 9.0]).unwrap();
        assert!(halves(&points, &[0, 0, 1], 0).is_none());
        assert!(halves(&points, &[0, 0, 1], 2).is_none());
    }
}
