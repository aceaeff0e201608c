//! The model that the unit tests begin with.

use tillstream_shared::{Entity, Model, ModelKind, testing};

/// A raw model of two clusters with these features.
pub(crate) fn model(kind: ModelKind, features: &[&str]) -> Model {
    let (low, high) = (vec![2.0; features.len()], vec![20.0; features.len()]);
    testing::raw_model(kind, Entity::Customer, features, &[(1, &low), (2, &high)])
}
