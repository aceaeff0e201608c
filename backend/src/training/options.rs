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
    /// What is removed in time.
    pub retention: Retention,
}

/// How much history is kept; all of it without a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Numbered models of every kind and entity, the newest. Champions and those that they could be rolled
    /// back to stay besides.
    pub models: Option<u64>,
    /// Batches, the newest. Those that are not yet trained on stay besides.
    pub batches: Option<u64>,
}
