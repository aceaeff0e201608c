//! The routes of the original system: what was sent comes back, with `cluster` added.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use tillstream_shared::{Entity, ModelKind};

use super::{
    AppState,
    body::{Field, JsonBody, assign},
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

    Ok(Json(Answer { fields, cluster: assignment.cluster }).into_response())
}

/// The fields of the request, with their values as they were sent ("1" as "1", 5.0 as 5.0), and the
/// cluster.
struct Answer<'a> {
    fields: [Field<'a>; 4],
    cluster: u32,
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len() + 1))?;
        for field in &self.fields {
            map.serialize_entry(field.name, field.raw)?;
        }
        map.serialize_entry("cluster", &self.cluster)?;
        map.end()
    }
}
