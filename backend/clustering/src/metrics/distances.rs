//! How far every point is from the points of every cluster, all pairs of points at half the price: the
//! distance of two counts for both.
//!
//! The groups of points are cut into tiles, and tiles meet in rounds as players do in a tournament
//! (the circle method). In a round every tile meets one other, so that threads need no locks, and every
//! sum is made in the order of the rounds, whoever does the work.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::lanes::{LANES, Lanes, for_dimension, squared_distances, total};

/// Groups in a tile: enough to outweigh the start of a round, few enough to stay in a near cache.
const GROUPS_PER_TILE: usize = 32;

/// For every group, and in it for every cluster, Σ w · distance from each of its points to the points
/// of that cluster.
///
/// `x` has d columns a group and `w` one entry; `clusters` says to which of the `k` clusters all points
/// of a group belong. The result has k entries a group.
pub(super) fn distance_sums(
    d: usize,
    x: &[Lanes],
    w: &[Lanes],
    clusters: &[usize],
    k: usize,
) -> Vec<Lanes> {
    let groups = x
        .chunks(GROUPS_PER_TILE * d)
        .zip(w.chunks(GROUPS_PER_TILE))
        .zip(clusters.chunks(GROUPS_PER_TILE));
    let mut tiles: Vec<Tile<'_>> =
        groups.enumerate().map(|(at, ((x, w), own))| Tile::new(at, d, x, w, own, k)).collect();
    tiles.par_iter_mut().for_each(|tile| for_dimension!(d, D => within::<D>(tile)));
    if tiles.len() % 2 == 1 {
        // Whoever meets this one has a round off.
        tiles.push(Tile::new(tiles.len(), d, &[], &[], &[], k));
    }
    let half = tiles.len() / 2;
    for _ in 1..tiles.len() {
        let (front, back) = tiles.split_at_mut(half);
        let pairs = front.par_iter_mut().zip(back.par_iter_mut().rev());
        pairs.for_each(|(a, b)| for_dimension!(d, D => between::<D>(a, b)));
        tiles[1..].rotate_right(1);
    }
    tiles.sort_unstable_by_key(|tile| tile.at);
    tiles.into_iter().flat_map(|tile| tile.sums).collect()
}

/// A run of groups.
struct Tile<'a> {
    /// Its place among the tiles.
    at: usize,
    d: usize,
    k: usize,
    /// d columns a group.
    x: &'a [Lanes],
    w: &'a [Lanes],
    /// The cluster of every group.
    clusters: &'a [usize],
    /// The points of `x` one after the other.
    rows: Vec<f64>,
    /// k entries a group.
    sums: Vec<Lanes>,
}

impl<'a> Tile<'a> {
    fn new(
        at: usize,
        d: usize,
        x: &'a [Lanes],
        w: &'a [Lanes],
        clusters: &'a [usize],
        k: usize,
    ) -> Self {
        let row = |group: &'a [Lanes], lane: usize| group.iter().map(move |column| column[lane]);
        let rows = x.chunks_exact(d).flat_map(|group| (0..LANES).flat_map(move |i| row(group, i)));
        Self {
            at,
            d,
            k,
            x,
            w,
            clusters,
            rows: rows.collect(),
            sums: vec![[0.0; LANES]; w.len() * k],
        }
    }
}

/// Adds the distances between the points of two tiles to the sums of both.
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
fn between<const D: usize>(a: &mut Tile<'_>, b: &mut Tile<'_>) {
    let d = if D == 0 { a.d } else { D };
    for (group, points) in b.rows.chunks_exact(LANES * d).enumerate() {
        let (cluster, weights) = (b.clusters[group], b.w[group]);
        let sums = &mut b.sums[group * b.k..][..b.k];
        let mut first = 0;
        while first < a.w.len() {
            // Over the groups of one cluster.
            let own = a.clusters[first];
            let mut far = [[0.0; LANES]; LANES];
            while first < a.w.len() && a.clusters[first] == own {
                let (columns, w) = (&a.x[first * d..][..d], &a.w[first]);
                let mut near = [0.0; LANES];
                for (point, row) in points.chunks_exact(d).enumerate() {
                    let squared = squared_distances(columns, row);
                    for lane in 0..LANES {
                        let distance = squared[lane].sqrt();
                        near[lane] += weights[point] * distance;
                        far[point][lane] += w[lane] * distance;
                    }
                }
                let sum = &mut a.sums[first * a.k + cluster];
                for lane in 0..LANES {
                    sum[lane] += near[lane];
                }
                first += 1;
            }
            for (sum, far) in sums[own].iter_mut().zip(far) {
                *sum += total(far);
            }
        }
    }
}

/// Adds the distances between the points of one tile to its sums.
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
fn within<const D: usize>(tile: &mut Tile<'_>) {
    let d = if D == 0 { tile.d } else { D };
    for (columns, sums) in tile.x.chunks_exact(d).zip(tile.sums.chunks_exact_mut(tile.k)) {
        let groups = tile.rows.chunks_exact(LANES * d).zip(tile.w).zip(tile.clusters);
        for ((points, weights), cluster) in groups {
            let mut near = [0.0; LANES];
            for (row, weight) in points.chunks_exact(d).zip(weights) {
                let squared = squared_distances(columns, row);
                for lane in 0..LANES {
                    near[lane] += weight * squared[lane].sqrt();
                }
            }
            let sum = &mut sums[*cluster];
            for lane in 0..LANES {
                sum[lane] += near[lane];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tillstream_shared::squared_distance;

    use super::*;

    #[test]
    fn every_pair_counts_once_for_both() {
        // From a part of one tile to five tiles, whose clusters begin in their middle.
        for (d, groups, k) in [(2, 7, 2), (1, 64, 3), (3, 80, 4), (9, 150, 3)] {
            let number = |i: usize, m: usize| (i * 7919 % m) as f64 * 0.37;
            let x: Vec<Lanes> = (0..groups * d)
                .map(|at| std::array::from_fn(|lane| number(at * LANES + lane, 1013)))
                .collect();
            let w: Vec<Lanes> =
                (0..groups).map(|at| std::array::from_fn(|lane| number(at + lane, 5))).collect();
            let clusters: Vec<usize> = (0..groups).map(|at| at * k / groups).collect();
            let point = |i: usize| -> Vec<f64> {
                x[i / LANES * d..][..d].iter().map(|column| column[i % LANES]).collect()
            };
            let sums = distance_sums(d, &x, &w, &clusters, k);
            for i in (0..groups * LANES).step_by(13) {
                let mut expected = vec![0.0; k];
                for j in 0..groups * LANES {
                    let distance = squared_distance(&point(i), &point(j)).sqrt();
                    expected[clusters[j / LANES]] += w[j / LANES][j % LANES] * distance;
                }
                for (c, expected) in expected.into_iter().enumerate() {
                    let sum = sums[i / LANES * k + c][i % LANES];
                    assert!((sum - expected).abs() <= 1e-12 * expected, "{sum} {expected}");
                }
            }
        }
    }
}
