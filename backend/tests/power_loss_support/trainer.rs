//! Trains the models of a data folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use tillstream::{
    batch::Catalogue,
    modelling::{GateLimits, ModelParams},
    progress::Progress,
    registry::{ChampionStore, Registry},
    shutdown::Shutdown,
    training::{Retention, Trainer, TrainerOptions},
};
use tillstream_clustering::{HalfLife, KChoice};
use tillstream_shared::PreprocessingKind;
use tokio::sync::watch;

/// Keeps the newest batch and the one before, so that a state that is lost cannot be made again.
fn options() -> TrainerOptions {
    let lines = ModelParams {
        preprocessing: PreprocessingKind::Log,
        clip: None,
        k: KChoice::Fixed(2),
        n_init: 1,
        seed: 1,
        evaluate: false,
    };
    TrainerOptions {
        lines,
        profiles: ModelParams { preprocessing: PreprocessingKind::Signed, ..lines },
        half_life: HalfLife::Batches(10.0),
        gate: GateLimits::default(),
        retention: Retention { models: None, batches: Some(2) },
    }
}

/// Trains all that is missing.
pub fn train(data: &Path) {
    let (batches, models) = (data.join("batch"), data.join("models"));
    let progress = Arc::<Progress>::default();
    let registry = Arc::new(Registry::open(&models, &batches).unwrap());
    registry.refresh().unwrap();
    registry.follow_champions(&ChampionStore::new(&models), &progress).unwrap();
    let catalogue = Catalogue::read(&batches).unwrap();
    let trainer = Trainer::open(options(), &catalogue, &models, registry, progress).unwrap();
    let (_, stored) = watch::channel(0);
    trainer.run(catalogue, stored, &Shutdown::default()).unwrap();
}

/// The models without the time at which they were made, and hashes of their rows, by name.
pub fn models(data: &Path) -> BTreeMap<String, String> {
    let files = |folder: PathBuf| {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).map(|entry| {
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap_or_default())
        })
    };
    let models = files(data.join("models")).filter(|(name, _)| name.contains("_model_"));
    let models = models.map(|(name, content)| {
        let mut model: Value = serde_json::from_slice(&content).unwrap();
        model.as_object_mut().unwrap().remove("trained_at");
        (name, model.to_string())
    });
    let rows = files(data.join("models/profiles"));
    models.chain(rows.map(|(name, rows)| (name, blake3::hash(&rows).to_string()))).collect()
}
