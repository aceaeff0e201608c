//! Arithmetic on eight points at a time, in loops that the compiler turns into vector instructions.

/// Points in a group: one AVX-512 register, or four of SSE2.
pub(crate) const LANES: usize = 8;

/// One value for each point of a group.
pub(crate) type Lanes = [f64; LANES];

/// Squared Euclidean distances of the points of one group (d columns) to `centroid`, summed from the
/// first feature to the last: bit for bit what
/// [`squared_distance`](tillstream_shared::squared_distance) computes.
#[inline(always)]
pub(crate) fn squared_distances(columns: &[Lanes], centroid: &[f64]) -> Lanes {
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
pub(crate) fn total(lanes: Lanes) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// The minimum of two numbers that are not NaN; one instruction, unlike `f64::min`.
#[inline(always)]
pub(crate) fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The maximum of two numbers that are not NaN.
#[inline(always)]
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
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
pub(crate) use for_dimension;
