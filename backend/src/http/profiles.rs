//! `GET /api/v1/profiles/{entity}/{id}`: one customer, product or country.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use tillstream_shared::api::ProfileView;

use super::{AppState, blocking, error::ApiError, models::entity};

pub(super) async fn one(
    State(state): State<Arc<AppState>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<ProfileView>, ApiError> {
    let Path((name, id)) = path.map_err(|_| ApiError::ProfileNotFound)?;
    let entity = entity(&name)?;
    let view = blocking(move || state.data.profile(&state.registry, entity, &id)).await?;
    view.map(Json).ok_or(ApiError::ProfileNotFound)
}
