//! `POST /api/v1/predict`

use std::sync::Arc;

use axum::{Json, extract::State};
use tillstream_shared::{Entity, ModelKind, api::PredictResponse};

use super::{
    AppState,
    body::{JsonBody, assign},
    error::ApiError,
    model,
};

pub(super) async fn predict(
    State(state): State<Arc<AppState>>,
    body: JsonBody,
) -> Result<Json<PredictResponse>, ApiError> {
    let [entity, id, quantity, unit_price, number] =
        body.fields(["entity", "id", "quantity", "unit_price", "model"])?;
    let names = [quantity.name, unit_price.name];
    let entity = entity
        .text()?
        .parse::<Entity>()
        .map_err(|_| ApiError::field(entity.name, "must be customer, product or country"))?;
    let id = id.id(entity)?;
    let (quantity, unit_price) = (quantity.number()?, unit_price.number()?);
    let model = model(&state, ModelKind::Line, entity, number.model()?).await?;
    let point = [quantity, unit_price];
    let assignment = assign(&model, names, point)?;
    let distances = model.distances(&point).map_err(|error| ApiError::Internal(error.into()))?;
    let cluster = model.clusters.get(assignment.cluster as usize - 1);
    Ok(Json(PredictResponse {
        entity,
        id,
        quantity,
        unit_price,
        model: model.number,
        cluster: assignment.cluster,
        description: model.description(assignment.cluster).en,
        name: cluster.map(|cluster| cluster.name.clone()).unwrap_or_default(),
        identity: cluster.map_or(0, |cluster| cluster.identity),
        distances: distances.collect(),
    }))
}
