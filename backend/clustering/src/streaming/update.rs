//! One batch.

use tillstream_shared::nearest_centroid;

use super::{half_life::HalfLife, split::halves, state::StreamingKMeans};
use crate::{error::ClusteringError, points::WeightedPoints, sum::Sum};

/// The share of the largest cluster's weight below which a cluster is dying. With a half-life of
/// ten batches a cluster as large as the largest that gets no more points is reused after 133
/// batches, with one of a single batch after 14.
pub const DYING_SHARE: f64 = 1e-4;

/// A dying cluster that became one half of the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Index of the cluster that was split.
    pub largest: usize,
    /// Index of the cluster whose centroid was reused.
    pub dying: usize,
}

/// The result of one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamingUpdate {
    /// The cluster of every point, from 0: its nearest centroid before the batch, of equally near
    /// ones the first.
    pub labels: Vec<u32>,
    /// The clusters that were split, after the update.
    pub splits: Vec<Split>,
}

impl StreamingKMeans {
    /// Updates the clusters with a batch, given in the space of the centroids. The same batches in the same order give the same
    /// bits.
    ///
    /// # Errors
    /// [`ClusteringError::Features`] when the points have another number of features than the
    /// centroids;
    /// nothing is changed then.
    pub fn update(
        &mut self,
        points: &WeightedPoints,
        half_life: HalfLife,
    ) -> Result<StreamingUpdate, ClusteringError> {
        if points.d() != self.d() {
            return Err(ClusteringError::Features { given: points.d(), expected: self.d() });
        }
        let mut clusters = vec![Batch::new(self.d()); self.k()];
        let mut labels = Vec::with_capacity(points.n());
        for (point, weight) in points.iter() {
            let nearest = nearest_centroid(point, &self.centroids);
            labels.push(nearest.index as u32);
            clusters[nearest.index].add(point, weight);
        }
        let alpha = half_life.decay(points.total_weight());
        for (c, batch) in clusters.iter().enumerate() {
            self.move_centroid(c, batch, alpha);
        }
        self.batches += 1;
        let splits = self.replace_dying(points, &labels);
        Ok(StreamingUpdate { labels, splits })
    }

    /// Moves one centroid towards the mean of its points in the batch.
    fn move_centroid(&mut self, c: usize, batch: &Batch, alpha: f64) {
        let kept = self.weights[c] * alpha;
        let weight = batch.weight.get();
        self.weights[c] = kept + weight;
        if weight == 0.0 {
            return;
        }
        // As a mean of two with shares that add up to one: never outside of the two, and exactly
        // the batch's mean when nothing old is left.
        let step = weight / (kept + weight);
        for (centroid, sum) in self.centroids[c].iter_mut().zip(&batch.sums) {
            *centroid = *centroid * (1.0 - step) + sum.get() / weight * step;
        }
    }

    /// Splits the largest cluster for every dying one, in the order of their indices. A cluster
    /// whose points of this batch all lie on one spot is not split; the dying one waits.
    fn replace_dying(&mut self, points: &WeightedPoints, labels: &[u32]) -> Vec<Split> {
        let mut members = labels.to_vec();
        let mut splits = Vec::new();
        for dying in 0..self.k() {
            let largest = self.largest();
            if self.weights[dying] >= DYING_SHARE * self.weights[largest] {
                continue;
            }
            let Some(halves) = halves(points, &members, largest as u32) else { continue };
            let centroid = self.centroids[largest].clone();
            let moved = |offset: &[f64]| centroid.iter().zip(offset).map(|(c, o)| c + o).collect();
            self.centroids[largest] = moved(&halves.first.offset);
            self.centroids[dying] = moved(&halves.second.offset);
            let weight = self.weights[largest];
            self.weights[largest] = weight * halves.first.share;
            self.weights[dying] = weight * halves.second.share;
            halves.second.members.iter().for_each(|&i| members[i] = dying as u32);
            splits.push(Split { largest, dying });
        }
        splits
    }

    /// The cluster with the largest weight, of equal ones the first.
    fn largest(&self) -> usize {
        let weights = self.weights.iter().enumerate();
        weights.fold(0, |best, (c, weight)| if *weight > self.weights[best] { c } else { best })
    }
}

/// The points of one cluster in a batch.
#[derive(Clone)]
struct Batch {
    weight: Sum,
    sums: Vec<Sum>,
}

impl Batch {
    fn new(d: usize) -> Self {
        Self { weight: Sum::default(), sums: vec![Sum::default(); d] }
    }

    fn add(&mut self, point: &[f64], weight: f64) {
        self.weight.add(weight);
        self.sums.iter_mut().zip(point).for_each(|(sum, x)| sum.add(weight * x));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_number_of_batches_is_right() {
        let batches = |half_life: f64| (-DYING_SHARE.log2() * half_life).ceil();
        assert_eq!((batches(10.0), batches(1.0)), (133.0, 14.0));
    }
}
