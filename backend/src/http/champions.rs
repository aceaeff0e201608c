//! `GET /api/v1/champions` and `POST /api/v1/champions/{entity}`

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State, rejection::PathRejection},
};
use tillstream_shared::{Champion, api::Champions};

use crate::registry::ChampionError;

use super::{
    AppState, blocking,
    body::JsonBody,
    error::ApiError,
    models::{OfKind, entity},
};

pub(super) async fn list(State(state): State<Arc<AppState>>) -> Result<Json<Champions>, ApiError> {
    let champions = blocking(move || state.champions.list()).await?;
    Ok(Json(Champions { champions }))
}

pub(super) async fn change(
    State(state): State<Arc<AppState>>,
    kind: Query<OfKind>,
    path: Result<Path<String>, PathRejection>,
    body: JsonBody,
) -> Result<Json<Champion>, ApiError> {
    let Path(name) = path.map_err(|_| ApiError::ModelNotFound)?;
    let (kind, entity) = (kind.parse()?, entity(&name)?);
    let request = body.parse()?;
    let change = move || {
        let champion = state.champions.apply(&state.registry, kind, entity, request)?;
        state.registry.follow_champions(&state.champions, &state.progress)?;
        Ok::<_, ChampionError>(champion)
    };
    blocking(change).await.map(Json)
}
