//! `/api/v1/champions`.

use serde::de::IgnoredAny;
use tillstream_shared::{
    Entity, ModelKind,
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

/// Decides about the champion of one kind and entity.
///
/// # Errors
/// See [`ApiError`].
pub async fn decide(
    kind: ModelKind,
    entity: Entity,
    request: ChampionRequest,
) -> Result<(), ApiError> {
    let url = format!("/api/v1/champions/{entity}?kind={kind}");
    // All champions are asked for again after any change, so that the answer itself is not needed.
    post::<_, IgnoredAny>(&url, &request).await?;
    Ok(())
}
