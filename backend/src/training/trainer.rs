//! Trains models of stored batches, one batch after the other.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc::Receiver},
};

use tillstream_shared::{
    Entity, Manifest, Model, ModelKind, ModelNumber, ModelRef, OffsetRange, PreprocessingKind,
    api::{Event, Stage},
};

use super::{Cumulative, TrainingError};
use crate::{
    batch::{self, Catalogue},
    clustering::{KChoice, train_line_model},
    durable::FolderLock,
    features::LinePoints,
    ingest::{Input, Row},
    progress::{Part, Progress, now},
    registry::{ModelStore, Registry},
};

/// How models are trained.
#[derive(Debug, Clone, Copy)]
pub struct TrainerOptions {
    /// Number of clusters.
    pub k: u32,
    /// Which lines, and how they are scaled.
    pub preprocessing: PreprocessingKind,
    /// Restarts, of which the best is kept.
    pub restarts: u32,
    /// Seed of the restarts.
    pub seed: u64,
}

/// Trains the models of one data folder and puts them into a registry.
pub struct Trainer {
    options: TrainerOptions,
    batches: PathBuf,
    store: ModelStore,
    registry: Arc<Registry>,
    progress: Arc<Progress>,
    cumulative: Cumulative,
    cumulative_path: PathBuf,
    _lock: FolderLock,
}

impl Trainer {
    /// Takes the models folder for writing. The models that are there already must be in `registry`.
    ///
    /// # Errors
    /// [`TrainingError`].
    pub fn open(
        options: TrainerOptions,
        batches: &Path,
        models: &Path,
        registry: Arc<Registry>,
        progress: Arc<Progress>,
    ) -> Result<Self, TrainingError> {
        let lock = FolderLock::take(models)?;
        let io = |source| TrainingError::Io { path: models.to_owned(), source };
        let cumulative_path = cumulative_path(models);
        std::fs::create_dir_all(cumulative_path.parent().unwrap_or(models)).map_err(io)?;
        crate::durable::remove_temporaries(models).map_err(io)?;
        let store = ModelStore::open(models).map_err(io)?;
        let cumulative = Cumulative::load(&cumulative_path).unwrap_or_else(|error| {
            progress.notice(format!(
                "{} is not usable ({error}): all batches are read anew",
                cumulative_path.display()
            ));
            None
        });
        Ok(Self {
            options,
            batches: batches.to_owned(),
            store,
            registry,
            progress,
            cumulative: cumulative.unwrap_or_default(),
            cumulative_path,
            _lock: lock,
        })
    }

    /// Trains what is missing for the batches in `catalogue`, then a batch for each manifest that
    /// `stored` brings, until its other end is dropped. What goes wrong with one batch is a notice.
    pub fn run(mut self, catalogue: &Catalogue, stored: &Receiver<Manifest>) {
        self.progress.stage(Part::Trainer, Stage::Running);
        let missing = self.missing(catalogue);
        let mut waiting = missing.into_iter();
        loop {
            // The cumulative models are trained when no batch waits: in a rush of batches the
            // intermediate ones would be replaced before anyone saw them.
            let next = waiting.next().or_else(|| stored.try_recv().ok());
            let next = next.or_else(|| {
                self.train_cumulative();
                stored.recv().ok()
            });
            let Some(manifest) = next else { break };
            self.train_batch(&manifest);
        }
        self.progress.stage(Part::Trainer, Stage::Done);
    }

    /// The batches that are not in the cumulative points, or lack all of their models.
    fn missing(&mut self, catalogue: &Catalogue) -> Vec<Manifest> {
        let manifests = catalogue.manifests();
        if self.cumulative.last_batch > manifests.len() as u64 {
            self.progress.notice(format!(
                "the models know {} batches and the batch folder has {}: all batches are read anew",
                self.cumulative.last_batch,
                manifests.len()
            ));
            self.cumulative = Cumulative::default();
        }
        let has_model = |number| {
            let model = ModelRef::Number(number);
            Entity::ALL
                .iter()
                .any(|entity| self.registry.resolve(ModelKind::Line, *entity, model).is_some())
        };
        let is_missing = |manifest: &&Manifest| {
            manifest.number > self.cumulative.last_batch || !has_model(manifest.number)
        };
        manifests.iter().filter(is_missing).cloned().collect()
    }

