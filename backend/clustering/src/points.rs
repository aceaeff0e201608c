//! Points with multiplicities.

use crate::{error::ClusteringError, sum::sum};

/// n points of d features, each with a weight: the number of observations that it stands for.
/// All coordinates are finite, all weights finite and from 0 up, at least one weight is above zero,
/// and no squared distance between them overflows.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedPoints {
    d: usize,
    /// Row-major, n x d.
    coordinates: Vec<f64>,
    weights: Vec<f64>,
    total_weight: f64,
}

impl WeightedPoints {
    /// Takes n · d `coordinates` (row-major) and n `weights`.
    ///
    /// # Errors
    /// Whatever breaks the promises above, or if there are no points or features.
    pub fn new(
        d: usize,
        coordinates: Vec<f64>,
        weights: Vec<f64>,
    ) -> Result<Self, ClusteringError> {
        if d == 0 {
            return Err(ClusteringError::NoFeatures);
        }
        if weights.len().checked_mul(d) != Some(coordinates.len()) {
            let (coordinates, weights) = (coordinates.len(), weights.len());
            return Err(ClusteringError::Shape { coordinates, weights, d });
        }
        if weights.is_empty() {
            return Err(ClusteringError::NoPoints);
        }
        if let Some(at) = coordinates.iter().position(|x| !x.is_finite()) {
            return Err(ClusteringError::NotFinite { point: at / d, feature: at % d });
        }
        if let Some(at) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            return Err(ClusteringError::Weight(at));
        }
        let total_weight = sum(weights.iter().copied());
        if total_weight == 0.0 {
            return Err(ClusteringError::NoWeight);
        }
        let largest = coordinates.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        // The SSE is at most this; twice as much leaves room for rounding.
        if !(8.0 * total_weight.max(1.0) * d as f64 * (largest * largest)).is_finite() {
            return Err(ClusteringError::TooLarge);
        }
        Ok(Self { d, coordinates, weights, total_weight })
    }

    /// Points that stand for one observation each.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn unweighted(d: usize, coordinates: Vec<f64>) -> Result<Self, ClusteringError> {
        let n = coordinates.len().checked_div(d).unwrap_or(0);
        Self::new(d, coordinates, vec![1.0; n])
    }

    /// The points with other weights, those without weight left out. At least one weight must be above
    /// zero, and all together not larger than those so far.
    pub(crate) fn reweighted(&self, weights: Vec<f64>) -> Self {
        let kept = || weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
        let coordinates = kept().flat_map(|(i, _)| self.point(i)).copied().collect();
        let weights: Vec<f64> = kept().map(|(_, weight)| *weight).collect();
        let total_weight = sum(weights.iter().copied());
        Self { d: self.d, coordinates, weights, total_weight }
    }

    /// Number of points.
    #[must_use]
    pub fn n(&self) -> usize {
        self.weights.len()
    }

    /// Number of features.
    #[must_use]
    pub fn d(&self) -> usize {
        self.d
    }

    /// The d coordinates of point `i`.
    ///
    /// # Panics
    /// When there is no such point.
    #[must_use]
    pub fn point(&self, i: usize) -> &[f64] {
        &self.coordinates[i * self.d..][..self.d]
    }

    /// The weight of point `i`.
    ///
    /// # Panics
    /// When there is no such point.
    #[must_use]
    pub fn weight(&self, i: usize) -> f64 {
        self.weights[i]
    }

    /// All points in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[f64], f64)> {
        self.coordinates.chunks_exact(self.d).zip(self.weights.iter().copied())
    }

    /// All coordinates, row-major.
    #[must_use]
    pub fn coordinates(&self) -> &[f64] {
        &self.coordinates
    }

    /// All weights.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Sum of the weights: the number of observations.
    #[must_use]
    pub fn total_weight(&self) -> f64 {
        self.total_weight
    }

    /// Weighted mean of every feature.
    #[must_use]
    pub fn mean(&self) -> Vec<f64> {
        (0..self.d).map(|j| sum(self.iter().map(|(x, w)| w * x[j])) / self.total_weight).collect()
    }
}
