//! `/api/v1/predict`.

use serde::{Deserialize, Serialize};

use crate::{Entity, ModelNumber, ModelRef, Text};

/// `POST /api/v1/predict`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictRequest {
    /// What the line is about.
    pub entity: Entity,
    /// The customer, product or country; echoed, not used by a line model.
    pub id: String,
    /// Pieces.
    pub quantity: f64,
    /// Price of one piece.
    pub unit_price: f64,
    /// The line model to ask; a number or an alias.
    pub model: ModelRef,
}

/// The answer to [`PredictRequest`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictResponse {
    /// From the request.
    pub entity: Entity,
    /// From the request.
    pub id: String,
    /// From the request.
    pub quantity: f64,
    /// From the request.
    pub unit_price: f64,
    /// The model that answered, an alias resolved.
    pub model: ModelNumber,
    /// The cluster, from 1.
    pub cluster: u32,
    /// What the cluster stands for: low, medium or high value.
    pub description: String,
    /// The cluster's name, from its own figures; empty texts for a model of an earlier version.
    #[serde(default)]
    pub name: Text,
    /// The cluster's identity, which stays from model to model; 0 for a model of an earlier version.
    #[serde(default)]
    pub identity: u32,
    /// Euclidean distance to each centroid in model space; the k-th belongs to cluster k.
    pub distances: Vec<f64>,
}
