//! `GET /api/v1/models` and what is below it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use tillstream_shared::{
    Entity, Model, ModelKind, ModelRef,
    api::{ModelList, Points},
};

use super::{AppState, error::ApiError};

/// Entity and number, as the path has them.
type Named = Result<Path<(String, String)>, PathRejection>;

pub(super) async fn list(State(state): State<Arc<AppState>>) -> Json<ModelList> {
    Json(state.registry.list())
}

pub(super) async fn one(
    State(state): State<Arc<AppState>>,
    path: Named,
) -> Result<Json<Model>, ApiError> {
    Ok(Json(Model::clone(&*find(&state, path)?)))
}

pub(super) async fn points(
    State(state): State<Arc<AppState>>,
    path: Named,
) -> Result<Json<Points>, ApiError> {
    let model = find(&state, path)?;
    let source = state.data.clone();
    // Reads files, so it must not hold up the other requests.
    let reading = tokio::task::spawn_blocking(move || {
        let stored = source.points(model.entity, model.number)?;
        Ok::<_, crate::training::TrainingError>((model, stored))
    });
    let (model, stored) = reading
        .await
        .map_err(|error| ApiError::Internal(error.into()))?
        .map_err(|error| ApiError::Internal(error.into()))?;
    let stored = stored.ok_or(ApiError::PointsNotFound)?;
    let mut columns = Points::default();
    for point in stored.filtered(model.preprocessing.filter).0 {
        let quantity = point.quantity as f64;
        // The filter has left only points that the model admits.
        if let Ok(assignment) = model.assign(&[quantity, point.unit_price]) {
            columns.quantity.push(quantity);
            columns.unit_price.push(point.unit_price);
            columns.weight.push(point.weight);
            columns.cluster.push(assignment.cluster);
        }
    }
    Ok(Json(columns))
}

fn find(state: &AppState, path: Named) -> Result<Arc<Model>, ApiError> {
    // Not UTF-8 once it is decoded: the name of nothing.
    let Path((entity, number)) = path.map_err(|_| ApiError::ModelNotFound)?;
    let entity: Entity = entity.parse().map_err(|_| {
        ApiError::NotFound(format!("entity {entity}: use customer, product or country"))
    })?;
    let number: ModelRef = number.parse().map_err(|_| ApiError::ModelNotFound)?;
    state.registry.resolve(ModelKind::Line, entity, number).ok_or(ApiError::ModelNotFound)
}
