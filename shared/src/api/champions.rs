//! `/api/v1/champions`.

use serde::{Deserialize, Serialize};

use crate::Champion;

/// `GET /api/v1/champions`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Champions {
    /// One for each kind and entity.
    pub champions: Vec<Champion>,
}

/// `POST /api/v1/champions/{entity}`, with `?kind=profile` for profile models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChampionRequest {
    /// Promotes the model of this number and holds it.
    Promote(u64),
    /// Goes back to the champion before, and holds it.
    RollBack,
    /// Lets the gate promote again.
    Release,
}
