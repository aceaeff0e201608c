//! `GET /api/v1/models` and `/api/v1/models/{entity}/{number}`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use tillstream_shared::{Entity, Model, ModelRef, api::ModelList};

use super::{ApiError, App, AppState};

/// The model that the path names; the number may be an alias.
pub(super) struct NamedModel(pub(super) Arc<Model>);

impl FromRequestParts<Arc<AppState>> for NamedModel {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &Arc<AppState>,
    ) -> Result<Self, ApiError> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        // A path that is not UTF-8 once it is decoded.
        let Path((entity, number)) = path.map_err(|_| ApiError::NoSuchPath)?;
        let entity: Entity = entity.parse()?;
        let number: ModelRef = number.parse()?;
        let model = state.registry.resolve(entity, number);
        model.map(Self).ok_or(ApiError::ModelNotFound)
    }
}

/// Every model in short, and the files that were left out.
pub(super) async fn list(State(state): App) -> Json<ModelList> {
    Json(state.registry.list())
}

/// A whole model, as in its file.
pub(super) async fn one(NamedModel(model): NamedModel) -> Result<Response, ApiError> {
    let json = serde_json::to_vec(&*model).map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}
