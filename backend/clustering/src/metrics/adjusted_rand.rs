//! L. Hubert, P. Arabie, "Comparing partitions", Journal of Classification 2, 1985.

use std::collections::BTreeMap;

use crate::sum::{Sum, sum};

/// The adjusted Rand index of two clusterings of the same points: 1 when they are the same but for the
/// numbers of the clusters, about 0 when they have no more in common than chance makes. A point of
/// weight w counts as w observations.
///
/// ```
/// use tillstream_clustering::adjusted_rand_index;
///
/// assert_eq!(adjusted_rand_index(&[0, 0, 1], &[7, 7, 3], &[1.0, 2.0, 5.0]), 1.0);
/// ```
///
/// # Panics
/// When the three slices are not equally long.
#[must_use]
pub fn adjusted_rand_index(a: &[u32], b: &[u32], weights: &[f64]) -> f64 {
    assert!(a.len() == b.len() && b.len() == weights.len(), "there must be two labels a weight");
    let (mut both, mut first, mut second) = (Table::new(), Table::new(), Table::new());
    for ((a, b), w) in a.iter().zip(b).zip(weights) {
        both.entry((*a, *b)).or_default().add(*w);
        first.entry((*a, 0)).or_default().add(*w);
        second.entry((*b, 0)).or_default().add(*w);
    }
    let all = pairs(sum(weights.iter().copied()));
    let (both, first, second) = (pairs_in(&both), pairs_in(&first), pairs_in(&second));
    if both == first && both == second {
        return 1.0;
    }
    let by_chance = first / all * second;
    (both - by_chance) / (0.5 * (first + second) - by_chance)
}

/// Weight by cluster, or by clusters; sorted, so that sums have the same bits every time.
type Table = BTreeMap<(u32, u32), Sum>;

/// Pairs of observations in the same cell of `table`.
fn pairs_in(table: &Table) -> f64 {
    sum(table.values().map(|weight| pairs(weight.get())))
}

/// Pairs among `n` observations.
fn pairs(n: f64) -> f64 {
    0.5 * n * (n - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusterings_that_cross_are_worse_than_chance() {
        let (a, b) = ([0, 0, 1, 1], [0, 1, 0, 1]);
        // No pair is together in both; of 6 pairs 2 · 2 / 6 would be by chance, at most 2 could be.
        assert!((adjusted_rand_index(&a, &b, &[1.0; 4]) - -0.5).abs() < 1e-15);
    }

    #[test]
    fn a_weight_is_a_repetition() {
        let weighted = adjusted_rand_index(&[0, 0, 1], &[0, 1, 1], &[3.0, 1.0, 2.0]);
        let a = [0, 0, 0, 0, 1, 1];
        let b = [0, 0, 0, 1, 1, 1];
        assert_eq!(weighted, adjusted_rand_index(&a, &b, &[1.0; 6]));
    }

    #[test]
    fn one_cluster_or_single_points_are_the_same_clustering() {
        assert_eq!(adjusted_rand_index(&[4, 4], &[1, 1], &[1.0, 1.0]), 1.0);
        assert_eq!(adjusted_rand_index(&[0, 1], &[1, 0], &[1.0, 1.0]), 1.0);
        assert_eq!(adjusted_rand_index(&[0], &[0], &[1.0]), 1.0);
        assert_eq!(adjusted_rand_index(&[0, 0], &[0, 1], &[1.0, 1.0]), 0.0);
    }
}
