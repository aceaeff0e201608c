//! The routes of the original system: what was sent comes back, with `cluster` added.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use tillstream_shared::{Entity, ModelKind};

use super::{
    AppState,
    body::{JsonBody, assign},
    error::ApiError,
    model,
};

/// `POST /cluster-customer`
pub(super) async fn customer(
    State(state): State<Arc<AppState>>,
    body: JsonBody,
) -> Result<Response, ApiError> {
    answer(&state, Entity::Customer, &body).await
}

/// `POST /cluster-product`
pub(super) async fn product(
    State(state): State<Arc<AppState>>,
    body: JsonBody,
) -> Result<Response, ApiError> {
    answer(&state, Entity::Product, &body).await
}

/// `POST /cluster-country`
pub(super) async fn country(
    State(state): State<Arc<AppState>>,
    body: JsonBody,
) -> Result<Response, ApiError> {
    answer(&state, Entity::Country, &body).await
}

async fn answer(
    state: &Arc<AppState>,
    entity: Entity,
    body: &JsonBody,
) -> Result<Response, ApiError> {
    let names = ["model_number", entity.id_field(), "Quantity", "UnitPrice"];
    let fields = body.fields(names)?;
    let [number, id, quantity, unit_price] = &fields;
    id.id(entity)?;
    let point = [quantity.number()?, unit_price.number()?];
    let model = model(state, ModelKind::Line, entity, number.model()?).await?;
    let assignment = assign(&model, [quantity.name, unit_price.name], point)?;

    // Written by hand so that the values come back as they were sent: "1" as "1", 5.0 as 5.0.
    let mut json = String::with_capacity(160);
    json.push('{');
    for field in &fields {
        json.push('"');
        json.push_str(field.name);
        json.push_str("\":");
        json.push_str(field.json());
        json.push(',');
    }
    json.push_str("\"cluster\":");
    json.push_str(&assignment.cluster.to_string());
    json.push('}');
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}
