//! `GET /healthz` and `/readyz`, for whatever starts and watches the server.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tillstream_shared::Entity;

use super::App;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    /// Entities that no model can answer for yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<Entity>,
}

/// The process answers.
pub(super) async fn alive() -> Response {
    Json(Health { status: "ok", missing: Vec::new() }).into_response()
}

/// There is a model to answer for each entity.
pub(super) async fn ready(State(state): App) -> Response {
    let missing = state.registry.missing();
    if missing.is_empty() {
        return Json(Health { status: "ok", missing }).into_response();
    }
    let starting = Health { status: "starting", missing };
    (StatusCode::SERVICE_UNAVAILABLE, Json(starting)).into_response()
}
