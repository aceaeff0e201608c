//! The part of a run's state that belongs to one chunk of points.

use super::{
    blocks::Chunk,
    kernels::{self, Drift},
    pruning::Centroids,
};
use crate::lanes::{LANES, for_dimension};

/// The labels and sums of one chunk.
#[derive(Default)]
pub(super) struct ChunkState {
    /// The clusters that its points can belong to; ascending, but for one that was empty and filled.
    pub(super) clusters: Vec<u32>,
    /// For every point the position of its cluster in `clusters`.
    pub(super) labels: Vec<[u32; LANES]>,
    /// For each of `clusters` the sum of the weights and of w · (x - mean of all points).
    pub(super) sums: Vec<f64>,
    /// For every group the lower bound of [`kernels::assign_bounded`], if that is used.
    pub(super) gaps: Vec<f64>,
    /// Whether the last assignment gave a point to another cluster.
    pub(super) changed: bool,
}

/// Buffers of a thread, reused for every chunk.
#[derive(Default)]
pub(super) struct Scratch {
    clusters: Vec<u32>,
    pub(super) rows: Vec<f64>,
}

impl ChunkState {
    /// Gives every point to its nearest centroid; the sums are made anew when a point changed its
    /// cluster.
    pub(super) fn assign(
        &mut self,
        chunk: Chunk<'_>,
        mean: &[f64],
        centroids: &Centroids,
        scratch: &mut Scratch,
    ) {
        centroids.unpruned(chunk, &mut scratch.clusters);
        let stayed = scratch.clusters == self.clusters;
        if stayed && self.clusters.len() == 1 {
            self.changed = false;
            return;
        }
        if !stayed {
            self.relabel(&scratch.clusters);
        }
        gather(centroids, &self.clusters, &mut scratch.rows);
        let (d, rows, labels) = (mean.len(), &scratch.rows, &mut self.labels);
        self.changed = for_dimension!(d, D => kernels::assign::<D>(chunk, rows, labels));
        if self.changed || !stayed {
            self.sum(chunk, mean, scratch);
        }
    }

    /// As [`Self::assign`], among all clusters, by [`kernels::assign_bounded`].
    pub(super) fn assign_bounded(
        &mut self,
        chunk: Chunk<'_>,
        mean: &[f64],
        centroids: &Centroids,
        drift: Drift<'_>,
        scratch: &mut Scratch,
    ) {
        let (d, rows) = (mean.len(), centroids.rows());
        let (labels, gaps) = (&mut self.labels, &mut self.gaps);
        self.changed =
            for_dimension!(d, D => kernels::assign_bounded::<D>(chunk, rows, labels, gaps, drift));
        if self.changed {
            self.sum(chunk, mean, scratch);
        }
    }

    /// Takes other `clusters`; a label whose cluster is not among them becomes `u32::MAX`.
    fn relabel(&mut self, clusters: &[u32]) {
        let positions: Vec<u32> = self
            .clusters
            .iter()
            .map(|old| clusters.binary_search(old).map_or(u32::MAX, |position| position as u32))
            .collect();
        for label in self.labels.as_flattened_mut() {
            *label = positions.get(*label as usize).copied().unwrap_or(u32::MAX);
        }
        self.clusters.clear();
        self.clusters.extend_from_slice(clusters);
    }

    /// Moves the point in `slot` to `cluster`, to which no point of this chunk belongs.
    pub(super) fn reassign(&mut self, cluster: u32, slot: usize, chunk: Chunk<'_>, mean: &[f64]) {
        let known = self.clusters.iter().position(|known| *known == cluster);
        let position = known.unwrap_or(self.clusters.len());
        if known.is_none() {
            self.clusters.push(cluster);
        }
        self.labels[slot / LANES][slot % LANES] = position as u32;
        if let Some(gap) = self.gaps.get_mut(slot / LANES) {
            *gap = 0.0;
        }
        self.sum(chunk, mean, &mut Scratch::default());
    }

    fn sum(&mut self, chunk: Chunk<'_>, mean: &[f64], scratch: &mut Scratch) {
        let (d, m) = (mean.len(), self.clusters.len());
        scratch.rows.clear();
        (0..m).for_each(|_| scratch.rows.extend_from_slice(mean));
        self.sums.resize(m * (d + 1), 0.0);
        let (labels, origins, sums) = (&self.labels, &scratch.rows, &mut self.sums);
        for_dimension!(d, D => kernels::sum::<D>(chunk, labels, origins, sums));
    }
}

/// Puts the centroids of `clusters` into `rows`, one after the other.
pub(super) fn gather(centroids: &Centroids, clusters: &[u32], rows: &mut Vec<f64>) {
    rows.clear();
    clusters.iter().for_each(|cluster| rows.extend_from_slice(centroids.row(*cluster)));
}
