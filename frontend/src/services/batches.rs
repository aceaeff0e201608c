//! `/api/v1/batches`.

use tillstream_shared::api::BatchList;

use super::http::{ApiError, get};

/// The manifests of the newest `limit` batches, by ascending number.
///
/// # Errors
/// See [`ApiError`].
pub async fn newest(limit: usize) -> Result<BatchList, ApiError> {
    get(&format!("/api/v1/batches?limit={limit}")).await
}
