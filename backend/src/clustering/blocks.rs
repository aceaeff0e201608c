//! The points as the solver reads them: groups of eight, feature by feature, so that the compiler
//! turns the loops over a group into vector instructions.

use super::WeightedPoints;

/// Points in a group: one AVX-512 register, or four of SSE2.
pub(super) const LANES: usize = 8;
/// Groups in a chunk. Sums are made chunk by chunk and then added in the order of the chunks, so
/// that their bits do not depend on which thread did which chunk.
pub(super) const GROUPS: usize = 64;
/// Points in a chunk.
pub(super) const CHUNK: usize = GROUPS * LANES;
/// From this many points on, threads share the chunks of one restart instead of the restarts.
const SHARED_FROM: usize = 32_768;

/// One value for each point of a group.
pub(super) type Lanes = [f64; LANES];

/// All points, in groups of [`LANES`]; the last group is filled up with copies of the last point
/// of weight zero.
#[derive(Debug)]
pub(super) struct Blocks {
    n: usize,
    d: usize,
    /// Group g, feature j at g · d + j.
    x: Vec<Lanes>,
    /// One a group.
    w: Vec<Lanes>,
    /// Weighted mean; sums are taken relative to it, so that a large common offset costs no digits.
    mean: Vec<f64>,
}

/// A run of whole groups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    /// d entries a group.
    pub(super) x: &'a [Lanes],
    /// One entry a group.
    pub(super) w: &'a [Lanes],
}

impl Blocks {
    /// Lays `points` out.
    pub(super) fn new(points: &WeightedPoints) -> Self {
        let (n, d) = (points.n(), points.d());
        let groups = n.div_ceil(LANES);
        let mut x = vec![[0.0; LANES]; groups * d];
        let mut w = vec![[0.0; LANES]; groups];
        for slot in 0..groups * LANES {
            let (group, lane) = (slot / LANES, slot % LANES);
            let i = slot.min(n - 1);
            for (column, value) in x[group * d..][..d].iter_mut().zip(points.point(i)) {
                column[lane] = *value;
            }
            if slot < n {
                w[group][lane] = points.weight(i);
            }
        }
        Self { n, d, x, w, mean: points.mean() }
    }

    /// Number of points.
    pub(super) fn n(&self) -> usize {
        self.n
    }

    /// Number of features.
    pub(super) fn d(&self) -> usize {
        self.d
    }

    /// Number of groups.
    pub(super) fn groups(&self) -> usize {
        self.w.len()
    }

    /// Number of chunks.
    pub(super) fn chunks(&self) -> usize {
        self.groups().div_ceil(GROUPS)
    }

    /// Chunk `index`.
    pub(super) fn chunk(&self, index: usize) -> Chunk<'_> {
        let groups = index * GROUPS..self.groups().min((index + 1) * GROUPS);
        Chunk { x: &self.x[groups.start * self.d..groups.end * self.d], w: &self.w[groups] }
    }

    /// Weighted mean of every feature.
    pub(super) fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Coordinate `j` of the point in slot `i`.
    pub(super) fn value(&self, i: usize, j: usize) -> f64 {
        self.x[i / LANES * self.d + j][i % LANES]
    }

    /// Tells whether threads share the chunks (or else the restarts).
    pub(super) fn is_shared(&self) -> bool {
        self.n >= SHARED_FROM
    }
}

/// Squared Euclidean distances of the points of one group (d columns) to `centroid`, summed from the
/// first feature to the last: bit for bit what `shared::Model::assign` computes.
#[inline(always)]
pub(super) fn squared_distances(columns: &[Lanes], centroid: &[f64]) -> Lanes {
    let mut squared = [0.0; LANES];
    for (column, c) in columns.iter().zip(centroid) {
        for lane in 0..LANES {
            let t = column[lane] - c;
            squared[lane] += t * t;
        }
    }
    squared
}

/// The sum of the lanes, always in the same order.
#[inline(always)]
pub(super) fn total(lanes: Lanes) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Calls `$body` with the number of features `$d` known to the compiler where it is small.
macro_rules! for_dimension {
    ($d:expr, $D:ident => $body:expr) => {
        match $d {
            1 => {
                const $D: usize = 1;
                $body
            }
            2 => {
                const $D: usize = 2;
                $body
            }
            3 => {
                const $D: usize = 3;
                $body
            }
            4 => {
                const $D: usize = 4;
                $body
            }
            5 => {
                const $D: usize = 5;
                $body
            }
            6 => {
                const $D: usize = 6;
                $body
            }
            7 => {
                const $D: usize = 7;
                $body
            }
            8 => {
                const $D: usize = 8;
                $body
            }
            _ => {
                const $D: usize = 0;
                $body
            }
        }
    };
}
pub(super) use for_dimension;

/// Squared Euclidean distance of one point, summed in the same order as [`squared_distances`].
pub(super) fn squared_distance<'a>(
    point: impl IntoIterator<Item = &'a f64>,
    centroid: impl IntoIterator<Item = &'a f64>,
) -> f64 {
    point.into_iter().zip(centroid).fold(0.0, |sum, (x, c)| sum + (x - c) * (x - c))
}
