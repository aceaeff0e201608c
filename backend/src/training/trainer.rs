//! Trains models of stored batches, one batch after the other.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc::Receiver},
};

use tillstream_durable::{self as durable, FolderLock};
use tillstream_shared::{Entity, Manifest, Model, ModelKind, ModelNumber, ModelRef, OffsetRange};

use super::{
    Cumulative, Live, ProfileState, TrainerOptions, TrainingError,
    build::{line_model, profile_model},
    publisher::Publisher,
    seen::Seen,
};
use crate::{
    batch::{self, Catalogue},
    features::{LinePoints, Profiles},
    progress::Progress,
    registry::{ChampionStore, ModelStore, Registry, RowStore},
};

/// Trains the models of one data folder and puts them into a registry.
pub struct Trainer {
    publisher: Publisher,
    batches: PathBuf,
    state: StateFiles,
    cumulative: Cumulative,
    live: Live,
    profiles: ProfileState,
    _lock: FolderLock,
}

/// Where the state lies that follows the batches.
struct StateFiles {
    cumulative: PathBuf,
    live: PathBuf,
    profiles: PathBuf,
}

impl StateFiles {
    fn of(models: &Path) -> Self {
        let folder = models.join("cumulative");
        Self {
            cumulative: cumulative_path(models),
            live: folder.join("live.json"),
            profiles: folder.join("profiles.bin"),
        }
    }
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
        let state = StateFiles::of(models);
        let folder = models.join("cumulative");
        std::fs::create_dir_all(&folder).map_err(io)?;
        durable::remove_temporaries(models).map_err(io)?;
        durable::remove_temporaries(&folder).map_err(io)?;
        let rows = RowStore::of(models);
        rows.prepare().map_err(io)?;
        let store = ModelStore::open(models).map_err(io)?;
        let champions = ChampionStore::new(models);
        let cumulative = usable(&state.cumulative, &progress, Cumulative::load);
        let live = usable(&state.live, &progress, Live::load);
        let profiles = usable(&state.profiles, &progress, ProfileState::load);
        Ok(Self {
            batches: batches.to_owned(),
            state,
            cumulative,
            live,
            profiles,
            publisher: Publisher { options, store, rows, champions, registry, progress },
            _lock: lock,
        })
    }

    /// Trains what is missing for the batches in `catalogue`, then a batch for each manifest that
    /// `stored` brings, until its other end is dropped. What goes wrong with one batch is a notice.
    pub fn run(mut self, catalogue: &Catalogue, stored: &Receiver<Manifest>) {
        let missing = self.missing(catalogue);
        let mut waiting = missing.into_iter();
        loop {
            // The models of all batches are trained when no batch waits: in a rush of batches the
            // intermediate ones would be replaced before anyone saw them.
            let next = waiting.next().or_else(|| stored.try_recv().ok());
            let next = next.or_else(|| {
                self.train_cumulative();
                self.train_profiles();
                self.train_live();
                stored.recv().ok()
            });
            let Some(manifest) = next else { break };
            self.train_batch(&manifest);
        }
    }

    fn progress(&self) -> &Progress {
        &self.publisher.progress
    }

    fn model(&self, kind: ModelKind, entity: Entity, model: ModelRef) -> Option<Arc<Model>> {
        self.publisher.registry.resolve(kind, entity, model)
    }

    /// The batches that are not in all of the state, or have no model at all.
    fn missing(&mut self, catalogue: &Catalogue) -> Vec<Manifest> {
        let known = [self.cumulative.last_batch, self.live.last_batch, self.profiles.last_batch];
        let most = known.into_iter().fold(0, u64::max);
        if most > catalogue.last() {
            self.progress().notice(format!(
                "the models know {most} batches and the batch folder has {}: all batches are read anew",
                catalogue.last()
            ));
            self.cumulative = Cumulative::default();
            self.live = Live::default();
            self.profiles = ProfileState::default();
        }
        let everywhere =
            self.cumulative.last_batch.min(self.live.last_batch).min(self.profiles.last_batch);
        let is_missing = |manifest: &Manifest| {
            let model = ModelRef::Number(manifest.number);
            manifest.number > everywhere
                || Entity::ALL
                    .iter()
                    .all(|entity| self.model(ModelKind::Line, *entity, model).is_none())
        };
        let manifests = catalogue.manifests(1..=u64::MAX).filter_map(Result::ok);
        manifests.filter(is_missing).collect()
    }

    fn train_batch(&mut self, manifest: &Manifest) {
        let mut points = Entity::ALL.map(LinePoints::new);
        let mut profiles = Entity::ALL.map(Profiles::new);
        let read = batch::read_lines(&self.batches, manifest, |line| {
            points.iter_mut().for_each(|points| points.add(line));
            profiles.iter_mut().for_each(|profiles| profiles.add(line));
        });
        if let Err(error) = read {
            self.progress().notice(format!("batch {} is not trained: {error}", manifest.number));
            return;
        }
        let number = ModelNumber::Number(manifest.number);
        for points in &points {
            if self.model(ModelKind::Line, points.entity(), number.into()).is_none() {
                self.train_lines(points, number, manifest.number, &manifest.partitions);
            }
        }
        if manifest.number == self.cumulative.last_batch + 1 {
            self.cumulative.add(manifest, &points);
        }
        if manifest.number == self.profiles.last_batch + 1 {
            self.profiles.add(manifest, &profiles);
        }
        if manifest.number == self.live.last_batch + 1 {
            for notice in self.live.add(manifest, points, &self.publisher.options) {
                self.progress().notice(notice);
            }
        }
    }

    /// Trains and publishes a line model.
    fn train_lines(
        &self,
        points: &LinePoints,
        number: ModelNumber,
        batch: u64,
        offsets: &[OffsetRange],
    ) {
        let entity = points.entity();
        match line_model(points, &self.publisher.options.lines) {
            Ok(mut fit) => {
                place(&mut fit.model, number, batch, offsets);
                self.publisher.publish(fit.model, Seen::Lines(&fit.points), &fit.labels);
            }
            Err(error) => self.progress().notice(format!("no {entity} model {number}: {error}")),
        }
    }

    /// Trains the line models of all batches, unless they are up to date.
    fn train_cumulative(&self) {
        let Cumulative { last_batch, offsets, points } = &self.cumulative;
        let up_to_date = Entity::ALL.iter().all(|entity| {
            let model = self.model(ModelKind::Line, *entity, ModelRef::All);
            model.is_some_and(|model| model.batch == Some(*last_batch))
        });
        if *last_batch == 0 || up_to_date {
            return;
        }
        // The points first: models that are newer than the points would not be trained again.
        self.saved("points", self.cumulative.save(&self.state.cumulative));
        for points in points {
            self.train_lines(points, ModelNumber::All, *last_batch, offsets);
        }
    }

    /// Trains the profile models of all batches, unless they are up to date.
    fn train_profiles(&mut self) {
        if !self.profiles.changed {
            return;
        }
        let ProfileState { last_batch, offsets, profiles, .. } = &self.profiles;
        let number = ModelNumber::Number(*last_batch);
        for profiles in profiles {
            let table = profiles.table();
            let entity = table.entity;
            if self.model(ModelKind::Profile, entity, number.into()).is_some() {
                continue;
            }
            match profile_model(&table, &self.publisher.options.profiles) {
                Ok((mut model, labels)) => {
                    place(&mut model, number, *last_batch, offsets);
                    self.publisher.publish(model, Seen::Profiles(&table), &labels);
                }
                Err(error) => {
                    self.progress().notice(format!("no {entity} profile model {number}: {error}"))
                }
            }
        }
        // The models first: what a crash leaves unstored is read again from the batches.
        self.profiles.changed = false;
        self.saved("profiles", self.profiles.save(&self.state.profiles));
    }

    /// Publishes the live models, unless they are up to date.
    fn train_live(&mut self) {
        if !self.live.changed {
            return;
        }
        for entity in Entity::ALL {
            match self.live.model(entity, self.publisher.options.half_life) {
                Some(Ok(fit)) => {
                    self.publisher.publish(fit.model, Seen::Lines(&fit.points), &fit.labels);
                }
                Some(Err(error)) => {
                    self.progress().notice(format!("no {entity} model live: {error}"));
                }
                None => {}
            }
        }
        self.live.changed = false;
        self.saved("live models", self.live.save(&self.state.live));
    }

    fn saved(&self, what: &str, saved: std::io::Result<()>) {
        if let Err(error) = saved {
            self.progress().notice(format!("the {what} of all batches are not stored: {error}"));
        }
    }
}

/// What the file at `path` holds; a file that is not usable is a notice, and as good as none.
fn usable<T: Default>(
    path: &Path,
    progress: &Progress,
    load: impl Fn(&Path) -> std::io::Result<Option<T>>,
) -> T {
    let loaded = load(path).unwrap_or_else(|error| {
        progress.notice(format!(
            "{} is not usable ({error}): all batches are read anew",
            path.display()
        ));
        None
    });
    loaded.unwrap_or_default()
}

/// Says which batches a model is of.
fn place(model: &mut Model, number: ModelNumber, batch: u64, offsets: &[OffsetRange]) {
    model.number = number;
    model.batch = Some(batch);
    model.offsets = offsets.to_vec();
}

/// Where the cumulative points lie in a models folder.
pub(super) fn cumulative_path(models: &Path) -> PathBuf {
    models.join("cumulative").join("points.json")
}