    fn train_batch(&mut self, manifest: &Manifest) {
        let mut points = Entity::ALL.map(LinePoints::new);
        let read = batch::read_lines(&self.batches, manifest, |line| {
            points.iter_mut().for_each(|points| points.add(line));
        });
        if let Err(error) = read {
            self.progress.notice(format!("batch {} is not trained: {error}", manifest.number));
            return;
        }
        let number = ModelNumber::Number(manifest.number);
        for points in &points {
            self.train(points, number, manifest.number, &manifest.partitions);
        }
        if manifest.number == self.cumulative.last_batch + 1 {
            self.cumulative.add(manifest, &points);
        }
    }

    /// Trains and stores the cumulative models, unless they are up to date.
    fn train_cumulative(&mut self) {
        let Cumulative { last_batch, offsets, points } = &self.cumulative;
        let up_to_date = Entity::ALL.iter().all(|entity| {
            let model = self.registry.resolve(ModelKind::Line, *entity, ModelRef::All);
            model.is_some_and(|model| model.batch == Some(*last_batch))
        });
        if *last_batch == 0 || up_to_date {
            return;
        }
        // The points first: models that are newer than the points would not be trained again.
        if let Err(error) = self.cumulative.save(&self.cumulative_path) {
            self.progress.notice(format!("the points of all batches are not stored: {error}"));
        }
        for points in points {
            self.train(points, ModelNumber::All, *last_batch, offsets);
        }
    }

    /// Trains, stores and publishes one model.
    fn train(&self, points: &LinePoints, number: ModelNumber, batch: u64, offsets: &[OffsetRange]) {
        let entity = points.entity();
        let model = match fit(points, &self.options) {
            Ok(model) => Model { number, batch: Some(batch), offsets: offsets.to_vec(), ..model },
            Err(error) => {
                self.progress.notice(format!("no {entity} model {number}: {error}"));
                return;
            }
        };
        if let Err(error) = self.store.save(&model) {
            self.progress.notice(format!("the {entity} model {number} is not stored: {error}"));
            return;
        }
        tracing::debug!("trained {entity} model {number}");
        self.registry.insert(model);
        self.progress.models.set(self.registry.count() as u64);
        self.progress.send(Event::ModelTrained { kind: ModelKind::Line, entity, number });
    }
}

/// Where the cumulative points lie in a models folder.
pub(super) fn cumulative_path(models: &Path) -> PathBuf {
    models.join("cumulative").join("points.json")
}

/// Trains one model straight from `input`. Rows that are no lines are left out and counted in a
/// warning.
///
/// # Errors
/// [`TrainingError`].
pub fn train_file(
    mut input: Input,
    entity: Entity,
    options: &TrainerOptions,
) -> Result<Model, TrainingError> {
    let mut points = LinePoints::new(entity);
    let mut rejects = 0_u64;
    while let Some(row) = input.next() {
        match row? {
            Row::Line { line, .. } => points.add(&line),
            Row::Reject(_) => rejects += 1,
        }
    }
    if rejects > 0 {
        tracing::warn!("{rejects} rows were no lines and are left out");
    }
    Ok(fit(&points, options)?)
}

/// A model without a batch, as number 1.
fn fit(
    points: &LinePoints,
    options: &TrainerOptions,
) -> Result<Model, crate::clustering::ClusteringError> {
    let (kept, funnel) = points.filtered(options.preprocessing.filter());
    let TrainerOptions { k, preprocessing, restarts, seed } = *options;
    let trained = train_line_model(&kept, preprocessing, KChoice::Fixed(k), restarts, seed)?;
    Ok(Model {
        format_version: Model::FORMAT_VERSION,
        kind: ModelKind::Line,
        entity: points.entity(),
        number: ModelNumber::Number(1),
        batch: None,
        features: vec!["Quantity".to_owned(), "UnitPrice".to_owned()],
        preprocessing: trained.preprocessing,
        k,
        seed,
        restarts,
        centroids: trained.centroids,
        model_centroids: trained.model_centroids,
        sizes: trained.sizes,
        mean_values: trained.mean_values,
        sse: trained.sse,
        iterations: trained.iterations,
        funnel,
        offsets: Vec::new(),
        trained_at: now(),
        clusters: Vec::new(),
        previous: None,
        identities: 0,
        transitions: Vec::new(),
        evaluation: Some(trained.evaluation),
        report: trained.report,
    })
}
