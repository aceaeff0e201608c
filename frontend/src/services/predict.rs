//! `/api/v1/predict`.

use tillstream_shared::api::{PredictRequest, PredictResponse};

use super::http::{ApiError, post};

/// Asks for the cluster of one line.
///
/// # Errors
/// See [`ApiError`].
pub async fn predict(request: &PredictRequest) -> Result<PredictResponse, ApiError> {
    post("/api/v1/predict", request).await
}
