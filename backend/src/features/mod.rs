//! From lines to weighted points, through the counted cleaning funnel.

mod points;

pub use points::{LinePoints, StoredPoints, WeightedPoint};
