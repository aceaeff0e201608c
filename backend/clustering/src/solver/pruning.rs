//! Pruning: which clusters the points of a chunk can belong to at all.
//!
//! The points of a chunk lie in a box. Where the whole box is nearer to one centroid than to another,
//! the other is pruned for all of its points: the filtering algorithm of T. Kanungo et
//! al., "An Efficient k-Means Clustering Algorithm: Analysis and Implementation", IEEE Transactions
//! on Pattern Analysis and Machine Intelligence 24, 2002, on one level of boxes. The labels come out
//! as if every centroid had been looked at, to the bit.

use multiversion::multiversion;

use super::blocks::Chunk;
use crate::lanes::{LANES, Lanes, for_dimension, larger};

/// k centroids, both one after the other and in groups of [`LANES`].
#[derive(Debug)]
pub(super) struct Centroids {
    d: usize,
    /// Row-major, k x d.
    rows: Vec<f64>,
    /// Group g, feature j at g · d + j; the last group is filled up with infinities.
    columns: Vec<Lanes>,
}

impl Centroids {
    /// Takes row-major k x d numbers.
    pub(super) fn new(d: usize, rows: Vec<f64>) -> Self {
        let groups = (rows.len() / d).div_ceil(LANES);
        let mut centroids = Self { d, rows, columns: vec![[f64::INFINITY; LANES]; groups * d] };
        centroids.update(|_| ());
        centroids
    }

    /// Number of centroids.
    pub(super) fn k(&self) -> usize {
        self.rows.len() / self.d
    }

    /// The d coordinates of centroid `c`.
    pub(super) fn row(&self, c: u32) -> &[f64] {
        &self.rows[c as usize * self.d..][..self.d]
    }

    /// Lets `change` write the row-major k x d numbers.
    pub(super) fn update(&mut self, change: impl FnOnce(&mut [f64])) {
        change(&mut self.rows);
        for (c, row) in self.rows.chunks_exact(self.d).enumerate() {
            let columns = &mut self.columns[c / LANES * self.d..][..self.d];
            for (column, value) in columns.iter_mut().zip(row) {
                column[c % LANES] = *value;
            }
        }
    }

    /// The row-major k x d numbers.
    pub(super) fn rows(&self) -> &[f64] {
        &self.rows
    }

    /// The row-major k x d numbers.
    pub(super) fn into_rows(self) -> Vec<f64> {
        self.rows
    }

    /// Puts into `unpruned` the clusters, ascending, that a point in the box of `chunk` can belong to.
    pub(super) fn unpruned(&self, chunk: Chunk<'_>, unpruned: &mut Vec<u32>) {
        unpruned.clear();
        for_dimension!(self.d, D => prune::<D>(chunk.low, chunk.high, &self.columns, unpruned));
        // Infinities that fill up the last group stay in where squared distances overflow.
        while unpruned.last().is_some_and(|c| *c as usize >= self.k()) {
            unpruned.pop();
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
fn prune<const D: usize>(low: &[f64], high: &[f64], columns: &[Lanes], unpruned: &mut Vec<u32>) {
    let d = if D == 0 { low.len() } else { D };
    let (low, high) = (&low[..d], &high[..d]);
    let own = nearest_to_centre(low, high, columns);
    let own = |j: usize| columns[own / LANES * d + j][own % LANES];

    // How far the farthest corner is from the own centroid, squared.
    let mut farthest = 0.0;
    for j in 0..d {
        let t = larger(own(j) - low[j], high[j] - own(j));
        farthest += t * t;
    }
    // Let D and O be the squared distances of a point of the box to another centroid and to the own
    // one. Computed with unit roundoff u = ε / 2, each is off by at most (d + 2) u of itself, and
    // `lead`, the smallest D - O of all points, by (d + 3) u (D + O). As O ≤ farthest, a lead above
    // this margin outweighs both. The last term is for results so small that their error is an
    // absolute one.
    let factor = 16.0 * (d + 4) as f64;
    let margin = factor * (f64::EPSILON * farthest + f64::MIN_POSITIVE);

    for (group, centroids) in columns.chunks_exact(d).enumerate() {
        let mut lead = [0.0; LANES];
        for j in 0..d {
            let own = own(j);
            for lane in 0..LANES {
                let other = centroids[j][lane];
                // D - O is linear in every feature: the corner on the other's side has the least.
                let corner = if other > own { high[j] } else { low[j] };
                lead[lane] += (corner - other) * (corner - other) - (corner - own) * (corner - own);
            }
        }
        // NaN, from an overflow, prunes nothing.
        let pruned = lead.map(|lead| lead > margin);
        if pruned != [true; LANES] {
            let first = (group * LANES) as u32;
            unpruned.extend((first..).zip(pruned).filter(|(_, pruned)| !pruned).map(|(c, _)| c));
        }
    }
}

/// The centroid that is nearest to the centre of a box. Any other would do, at the cost of clusters
/// that could have been pruned.
#[inline(always)]
fn nearest_to_centre(low: &[f64], high: &[f64], columns: &[Lanes]) -> usize {
    let mut best = [f64::INFINITY; LANES];
    let mut groups = [0_u64; LANES];
    for (group, centroids) in columns.chunks_exact(low.len()).enumerate() {
        let mut squared = [0.0; LANES];
        for ((column, low), high) in centroids.iter().zip(low).zip(high) {
            let centre = 0.5 * (low + high);
            for lane in 0..LANES {
                squared[lane] += (column[lane] - centre) * (column[lane] - centre);
            }
        }
        for ((squared, best), nearest) in squared.into_iter().zip(&mut best).zip(&mut groups) {
            let closer = squared < *best;
            *best = if closer { squared } else { *best };
            *nearest = if closer { group as u64 } else { *nearest };
        }
    }
    let mut nearest = (f64::INFINITY, 0);
    for (lane, (squared, group)) in best.into_iter().zip(groups).enumerate() {
        if squared < nearest.0 {
            nearest = (squared, group as usize * LANES + lane);
        }
    }
    nearest.1
}
