//! The search for the lowest fixed point: starts that are independent of each other, then offspring of the
//! best.
//!
//! D. Gribel, T. Vidal, "HG-means: A scalable hybrid genetic algorithm for minimum sum-of-squares
//! clustering", Pattern Recognition 88, 2019: the centroids of two solutions are paired, of each pair
//! one is taken at random, one centroid is dropped and drawn anew as k-means++ draws, and the
//! solution is improved by k-means. Different starts get different regions right, and offspring
//! combine them.

use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};
use rayon::prelude::*;
use tillstream_shared::squared_distance;

use super::{
    blocks::Blocks,
    init::plus_plus,
    lloyd::{Limits, Lloyd},
    params::KMeansValidParams,
};
use crate::error::ClusteringError;

/// Greedy starts are good, but for few clusters much the same: below this k every other start is not
/// greedy. From here on a start that is not greedy hardly ever wins.
const MIN_K_ALL_GREEDY: usize = 8;
/// Offspring of one generation, made side by side. Not the number of threads, on which no result may
/// depend.
const GENERATION_SIZE: u32 = 8;
/// Solutions whose SSE differs by less than this share of it count as the same: one of them is kept,
/// so that the others are not all variations of the best.
pub(super) const SSE_TOLERANCE: f64 = 1e-5;
/// The fewest different solutions that are kept.
const MIN_POPULATION: u32 = 8;
/// The search ends when this many offspring for each start, one after the other, improved little.
const MAX_STALLED_PER_START: u32 = 6;

/// A fixed point, or where the limits ended the iterations.
pub(super) struct LocalOptimum<'a> {
    pub(super) sse: f64,
    pub(super) run: Lloyd<'a>,
}

type Outcome<'a> = Result<LocalOptimum<'a>, ClusteringError>;

/// The different solutions found, at least one, by ascending SSE.
///
/// # Errors
/// [`ClusteringError::TooFewPoints`] when all weight lies on fewer than k distinct points.
pub(super) fn search<'a>(
    blocks: &'a Blocks,
    params: &KMeansValidParams,
    limits: Limits,
) -> Result<Vec<LocalOptimum<'a>>, ClusteringError> {
    let (k, n_init) = (params.k, params.n_init);
    let greedy = 2 + (2.0 * (k as f64).ln()) as usize;
    let mut streams = Streams(Xoshiro256PlusPlus::seed_from_u64(params.seed));
    let improve = |given: &[f64], n_candidates, rng: &mut Xoshiro256PlusPlus| -> Outcome<'a> {
        let mut run = Lloyd::run(blocks, plus_plus(blocks, k, given, n_candidates, rng)?, limits)?;
        Ok(LocalOptimum { sse: run.refine(limits)?, run })
    };

    let start = |(restart, mut rng): (u32, Xoshiro256PlusPlus)| {
        let n_candidates = if k >= MIN_K_ALL_GREEDY || restart % 2 == 0 { greedy } else { 1 };
        improve(&[], n_candidates, &mut rng)
    };
    let starts = map_all(blocks, streams.take(n_init), start);
    let mut population = starts.into_iter().collect::<Result<Vec<_>, _>>()?;
    let size = n_init.max(MIN_POPULATION);
    select(&mut population, size);

    // Where all starts ended at the same solution there is nothing to recombine.
    let mut stalled = 0;
    while population.len() > 1 && stalled < n_init.saturating_mul(MAX_STALLED_PER_START) {
        let best = population[0].sse;
        let offspring = map_all(blocks, streams.take(GENERATION_SIZE), |(_, mut rng)| {
            let given = recombine(&population, blocks.d(), &mut rng);
            improve(&given, greedy, &mut rng)
        });
        // A failed one is left out: there are others.
        population.extend(offspring.into_iter().filter_map(Result::ok));
        select(&mut population, size);
        let is_better = population[0].sse < best * (1.0 - SSE_TOLERANCE);
        stalled = if is_better { 0 } else { stalled + GENERATION_SIZE };
    }
    Ok(population)
}

/// Random numbers for every start, none used twice.
struct Streams(Xoshiro256PlusPlus);

impl Streams {
    fn take(&mut self, n: u32) -> Vec<(u32, Xoshiro256PlusPlus)> {
        let mut next = |index| {
            let own = self.0.clone();
            self.0.jump();
            (index, own)
        };
        (0..n).map(&mut next).collect()
    }
}

/// Does `work` for every item, side by side unless the threads share the points; the results are in the
/// order of the items.
fn map_all<T: Send, R: Send>(
    blocks: &Blocks,
    items: Vec<T>,
    work: impl Fn(T) -> R + Sync + Send,
) -> Vec<R> {
    if blocks.is_shared() {
        items.into_iter().map(work).collect()
    } else {
        items.into_par_iter().with_max_len(1).map(work).collect()
    }
}

/// Sorts by SSE, drops what is much the same as a better one, and keeps the best `most`.
fn select(population: &mut Vec<LocalOptimum<'_>>, most: u32) {
    population.sort_by(|a, b| a.sse.total_cmp(&b.sse));
    population.dedup_by(|worse, better| worse.sse - better.sse <= SSE_TOLERANCE * better.sse);
    population.truncate(most as usize);
}

/// k - 1 centroids from two of the better solutions.
fn recombine(population: &[LocalOptimum<'_>], d: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<f64> {
    let mut below = |n: usize| (rng.next_u64() % n as u64) as usize;
    // The better of two, twice.
    let mut parent = || below(population.len()).min(below(population.len()));
    let [a, b] = [parent(), parent()].map(|index| population[index].run.rows());
    let dropped = below(a.len() / d);
    let mut child = Vec::with_capacity(a.len());
    for (index, (of_a, of_b)) in a.chunks_exact(d).zip(pair(a, b, d)).enumerate() {
        let chosen = if below(2) == 0 { of_a } else { of_b };
        if index != dropped {
            child.extend_from_slice(chosen);
        }
    }
    child
}

/// For each centroid of `a` one of `b`, the nearest pairs first.
fn pair<'b>(a: &[f64], b: &'b [f64], d: usize) -> Vec<&'b [f64]> {
    let k = a.len() / d;
    let row = |rows: &'b [f64], index: usize| &rows[index * d..][..d];
    let mut pairs: Vec<(f64, usize, usize)> = (0..k * k)
        .map(|at| (squared_distance(&a[at / k * d..][..d], row(b, at % k)), at / k, at % k))
        .collect();
    pairs.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then_with(|| (x.1, x.2).cmp(&(y.1, y.2))));
    let mut partners = vec![None; k];
    let mut taken = vec![false; k];
    for (_, of_a, of_b) in pairs {
        if partners[of_a].is_none() && !taken[of_b] {
            partners[of_a] = Some(row(b, of_b));
            taken[of_b] = true;
        }
    }
    partners.into_iter().flatten().collect()
}
