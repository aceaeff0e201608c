//! `GET /api/v1/batches`: the manifests of the stored batches.

use std::sync::Arc;

use axum::{Json, extract::State};
use tillstream_shared::api::BatchList;

use super::{ApiError, App, blocking};

/// By ascending number.
pub(super) async fn list(State(state): App) -> Result<Json<BatchList>, ApiError> {
    let source = Arc::clone(&state.batches);
    let batches = blocking(move || source.manifests().map_err(ApiError::internal)).await?;
    Ok(Json(BatchList { batches }))
}
