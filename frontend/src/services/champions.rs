//! `/api/v1/champions`.

use tillstream_shared::{
    Champion, Entity, ModelKind,
    api::{ChampionRequest, Champions},
};

use super::http::{ApiError, get, post};

/// The champions of all kinds and entities.
///
/// # Errors
/// See [`ApiError`].
pub async fn list() -> Result<Champions, ApiError> {
    get("/api/v1/champions").await
}

/// Decides about the champion of one kind and entity, and tells what it is then.
///
/// # Errors
/// See [`ApiError`].
pub async fn decide(
    kind: ModelKind,
    entity: Entity,
    request: ChampionRequest,
) -> Result<Champion, ApiError> {
    post(&format!("/api/v1/champions/{entity}?kind={kind}"), &request).await
}
