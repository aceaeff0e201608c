//! `GET /healthz`, `GET /readyz` and `GET /api/v1/status`

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};
use tillstream_shared::{Entity, ModelKind, ModelRef, api::Status};

use super::AppState;

/// The process answers.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// Every entity has a model that answers; until then 503, and which have none.
pub(super) async fn ready(State(state): State<Arc<AppState>>) -> (StatusCode, Json<Value>) {
    let has_model = |entity| {
        [ModelRef::Latest, ModelRef::All]
            .iter()
            .any(|model| state.registry.resolve(ModelKind::Line, entity, *model).ready().is_some())
    };
    let missing: Vec<_> = Entity::ALL.into_iter().filter(|entity| !has_model(*entity)).collect();
    if missing.is_empty() {
        (StatusCode::OK, Json(json!({"status": "ready"})))
    } else {
        let body = json!({"status": "starting", "missing": missing});
        (StatusCode::SERVICE_UNAVAILABLE, Json(body))
    }
}

/// The counts now.
pub(super) async fn status(State(state): State<Arc<AppState>>) -> Json<Status> {
    Json(state.progress.status())
}
