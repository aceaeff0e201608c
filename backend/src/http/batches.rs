//! `GET /api/v1/batches`

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use tillstream_shared::api::BatchList;

use super::{AppState, blocking, error::ApiError};

/// Batches in an answer unless asked otherwise.
const DEFAULT_LIMIT: u64 = 100;
/// The most batches in an answer.
const MAX_LIMIT: u64 = 1_000;

/// Which page of the list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ListPage {
    limit: Option<u64>,
    before: Option<u64>,
}

/// The manifests of the newest batches, by ascending number.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    page: Query<ListPage>,
) -> Result<Json<BatchList>, ApiError> {
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let before = page.before.unwrap_or(u64::MAX);
    blocking(move || state.data.manifests(limit, before)).await.map(Json)
}
