//! Points that do not repeat.

use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;

/// `n` x `d` values from a mixture of 24 overlapping normal distributions: centres of standard
/// deviation 2, points of standard deviation 1 around them.
pub(crate) fn mixture(n: usize, d: usize, seed: u64) -> Vec<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut normal = || rng.sample::<f64, _>(StandardNormal);
    let centres: Vec<f64> = (0..24 * d).map(|_| 2.0 * normal()).collect();
    (0..n * d).map(|at| centres[at / d % 24 * d + at % d] + normal()).collect()
}
