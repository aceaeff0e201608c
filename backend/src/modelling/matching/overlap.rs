//! How many lines or entities moved from which cluster to which.

use std::cmp::Ordering;

use tillstream_shared::Model;

use crate::features::WeightedPoint;

/// The members that the clusters of two models have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// k of the earlier model rows, k of the later model columns: lines or entities.
    pub counts: Vec<Vec<u64>>,
    /// In each cluster of the later model: lines that the earlier one does not admit, or entities
    /// that it does not know.
    pub arrived: Vec<u64>,
    /// Of each cluster of the earlier model: entities that the later one does not know; zeros for
    /// lines.
    pub left: Vec<u64>,
}

impl Overlap {
    /// No members at all, between models of `from` and `to` clusters.
    #[must_use]
    pub fn empty(from: u32, to: u32) -> Self {
        Self {
            counts: vec![vec![0; to as usize]; from as usize],
            arrived: vec![0; to as usize],
            left: vec![0; from as usize],
        }
    }

    /// k of the earlier and of the later model.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.counts.len(), self.arrived.len())
    }

    /// All members of the earlier model's cluster with index `p`.
    pub(super) fn previous_total(&self, p: usize) -> u64 {
        self.left[p] + self.counts[p].iter().sum::<u64>()
    }

    /// All members of the later model's cluster with index `c`.
    pub(super) fn new_total(&self, c: usize) -> u64 {
        self.arrived[c] + self.counts.iter().map(|row| row[c]).sum::<u64>()
    }

    /// Whether at least half of `p`, and something at all, went into `c`.
    pub(super) fn mostly_into(&self, p: usize, c: usize) -> bool {
        let common = self.counts[p][c];
        common > 0 && common >= self.previous_total(p).div_ceil(2)
    }

    /// Whether at least half of `c`, and something at all, came from `p`.
    pub(super) fn mostly_from(&self, p: usize, c: usize) -> bool {
        let common = self.counts[p][c];
        common > 0 && common >= self.new_total(c).div_ceil(2)
    }
}

/// How the lines of `points` moved from the clusters of `from` to those of `to`, as each model
/// assigns them. Lines that `to` does not admit are left out.
#[must_use]
pub fn line_overlap(from: &Model, to: &Model, points: &[WeightedPoint]) -> Overlap {
    let mut overlap = Overlap::empty(from.k, to.k);
    for point in points {
        let values = [point.quantity as f64, point.unit_price];
        let Ok(new) = to.assign(&values) else { continue };
        let new = new.cluster as usize - 1;
        match from.assign(&values) {
            Ok(old) => overlap.counts[old.cluster as usize - 1][new] += point.weight,
            Err(_) => overlap.arrived[new] += point.weight,
        }
    }
    overlap
}

/// A member whose cluster does not exist: the members are not those of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is a member of cluster {cluster}, but the model has clusters 1 to {k}")]
pub struct InvalidMembership {
    /// The cluster of the member.
    pub cluster: u32,
    /// Number of clusters of the model.
    pub k: u32,
}

/// How entities moved from the clusters of one profile model to those of a later one. `from` and
/// `to` hold (identifier, cluster from 1), each sorted by identifier, each identifier once;
/// `k_from` and `k_to` are the numbers of clusters.
///
/// # Errors
/// [`InvalidMembership`] when a cluster is not from 1 to its k.
pub fn membership_overlap<I: Ord>(
    k_from: u32,
    from: &[(I, u32)],
    k_to: u32,
    to: &[(I, u32)],
) -> Result<Overlap, InvalidMembership> {
    check(k_from, from)?;
    check(k_to, to)?;
    let mut overlap = Overlap::empty(k_from, k_to);
    let index = |member: &(I, u32)| member.1 as usize - 1;
    let (mut from, mut to) = (from.iter().peekable(), to.iter().peekable());
    loop {
        let order = match (from.peek(), to.peek()) {
            (Some(old), Some(new)) => old.0.cmp(&new.0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Ok(overlap),
        };
        let old = from.next_if(|_| order.is_le());
        let new = to.next_if(|_| order.is_ge());
        match (old, new) {
            (Some(old), Some(new)) => overlap.counts[index(old)][index(new)] += 1,
            (Some(old), None) => overlap.left[index(old)] += 1,
            (None, Some(new)) => overlap.arrived[index(new)] += 1,
            (None, None) => {}
        }
    }
}

fn check<I>(k: u32, members: &[(I, u32)]) -> Result<(), InvalidMembership> {
    let invalid = members.iter().find(|(_, cluster)| !(1..=k).contains(cluster));
    invalid.map_or(Ok(()), |&(_, cluster)| Err(InvalidMembership { cluster, k }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_move_arrive_and_leave() {
        let from = [("a", 1), ("b", 1), ("c", 2), ("e", 2)];
        let to = [("b", 3), ("c", 2), ("d", 1), ("f", 3)];
        let overlap = membership_overlap(2, &from, 3, &to).unwrap();
        assert_eq!(overlap.counts, [[0, 0, 1], [0, 1, 0]]);
        assert_eq!(overlap.arrived, [1, 0, 1]);
        assert_eq!(overlap.left, [1, 1]);
        assert_eq!((overlap.previous_total(1), overlap.new_total(2)), (2, 2));
        let nothing = membership_overlap::<&str>(1, &[], 1, &[]).unwrap();
        assert_eq!(nothing.counts, [[0]]);
    }

    #[test]
    fn members_of_clusters_that_do_not_exist_are_an_error() {
        let good = [("a", 1), ("b", 2)];
        for cluster in [0, 3, u32::MAX] {
            let bad = [("a", 1), ("b", cluster)];
            let expected = Err(InvalidMembership { cluster, k: 2 });
            assert_eq!(membership_overlap(2, &bad, 2, &good), expected);
            assert_eq!(membership_overlap(2, &good, 2, &bad), expected);
        }
    }

    #[test]
    fn half_is_most_and_nothing_is_not() {
        let overlap =
            Overlap { counts: vec![vec![2, 0], vec![1, 0]], arrived: vec![2, 0], left: vec![2, 2] };
        assert!(overlap.mostly_into(0, 0) && !overlap.mostly_into(1, 0));
        assert!(!overlap.mostly_from(0, 0), "two of five");
        assert!(!overlap.mostly_into(0, 1) && !overlap.mostly_from(0, 1));
    }
}
