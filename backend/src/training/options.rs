//! How models are trained.

use tillstream_shared::PreprocessingKind;

use crate::clustering::{GateLimits, HalfLife, KChoice};

/// How models are trained.
#[derive(Debug, Clone, Copy)]
pub struct TrainerOptions {
    /// Number of clusters, or that it is to be chosen.
    pub k: KChoice,
    /// Of line models: which lines, and how they are scaled.
    pub preprocessing: PreprocessingKind,
    /// Of profile models: how the features are scaled.
    pub profile_preprocessing: PreprocessingKind,
    /// The largest absolute value in model space; none leaves all as they are.
    pub clip: Option<f64>,
    /// Restarts, of which the best is kept.
    pub restarts: u32,
    /// Seed of the restarts.
    pub seed: u64,
    /// How fast `live` models forget.
    pub half_life: HalfLife,
    /// What a champion must be.
    pub gate: GateLimits,
}
