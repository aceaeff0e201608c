//! `/api/v1/batches`.

use serde::{Deserialize, Serialize};

use crate::Manifest;

/// `GET /api/v1/batches`: the newest batches, by ascending number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchList {
    /// The manifests of this page of the list.
    pub batches: Vec<Manifest>,
    /// Batches in all, listed or not.
    pub total: u64,
}
