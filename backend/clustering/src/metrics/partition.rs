//! Points by cluster, and the mean of each cluster.

use tillstream_shared::squared_distance;

use crate::{points::WeightedPoints, sum::Sum};

/// The members of one cluster.
#[derive(Debug)]
pub(super) struct Members {
    /// Indices of the points with a weight above zero, ascending; at least one.
    pub(super) points: Vec<usize>,
    /// Sum of their weights.
    pub(super) weight: f64,
    /// Their weighted mean.
    pub(super) mean: Vec<f64>,
}

/// Points and their clusters.
#[derive(Debug)]
pub(super) struct Partition<'a> {
    /// All points.
    pub(super) points: &'a WeightedPoints,
    /// Clusters with weight, in the order of their labels.
    pub(super) clusters: Vec<Members>,
}

impl<'a> Partition<'a> {
    /// Sorts `points` by `labels`, each below `k`.
    pub(super) fn new(points: &'a WeightedPoints, labels: &[u32], k: usize) -> Self {
        assert_eq!(points.n(), labels.len(), "there must be one label for each point");
        let mut members = vec![Vec::new(); k];
        for (i, label) in labels.iter().enumerate() {
            assert!((*label as usize) < k, "label {label} of point {i} is not below {k}");
            if points.weight(i) > 0.0 {
                members[*label as usize].push(i);
            }
        }
        members.retain(|members| !members.is_empty());
        let clusters = members.into_iter().map(|members| Members::new(points, members)).collect();
        Self { points, clusters }
    }

    /// Tells whether there are two clusters or more, and one of them has more than one observation;
    /// the indices are not defined otherwise.
    pub(super) fn is_measurable(&self) -> bool {
        self.clusters.len() > 1 && self.clusters.iter().any(|cluster| cluster.weight > 1.0)
    }
}

impl Members {
    fn new(points: &WeightedPoints, members: Vec<usize>) -> Self {
        let weight: Sum = members.iter().map(|i| points.weight(*i)).collect();
        let weight = weight.get();
        // Relative to a member, so that the mean of equal points is that point.
        let origin = points.point(members[0]);
        let mean = origin.iter().enumerate().map(|(j, x)| {
            let terms = members.iter().map(|i| points.weight(*i) * (points.point(*i)[j] - x));
            x + terms.collect::<Sum>().get() / weight
        });
        Self { mean: mean.collect(), points: members, weight }
    }

    /// For every member its weight and its squared distance to the mean.
    pub(super) fn spread<'a>(
        &'a self,
        points: &'a WeightedPoints,
    ) -> impl Iterator<Item = (f64, f64)> + 'a {
        self.points
            .iter()
            .map(|i| (points.weight(*i), squared_distance(points.point(*i), &self.mean)))
    }
}
