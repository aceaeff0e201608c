//! `/api/v1/models`.

use serde::{Deserialize, Serialize};

use crate::{Entity, ModelKind, ModelNumber, PreprocessingKind};

/// One row of `GET /api/v1/models`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// Whether lines or profiles are clustered.
    #[serde(default)]
    pub kind: ModelKind,
    /// What they are about.
    pub entity: Entity,
    /// Number, `all` or `live`.
    pub number: ModelNumber,
    /// The batch it was trained on, or the newest of several.
    pub batch: Option<u64>,
    /// Raw or log.
    pub preprocessing: PreprocessingKind,
    /// Number of clusters.
    pub k: u32,
    /// Lines, or for profile models entities, in each cluster.
    pub sizes: Vec<u64>,
    /// Sum of squared errors in model space.
    pub sse: f64,
    /// Mean silhouette, where there is one.
    #[serde(default)]
    pub silhouette: Option<f64>,
    /// RFC 3339 in UTC.
    pub trained_at: String,
}

/// `GET /api/v1/models`: by kind and entity, the newest numbered models ascending, then `all` and
/// `live`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelList {
    /// The models of this page of the list.
    pub models: Vec<ModelSummary>,
    /// Models in all, listed or not.
    pub total: u64,
    /// Files in the models folder that could not be used, and why.
    pub unusable: Vec<String>,
}

/// `GET /api/v1/models/{entity}/{number}/points`: the weighted distinct points that the model was
/// trained on, as columns of equal length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Points {
    /// Pieces.
    pub quantity: Vec<f64>,
    /// Price of one piece.
    pub unit_price: Vec<f64>,
    /// Lines at this point.
    pub weight: Vec<u64>,
    /// Cluster of the point, from 1.
    pub cluster: Vec<u32>,
}

/// `GET /api/v1/models/{entity}/{number}/profiles`: the rows that a profile model was trained on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProfileRows {
    /// Names of the features.
    pub features: Vec<String>,
    /// Customers, products or countries.
    pub ids: Vec<String>,
    /// One column for each feature, in original units, each as long as `ids`.
    pub columns: Vec<Vec<f64>>,
    /// Cluster of each, from 1.
    pub cluster: Vec<u32>,
    /// Whether all counts of each are exact, and none is an estimate.
    #[serde(default)]
    pub exact: Vec<bool>,
}

/// `GET /api/v1/models/{entity}/{from}/migration/{to}`: how many lines or entities moved from which
/// cluster to which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// Line models: the lines that `to` was trained on, as both models assign them. Profile models:
    /// the entities that both know, as each model assigned them in its time.
    pub kind: ModelKind,
    /// What the models are about.
    pub entity: Entity,
    /// The earlier model, an alias resolved.
    pub from: ModelNumber,
    /// The later model, an alias resolved.
    pub to: ModelNumber,
    /// k of `from` rows, k of `to` columns: lines or entities.
    pub counts: Vec<Vec<u64>>,
    /// Lines that `from` does not admit, or entities that it does not know.
    pub arrived: Vec<u64>,
    /// Entities of `from` that `to` does not know, by cluster of `from`; zeros for line models.
    pub left: Vec<u64>,
}
