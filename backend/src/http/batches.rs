//! `GET /api/v1/batches`

use std::sync::Arc;

use axum::{Json, extract::State};
use tillstream_shared::Manifest;

use super::{AppState, blocking, error::ApiError};

/// The manifests of all batches, by ascending number.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
) -> Result<Json<Vec<Manifest>>, ApiError> {
    blocking(move || state.data.manifests()).await.map(Json)
}
