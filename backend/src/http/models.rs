//! `GET /api/v1/models` and what is below it. `?kind=profile` asks for profile models.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State, rejection::PathRejection},
};
use serde::Deserialize;
use tillstream_shared::{
    Entity, Model, ModelKind, ReportCard,
    api::{Migration, ModelList, Points, ProfileRows},
};

use super::{AppState, blocking, error::ApiError, model, paging};
use crate::registry::ListQuery;

/// `?kind=line` or `?kind=profile`; line models without it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OfKind {
    kind: Option<String>,
}

impl OfKind {
    pub(super) fn parse(&self) -> Result<ModelKind, ApiError> {
        let kind = self.kind.as_deref().map(str::parse).transpose();
        Ok(kind.map_err(|error| ApiError::field("kind", error))?.unwrap_or_default())
    }
}

/// Entity and number, as the path has them.
type Named = Result<Path<(String, String)>, PathRejection>;

/// Which models are listed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ListPage {
    kind: Option<String>,
    entity: Option<String>,
    limit: Option<String>,
    before: Option<String>,
}

pub(super) async fn list(
    State(state): State<Arc<AppState>>,
    page: Query<ListPage>,
) -> Result<Json<ModelList>, ApiError> {
    let kind = page.kind.as_deref().map(str::parse::<ModelKind>).transpose();
    let entity = page.entity.as_deref().map(str::parse::<Entity>).transpose();
    let query = ListQuery {
        kind: kind.map_err(|error| ApiError::field("kind", error))?,
        entity: entity.map_err(|error| ApiError::field("entity", error))?,
        limit: paging::limit(page.limit.as_deref())? as usize,
        before: paging::before(page.before.as_deref())?,
    };
    blocking(move || Ok::<_, ApiError>(state.registry.list(&query))).await.map(Json)
}

pub(super) async fn one(
    State(state): State<Arc<AppState>>,
    kind: Query<OfKind>,
    path: Named,
) -> Result<Json<Model>, ApiError> {
    Ok(Json(Model::clone(&*named(&state, kind.parse()?, path).await?)))
}

pub(super) async fn report(
    State(state): State<Arc<AppState>>,
    kind: Query<OfKind>,
    path: Named,
) -> Result<Json<ReportCard>, ApiError> {
    let model = named(&state, kind.parse()?, path).await?;
    model.report.clone().map(Json).ok_or(ApiError::ReportNotFound)
}

pub(super) async fn points(
    State(state): State<Arc<AppState>>,
    path: Named,
) -> Result<Json<Points>, ApiError> {
    let model = named(&state, ModelKind::Line, path).await?;
    let points = blocking(move || state.data.points(&model)).await?;
    points.map(Json).ok_or(ApiError::PointsNotFound)
}

pub(super) async fn profiles(
    State(state): State<Arc<AppState>>,
    path: Named,
) -> Result<Json<ProfileRows>, ApiError> {
    let model = named(&state, ModelKind::Profile, path).await?;
    let rows = blocking(move || state.data.rows(&model)).await?;
    rows.map(Json).ok_or(ApiError::PointsNotFound)
}

pub(super) async fn migration(
    State(state): State<Arc<AppState>>,
    kind: Query<OfKind>,
    path: Result<Path<(String, String, String)>, PathRejection>,
) -> Result<Json<Migration>, ApiError> {
    let Path((name, from, to)) = path.map_err(|_| ApiError::ModelNotFound)?;
    let (kind, entity) = (kind.parse()?, entity(&name)?);
    let from = find(&state, kind, entity, &from).await?;
    let to = find(&state, kind, entity, &to).await?;
    let migration = blocking(move || state.data.migration(&from, &to)).await?;
    migration.map(Json).ok_or(ApiError::PointsNotFound)
}

async fn named(
    state: &Arc<AppState>,
    kind: ModelKind,
    path: Named,
) -> Result<Arc<Model>, ApiError> {
    // Not UTF-8 once it is decoded: the name of nothing.
    let Path((name, number)) = path.map_err(|_| ApiError::ModelNotFound)?;
    find(state, kind, entity(&name)?, &number).await
}

async fn find(
    state: &Arc<AppState>,
    kind: ModelKind,
    entity: Entity,
    number: &str,
) -> Result<Arc<Model>, ApiError> {
    let number = number.parse().map_err(|_| ApiError::ModelNotFound)?;
    model(state, kind, entity, number).await
}

/// The entity that a path names.
pub(super) fn entity(name: &str) -> Result<Entity, ApiError> {
    name.parse()
        .map_err(|_| ApiError::NotFound(format!("entity {name}: use customer, product or country")))
}
