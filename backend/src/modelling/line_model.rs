//! The line models: k-means on (Quantity, UnitPrice).

use tillstream_clustering::{ClusteringError, WeightedPoints};

use super::{
    error::ModellingError,
    train::{ModelParams, Trained, train_model},
};
use crate::features::WeightedPoint;

/// Trains a line model on `points`, which the filter of the preprocessing must admit (see
/// [`crate::features::LinePoints`]). An observation is a line, its value quantity · unit price.
///
/// # Errors
/// As [`train_model`].
pub fn train_line_model(
    points: &[WeightedPoint],
    params: &ModelParams,
) -> Result<Trained, ModellingError> {
    let values: Vec<f64> = points.iter().map(WeightedPoint::value).collect();
    train_model(&line_points(points)?, &values, params)
}

/// Distinct lines as weighted points of (Quantity, UnitPrice), n x 2, in original units.
///
/// # Errors
/// [`ClusteringError`] when there are none, or a price is not finite.
pub fn line_points(points: &[WeightedPoint]) -> Result<WeightedPoints, ClusteringError> {
    let coordinates = points.iter().flat_map(|p| [p.quantity as f64, p.unit_price]).collect();
    let weights = points.iter().map(|p| p.weight as f64).collect();
    WeightedPoints::new(2, coordinates, weights)
}
