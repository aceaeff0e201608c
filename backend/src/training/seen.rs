//! What a model was trained on, for comparing it with other models.

use tillstream_shared::Model;

use crate::features::{ProfileTable, WeightedPoint};

/// The observations behind a model, in the order of its labels.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seen<'a> {
    /// Distinct lines with their multiplicities.
    Lines(&'a [WeightedPoint]),
    /// One row an entity.
    Profiles(&'a ProfileTable),
}

impl Seen<'_> {
    /// How many lines or entities each observation stands for.
    pub(super) fn weights(&self) -> Vec<f64> {
        match self {
            Self::Lines(points) => points.iter().map(|point| point.weight as f64).collect(),
            Self::Profiles(table) => vec![1.0; table.ids.len()],
        }
    }

    /// The clusters that `model` gives the observations, from 1; 0 where it does not admit one.
    pub(super) fn assigned_by(&self, model: &Model) -> Vec<u32> {
        let assign = |values: &[f64]| model.assign(values).map_or(0, |found| found.cluster);
        match self {
            Self::Lines(points) => {
                points.iter().map(|p| assign(&[p.quantity as f64, p.unit_price])).collect()
            }
            Self::Profiles(table) => table.iter_rows().map(assign).collect(),
        }
    }

    /// Lines or entities by the cluster that `previous` gives them and by `labels`, 1 to `k`:
    /// `previous.k` rows, k columns. What `previous` does not admit is left out.
    pub(super) fn overlap(&self, previous: &Model, labels: &[u32], k: u32) -> Vec<Vec<u64>> {
        let mut counts = vec![vec![0_u64; k as usize]; previous.k as usize];
        let assigned = self.assigned_by(previous);
        for (((from, to), weight)) in assigned.iter().zip(labels).zip(self.weights()) {
            if let Some(row) = (*from as usize).checked_sub(1).and_then(|at| counts.get_mut(at)) {
                row[*to as usize - 1] += weight as u64;
            }
        }
        counts
    }
}
