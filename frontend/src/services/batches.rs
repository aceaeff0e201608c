//! `/api/v1/batches`.

use tillstream_shared::Manifest;

use super::http::{ApiError, get};

/// The manifests of all stored batches, oldest first.
///
/// # Errors
/// See [`ApiError`].
pub async fn list() -> Result<Vec<Manifest>, ApiError> {
    get("/api/v1/batches").await
}
