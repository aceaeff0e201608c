//! `/api/v1/profiles`.

use serde::{Deserialize, Serialize};

use crate::{Entity, Text};

/// The cluster of an entity at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    /// Number of the profile model.
    pub model: u64,
    /// Its cluster then, from 1.
    pub cluster: u32,
    /// The identity of that cluster.
    pub identity: u32,
    /// The name of that cluster.
    pub name: Text,
    /// When the model was trained, RFC 3339 in UTC.
    pub trained_at: String,
}

/// Recency, frequency and monetary scores of a customer, from 1 to 5 (best), and the usual segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RfmScore {
    /// 5: among the fifth of the customers who were seen last.
    pub recency: u8,
    /// 5: among the fifth with the most invoices.
    pub frequency: u8,
    /// 5: among the fifth that spent most.
    pub monetary: u8,
    /// The segment.
    pub segment: Text,
}

/// `GET /api/v1/profiles/{entity}/{id}`: one customer, product or country.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileView {
    /// What it is.
    pub entity: Entity,
    /// Its identifier.
    pub id: String,
    /// Names of the features.
    pub features: Vec<String>,
    /// One value for each feature, in original units.
    pub values: Vec<f64>,
    /// Whether all its counts are exact, and none is an estimate.
    pub exact: bool,
    /// Of a customer.
    pub rfm: Option<RfmScore>,
    /// Its clusters in all profile models that know it, the oldest first.
    pub history: Vec<Membership>,
}
