//! The line models: k-means on (Quantity, UnitPrice).

use tillstream_shared::PreprocessingKind;

use super::{ClusteringError, KChoice, Trained, WeightedPoints, train_model};
use crate::features::WeightedPoint;

/// Trains a line model on `points`, which the filter of `kind` must admit (see
/// [`crate::features::LinePoints`]). An observation is a line, its value quantity · unit price.
///
/// # Errors
/// As [`train_model`].
pub fn train_line_model(
    points: &[WeightedPoint],
    kind: PreprocessingKind,
    k: KChoice,
    restarts: u32,
    seed: u64,
) -> Result<Trained, ClusteringError> {
    let coordinates = points.iter().flat_map(|p| [p.quantity as f64, p.unit_price]).collect();
    let weights = points.iter().map(|p| p.weight as f64).collect();
    let values: Vec<f64> = points.iter().map(|p| p.quantity as f64 * p.unit_price).collect();
    let points = WeightedPoints::new(2, coordinates, weights)?;
    train_model(&points, &values, kind, k, restarts, seed)
}
