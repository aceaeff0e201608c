//! The flags that say how models are trained, and which of them becomes champion.

use clap::Args;
use tillstream_clustering::{HalfLife, KChoice};
use tillstream_shared::PreprocessingKind;

use crate::{
    modelling::{GateLimits, ModelParams},
    training::{Recipe, Retention, TrainerOptions},
};

#[derive(Debug, Args)]
pub(super) struct ModelOptions {
    /// Number of clusters, or `auto`: 2 to 10 are tried, and the report card says why one is taken
    #[arg(
        long,
        env = "TILLSTREAM_K",
        value_name = "K|auto",
        default_value = "3",
        value_parser = clap::value_parser!(KChoice)
    )]
    k: KChoice,
    /// Of line models. `raw`: every line, values as they are; `log`: sales only, log1p, standardised;
    /// `signed`: every line, signed log1p, standardised; `robust`: the same by median and interquartile
    /// range. Without it log; of the recipe `profile` as the next flag says
    #[arg(
        long,
        env = "TILLSTREAM_PREPROCESSING",
        value_name = "raw|log|signed|robust",
        value_parser = clap::value_parser!(PreprocessingKind)
    )]
    preprocessing: Option<PreprocessingKind>,
    /// Of profile models
    #[arg(
        long,
        env = "TILLSTREAM_PROFILE_PREPROCESSING",
        value_name = "raw|log|signed|robust",
        default_value_t = Recipe::Profile.preprocessing(),
        value_parser = clap::value_parser!(PreprocessingKind)
    )]
    profile_preprocessing: PreprocessingKind,
    /// Cut what lies further than this from the middle, in standard deviations (or quartile ranges)
    #[arg(long, env = "TILLSTREAM_CLIP", value_name = "Z", value_parser = above_zero)]
    clip: Option<f64>,
    /// Starts of k-means. Unless all of them end at the same clusters, these are recombined until
    /// six times as many offspring bring nothing better
    #[arg(
        long,
        env = "TILLSTREAM_RESTARTS",
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    restarts: u32,
    /// Seed of the starts: the same seed gives the same model
    #[arg(long, env = "TILLSTREAM_SEED", value_name = "S", default_value_t = 1)]
    seed: u64,
    /// What halves the weight of the past in `live` models: a number of batches or of lines
    #[arg(
        long,
        env = "TILLSTREAM_HALF_LIFE",
        value_name = "Nbatches|Nlines",
        default_value = "10batches",
        value_parser = clap::value_parser!(HalfLife)
    )]
    half_life: HalfLife,
    #[command(flatten)]
    gate: GateOptions,
    #[command(flatten)]
    retention: RetentionOptions,
}

impl ModelOptions {
    pub(super) fn trainer(&self) -> TrainerOptions {
        TrainerOptions {
            lines: self.of_recipe(Recipe::Line),
            profiles: self.params(self.profile_preprocessing),
            half_life: self.half_life,
            gate: self.gate.limits(),
            retention: self.retention.retention(),
        }
    }

    /// For models of `recipe`, whose preprocessing is taken unless another is given.
    pub(super) fn of_recipe(&self, recipe: Recipe) -> ModelParams {
        let usual = match recipe {
            Recipe::Profile => self.profile_preprocessing,
            Recipe::Line | Recipe::Rfm => recipe.preprocessing(),
        };
        self.params(self.preprocessing.unwrap_or(usual))
    }

    fn params(&self, preprocessing: PreprocessingKind) -> ModelParams {
        let Self { k, clip, restarts, seed, .. } = *self;
        ModelParams { preprocessing, clip, k, n_init: restarts, seed, evaluate: true }
    }
}

/// What a model must be to become champion.
#[derive(Debug, Args)]
pub(super) struct GateOptions {
    /// A champion's mean silhouette is at least this
    #[arg(
        long,
        env = "TILLSTREAM_GATE_SILHOUETTE",
        value_name = "-1..1",
        default_value_t = GateLimits::default().min_silhouette,
        allow_negative_numbers = true
    )]
    gate_silhouette: f64,
    /// A champion's mean silhouette is at most so much below that of the one before
    #[arg(
        long,
        env = "TILLSTREAM_GATE_SILHOUETTE_DROP",
        value_name = "0..2",
        default_value_t = GateLimits::default().max_silhouette_drop
    )]
    gate_silhouette_drop: f64,
    /// A champion agrees with the one before on its own points, by the adjusted Rand index
    #[arg(
        long,
        env = "TILLSTREAM_GATE_STABILITY",
        value_name = "-1..1",
        default_value_t = GateLimits::default().min_stability,
        allow_negative_numbers = true
    )]
    gate_stability: f64,
    /// A champion's smallest cluster has at least this share of all
    #[arg(
        long,
        env = "TILLSTREAM_GATE_SHARE",
        value_name = "0..1",
        default_value_t = GateLimits::default().min_share
    )]
    gate_share: f64,
}

impl GateOptions {
    fn limits(&self) -> GateLimits {
        GateLimits {
            min_silhouette: self.gate_silhouette,
            max_silhouette_drop: self.gate_silhouette_drop,
            min_stability: self.gate_stability,
            min_share: self.gate_share,
        }
    }
}

/// How much history is kept.
#[derive(Debug, Args)]
pub(super) struct RetentionOptions {
    /// Keep the newest N numbered models of every kind and entity, and remove older ones, but for
    /// champions and those that they could be rolled back to; all of them without it
    #[arg(
        long,
        env = "TILLSTREAM_KEEP_MODELS",
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    keep_models: Option<u64>,
    /// Keep the newest N batches, and remove older ones that were trained on; all of them without it
    #[arg(
        long,
        env = "TILLSTREAM_KEEP_BATCHES",
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    keep_batches: Option<u64>,
}

impl RetentionOptions {
    fn retention(&self) -> Retention {
        Retention { models: self.keep_models, batches: self.keep_batches }
    }
}

/// A finite number above zero.
fn above_zero(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|number| *number > 0.0 && number.is_finite())
        .ok_or_else(|| "use a number above zero, such as 3".to_owned())
}
