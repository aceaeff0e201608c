//! `GET /api/v1/batches`

use std::sync::Arc;

use axum::{Json, extract::State};
use tillstream_shared::Manifest;

use super::{AppState, error::ApiError};

/// The manifests of all batches, by ascending number.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
) -> Result<Json<Vec<Manifest>>, ApiError> {
    let source = state.data.clone();
    let manifests = tokio::task::spawn_blocking(move || source.manifests())
        .await
        .map_err(|error| ApiError::Internal(error.into()))?
        .map_err(|error| ApiError::Internal(error.into()))?;
    Ok(Json(manifests))
}
