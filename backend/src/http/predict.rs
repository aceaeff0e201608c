//! `POST /api/v1/predict`: the cluster of a line, what it stands for, and how far every centroid is.

use std::borrow::Cow;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::{Serialize, Serializer};
use tillstream_shared::{Entity, Excluded, Model, ModelNumber};

use super::{ApiError, App, body::JsonBody, line};

/// [`tillstream_shared::api::PredictResponse`], borrowed, so that only its JSON is allocated.
#[derive(Serialize)]
struct Prediction<'a> {
    entity: Entity,
    id: Cow<'a, str>,
    quantity: f64,
    unit_price: f64,
    model: ModelNumber,
    cluster: u32,
    description: String,
    distances: Distances<'a>,
}

struct Distances<'a> {
    model: &'a Model,
    values: [f64; 2],
}

impl Serialize for Distances<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let distances = self.model.distances(&self.values);
        serializer.collect_seq(distances.map_err(|e: Excluded| serde::ser::Error::custom(e))?)
    }
}

/// The fields are those of [`tillstream_shared::api::PredictRequest`]; a customer's id may be a
/// number too.
pub(super) async fn predict(State(state): App, body: JsonBody) -> Result<Response, ApiError> {
    let fields = body.fields(["entity", "id", "quantity", "unit_price", "model"])?;
    let [entity, id, quantity, unit_price, model] = fields.raw;
    let entity: Entity = line::text("entity", "customer, product or country", entity)?
        .parse()
        .map_err(|error| ApiError::field("entity", format!("is not known: {error}")))?;
    let id = line::identifier(entity, "id", id)?;
    let quantity = line::number("quantity", quantity)?;
    let unit_price = line::number("unit_price", unit_price)?;
    let model = line::model_ref("model", model)?;

    let models = state.registry.read();
    let model = model.and_then(|model| models.resolve(entity, model));
    let model = model.ok_or(ApiError::ModelNotFound)?;
    let values = [quantity, unit_price];
    let assignment = line::assign(model, ["quantity", "unit_price"], values)?;
    let prediction = Prediction {
        entity,
        id,
        quantity,
        unit_price,
        model: model.number,
        cluster: assignment.cluster,
        description: model.description(assignment.cluster),
        distances: Distances { model, values },
    };
    let json = serde_json::to_vec(&prediction).map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}
