//! `GET /api/v1/models` and what is below it. `?kind=profile` asks for profile models.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State, rejection::PathRejection},
};
use serde::Deserialize;
use tillstream_shared::{
    Entity, Model, ModelKind, ModelRef, ReportCard,
    api::{Migration, ModelList, Points, ProfileRows},
};

use super::{AppState, blocking, error::ApiError};

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

pub(super) async fn list(State(state): State<Arc<AppState>>) -> Json<ModelList> {
    Json(state.registry.list())
}

pub(super) async fn one(
    State(state): State<Arc<AppState>>,
    kind: Query<OfKind>,
    path: Named,
) -> Result<Json<Model>, ApiError> {
    Ok(Json(Model::clone(&*named(&state, kind.parse()?, path)?)))
}

pub(super) async fn report(
    State(state): State<Arc<AppState>>,
    kind: Query<OfKind>,
    path: Named,
) -> Result<Json<ReportCard>, ApiError> {
    let model = named(&state, kind.parse()?, path)?;
    model.report.clone().map(Json).ok_or(ApiError::ReportNotFound)
}

pub(super) async fn points(
    State(state): State<Arc<AppState>>,
    path: Named,
) -> Result<Json<Points>, ApiError> {
    let model = named(&state, ModelKind::Line, path)?;
    let points = blocking(move || state.data.points(&model)).await?;
    points.map(Json).ok_or(ApiError::PointsNotFound)
}

pub(super) async fn profiles(
    State(state): State<Arc<AppState>>,
    path: Named,
) -> Result<Json<ProfileRows>, ApiError> {
    let model = named(&state, ModelKind::Profile, path)?;
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
    let [from, to] = [from, to].map(|number| find(&state, kind, entity, &number));
    let (from, to) = (from?, to?);
    let migration = blocking(move || state.data.migration(&from, &to)).await?;
    migration.map(Json).ok_or(ApiError::PointsNotFound)
}

fn named(state: &AppState, kind: ModelKind, path: Named) -> Result<Arc<Model>, ApiError> {
    // Not UTF-8 once it is decoded: the name of nothing.
    let Path((name, number)) = path.map_err(|_| ApiError::ModelNotFound)?;
    find(state, kind, entity(&name)?, &number)
}

fn find(
    state: &AppState,
    kind: ModelKind,
    entity: Entity,
    number: &str,
) -> Result<Arc<Model>, ApiError> {
    let number: ModelRef = number.parse().map_err(|_| ApiError::ModelNotFound)?;
    state.registry.resolve(kind, entity, number).ok_or(ApiError::ModelNotFound)
}

/// The entity that a path names.
pub(super) fn entity(name: &str) -> Result<Entity, ApiError> {
    name.parse()
        .map_err(|_| ApiError::NotFound(format!("entity {name}: use customer, product or country")))
}
