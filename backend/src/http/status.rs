//! `GET /api/v1/status`: the counts of this process and its data folder.

use axum::{Json, extract::State};
use tillstream_shared::api::Status;

use super::{App, AppState};

/// The counts now.
pub(super) async fn status(State(state): App) -> Json<Status> {
    Json(current(&state))
}

/// The counts now; the models are those that answer.
pub(super) fn current(state: &AppState) -> Status {
    Status { models: state.registry.count() as u64, ..state.progress.status() }
}
