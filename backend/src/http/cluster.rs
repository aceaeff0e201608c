//! `POST /cluster-customer`, `/cluster-product`, `/cluster-country`: the original system's contract.
//!
//! The answer is the request's fields exactly as they were given, in the order in which the manual
//! prints them, and `cluster`; nothing else.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use tillstream_shared::Entity;

use super::{
    ApiError, App, AppState,
    body::{Fields, JsonBody},
    line,
};

/// A customer's line.
pub(super) async fn customer(State(state): App, body: JsonBody) -> Result<Response, ApiError> {
    cluster(&state, Entity::Customer, &body)
}

/// A product's line.
pub(super) async fn product(State(state): App, body: JsonBody) -> Result<Response, ApiError> {
    cluster(&state, Entity::Product, &body)
}

/// A country's line.
pub(super) async fn country(State(state): App, body: JsonBody) -> Result<Response, ApiError> {
    cluster(&state, Entity::Country, &body)
}

fn cluster(state: &AppState, entity: Entity, body: &JsonBody) -> Result<Response, ApiError> {
    let fields = body.fields(["model_number", entity.id_field(), "Quantity", "UnitPrice"])?;
    let [model, id, quantity, price] = fields.names;
    let model = line::model_ref(model, fields.raw[0])?;
    line::identifier(entity, id, fields.raw[1])?;
    let values = [line::number(quantity, fields.raw[2])?, line::number(price, fields.raw[3])?];

    let models = state.registry.read();
    let model = model.and_then(|model| models.resolve(entity, model));
    let model = model.ok_or(ApiError::ModelNotFound)?;
    let assignment = line::assign(model, [quantity, price], values)?;
    let json = echo(&fields, assignment.cluster);
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// The fields as they came, and the cluster.
fn echo(fields: &Fields<'_, 4>, cluster: u32) -> Vec<u8> {
    use std::io::Write as _;

    let names = fields.names.iter().map(|name| name.len() + r#""":,"#.len()).sum::<usize>();
    let values = fields.raw.iter().map(|raw| raw.len()).sum::<usize>();
    let mut json = Vec::with_capacity(names + values + r#"{"cluster":4294967295}"#.len());
    json.push(b'{');
    for (name, raw) in fields.names.iter().zip(fields.raw) {
        json.push(b'"');
        json.extend_from_slice(name.as_bytes());
        json.extend_from_slice(b"\":");
        json.extend_from_slice(raw.as_bytes());
        json.push(b',');
    }
    // A `Vec` takes everything.
    let _ = write!(json, r#""cluster":{cluster}}}"#);
    json
}
