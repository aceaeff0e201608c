//! `GET /api/v1/models/{entity}/{number}/points`: what the page draws.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use tillstream_shared::{Model, api::Points};

use super::{ApiError, App, blocking, models::NamedModel};
use crate::features::WeightedPoint;

/// The weighted distinct points that the model was trained on, each with its cluster.
pub(super) async fn points(
    State(state): App,
    NamedModel(model): NamedModel,
) -> Result<Response, ApiError> {
    let source = Arc::clone(&state.points);
    let json = blocking(move || {
        let points = source.points(model.entity, model.number).map_err(ApiError::internal)?;
        let points = points.ok_or(ApiError::NoPoints(model.entity, model.number))?;
        serde_json::to_vec(&assigned(&model, &points)?).map_err(ApiError::internal)
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// A point that the model does not admit was not trained on and is left out.
fn assigned(model: &Model, points: &[WeightedPoint]) -> Result<Points, ApiError> {
    if model.features.len() != 2 {
        return Err(ApiError::internal("the model is not one of quantity and price"));
    }
    let mut assigned = Points {
        quantity: Vec::with_capacity(points.len()),
        unit_price: Vec::with_capacity(points.len()),
        weight: Vec::with_capacity(points.len()),
        cluster: Vec::with_capacity(points.len()),
    };
    for point in points {
        let quantity = point.quantity as f64;
        if let Ok(assignment) = model.assign(&[quantity, point.unit_price]) {
            assigned.quantity.push(quantity);
            assigned.unit_price.push(point.unit_price);
            assigned.weight.push(point.weight);
            assigned.cluster.push(assignment.cluster);
        }
    }
    Ok(assigned)
}
