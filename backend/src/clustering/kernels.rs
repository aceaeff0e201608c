//! The loops over the points of a chunk, compiled for AVX-512, AVX2 and whatever the build aims at.
//! The processor decides at run time; the bits are the same, as nothing is fused or reordered.

use multiversion::multiversion;

use super::blocks::{Chunk, LANES, Lanes, squared_distances, total};

/// Up to this many clusters every sum is made of all points, those of other clusters with weight
/// zero; beyond, every point is added to its own sum. Measured with `cargo bench`.
const MASKED: usize = 8;

/// Gives every point of a chunk the position of its nearest centroid in `rows` (row-major, d each);
/// of equally near ones the first. Tells whether a label changed.
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
pub(super) fn assign<const D: usize>(
    chunk: Chunk<'_>,
    rows: &[f64],
    labels: &mut [[u32; LANES]],
) -> bool {
    let d = if D == 0 { chunk.low.len() } else { D };
    let mut changed = false;
    for (columns, labels) in chunk.x.chunks_exact(d).zip(labels) {
        let nearest = nearest(columns, rows, d).0;
        changed |= nearest != *labels;
        *labels = nearest;
    }
    changed
}

/// Σ w · squared distance to the nearest centroid in `rows` over a chunk.
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
pub(super) fn errors<const D: usize>(chunk: Chunk<'_>, rows: &[f64]) -> f64 {
    let d = if D == 0 { chunk.low.len() } else { D };
    let mut sum = [0.0; LANES];
    for (columns, w) in chunk.x.chunks_exact(d).zip(chunk.w) {
        let squared = nearest(columns, rows, d).1;
        for lane in 0..LANES {
            sum[lane] += w[lane] * squared[lane];
        }
    }
    total(sum)
}

/// The nearest centroid of every point of a group, and its squared distance.
#[inline(always)]
fn nearest(columns: &[Lanes], rows: &[f64], d: usize) -> ([u32; LANES], Lanes) {
    let mut best = [f64::INFINITY; LANES];
    let mut labels = [0_u64; LANES];
    for (position, centroid) in rows.chunks_exact(d).enumerate() {
        let squared = squared_distances(columns, centroid);
        for lane in 0..LANES {
            let closer = squared[lane] < best[lane];
            best[lane] = if closer { squared[lane] } else { best[lane] };
            labels[lane] = if closer { position as u64 } else { labels[lane] };
        }
    }
    (labels.map(|label| label as u32), best)
}

/// For each of the clusters the sum of the weights and of w · (x - origin) over the points of a
/// chunk, d + 1 numbers in `sums`; `origins` has d numbers a cluster.
#[multiversion(targets("x86_64+avx512f+avx2", "x86_64+avx2"))]
pub(super) fn sum<const D: usize>(
    chunk: Chunk<'_>,
    labels: &[[u32; LANES]],
    origins: &[f64],
    sums: &mut [f64],
) {
    let d = if D == 0 { chunk.low.len() } else { D };
    let rows = sums.chunks_exact_mut(d + 1).zip(origins.chunks_exact(d));
    if D > 0 && rows.len() <= MASKED {
        for (position, (sums, origin)) in rows.enumerate() {
            let mut weights = [0.0; LANES];
            let mut moments = [[0.0; LANES]; D];
            for ((columns, w), labels) in chunk.x.chunks_exact(d).zip(chunk.w).zip(labels) {
                let own: Lanes = std::array::from_fn(|lane| {
                    if labels[lane] == position as u32 { w[lane] } else { 0.0 }
                });
                for lane in 0..LANES {
                    weights[lane] += own[lane];
                }
                for j in 0..D {
                    for lane in 0..LANES {
                        moments[j][lane] += own[lane] * (columns[j][lane] - origin[j]);
                    }
                }
            }
            sums[0] = total(weights);
            for j in 0..D {
                sums[j + 1] = total(moments[j]);
            }
        }
        return;
    }
    sums.fill(0.0);
    for ((columns, w), labels) in chunk.x.chunks_exact(d).zip(chunk.w).zip(labels) {
        for lane in 0..LANES {
            let position = labels[lane] as usize;
            let sums = &mut sums[position * (d + 1)..][..d + 1];
            let origin = &origins[position * d..][..d];
            sums[0] += w[lane];
            for j in 0..d {
                sums[j + 1] += w[lane] * (columns[j][lane] - origin[j]);
            }
        }
    }
}
