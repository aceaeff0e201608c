//! How models are trained.

use tillstream_clustering::HalfLife;

use crate::modelling::{GateLimits, ModelParams};

/// How the models of a data folder are trained.
#[derive(Debug, Clone, Copy)]
pub struct TrainerOptions {
    /// The line models.
    pub lines: ModelParams,
    /// The profile models.
    pub profiles: ModelParams,
    /// How fast `live` models forget.
    pub half_life: HalfLife,
    /// What a champion must be.
    pub gate: GateLimits,
}
