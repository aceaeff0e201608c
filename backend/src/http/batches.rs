//! `GET /api/v1/batches`

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use tillstream_shared::api::BatchList;

use super::{AppState, blocking, error::ApiError, paging};

/// Which page of the list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ListPage {
    limit: Option<String>,
    before: Option<String>,
}

/// The manifests of the newest batches, by ascending number.
pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    page: Query<ListPage>,
) -> Result<Json<BatchList>, ApiError> {
    let limit = paging::limit(page.limit.as_deref())?;
    let before = paging::before(page.before.as_deref())?.unwrap_or(u64::MAX);
    blocking(move || state.data.manifests(limit, before)).await.map(Json)
}
