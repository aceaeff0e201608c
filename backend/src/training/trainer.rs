//! Trains models of stored batches, one batch after the other.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tillstream_durable::{self as durable, FolderLock};
use tillstream_shared::{Entity, Manifest, ModelKind, ModelNumber, ModelRef};
use tokio::{runtime, sync::watch};

use super::{
    NotStored, Retention, TrainerOptions, TrainingError,
    many::Source,
    publisher::Publisher,
    retention::remove_batches,
    retry::Retry,
    source::{is_of, mismatch, remove_earlier_state, set_aside},
};
use crate::{
    batch::{self, BatchError, Catalogue},
    features::LinePoints,
    progress::Progress,
    registry::{ChampionStore, ProfileRowStore, Registry},
    shutdown::Shutdown,
    training_state::{BatchContent, BatchId, TrainingState, state_path},
};

/// How often to look for batches of which nobody has told.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// In a rush of batches the state is stored this often, or less often where that would take more than a
/// twentieth of the time: so much work a crash can cost.
const SAVE_INTERVAL: Duration = Duration::from_secs(10);
/// Trains the models of one data folder and puts them into a registry.
pub struct Trainer {
    pub(super) publisher: Publisher,
    state_path: PathBuf,
    pub(super) state: TrainingState,
    /// The points of the newest batch that was absorbed; none until the first batch of this process.
    pub(super) newest_points: Option<[LinePoints; 3]>,
    /// Whether models of many batches may be missing or out of date.
    pub(super) is_stale: bool,
    saved: Saved,
    /// Batches that cannot be read for now.
    reading: Retry<BatchError>,
    /// Models or state that cannot be stored for now.
    storing: Retry<NotStored>,
    _lock: FolderLock,
}

/// The state's file.
struct Saved {
    /// Newest batch in it.
    through: u64,
    /// Whether the state is another by now.
    changed: bool,
    at: Instant,
    took: Duration,
}

impl Trainer {
    /// Takes the models folder for writing. What does not belong to the batches of `catalogue` is set aside.
    /// The models that are there must be in `registry`.
    ///
    /// # Errors
    /// [`TrainingError`].
    pub fn open(
        options: TrainerOptions,
        catalogue: &Catalogue,
        models: &Path,
        registry: Arc<Registry>,
        progress: Arc<Progress>,
    ) -> Result<Self, TrainingError> {
        let lock = FolderLock::take(models)?;
        let io = |source| TrainingError::Io { path: models.to_owned(), source };
        durable::remove_temporaries(models).map_err(io)?;
        let state_path = state_path(models);
        let mut state = TrainingState::load(&state_path).unwrap_or_else(|error| {
            let path = state_path.display();
            progress.notice(format!("{path} is not usable ({error}): all batches are read anew"));
            None
        });
        let champions = ChampionStore::new(models);
        if let Some(reason) = mismatch(state.as_ref(), &registry, catalogue)? {
            let aside = set_aside(models).map_err(io)?;
            progress.notice(format!(
                "the models do not belong to the batches: {reason}; they are in {} now, and all batches are \
                 trained anew",
                aside.display()
            ));
            state = None;
            registry.refresh().map_err(io)?;
            if let Err(error) = registry.follow_champions(&champions, &progress) {
                progress.notice(format!("the champions stay as they are: {error}"));
            }
            progress.models.set(registry.count());
        }
        if remove_earlier_state(models).map_err(io)? && state.is_none() {
            progress.notice(
                "the training state is one of an earlier version: all batches are read anew, and models that \
                 fit to them stay",
            );
        }
        let rows = ProfileRowStore::of(models);
        rows.prepare().map_err(io)?;
        let mut state = state.unwrap_or_default();
        let through = state.last.number;
        state.reopen_last_gaps();
        if registry.count() == 0
            && let Some(newest) = &state.newest
        {
            progress.notice("there are no models: those of all batches are trained anew");
            let numbers = catalogue.first()..=newest.id.number;
            let numbers = numbers.filter(|number| !state.gaps.contains_key(number));
            let models = numbers.flat_map(|number| Entity::ALL.map(|entity| (number, entity)));
            state.unstored.extend(models);
        }
        progress.set_gaps(state.gaps());
        Ok(Self {
            publisher: Publisher { options, rows, champions, registry, progress },
            state_path,
            state,
            newest_points: None,
            is_stale: true,
            saved: Saved { through, changed: false, at: Instant::now(), took: Duration::ZERO },
            reading: Retry::default(),
            storing: Retry::default(),
            _lock: lock,
        })
    }

    /// Trains what is missing for the batches in `catalogue` and for those that are stored meanwhile, until
    /// the sender of `stored` is dropped and nothing is missing, or `shutdown` is requested. The values of
    /// `stored` only wake it; which batches there are is read from the folder. Blocks the thread.
    ///
    /// Models of many batches are trained when no batch waits: in a rush of batches the intermediate ones
    /// would be replaced before anyone saw them. A damaged batch is left out; what may be whole or possible
    /// later is tried again later.
    ///
    /// # Errors
    /// [`TrainingError::Batch`] when the batches are not usable, and what still goes wrong after some tries
    /// when there is nothing else left to do.
    pub fn run(
        mut self,
        mut catalogue: Catalogue,
        mut stored: watch::Receiver<u64>,
        shutdown: &Shutdown,
    ) -> Result<(), TrainingError> {
        let runtime = runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(TrainingError::Wait)?;
        self.retry_gaps(&catalogue, shutdown)?;
        loop {
            // Before the look into the folder: what is stored before the sender is dropped is seen.
            let is_last = stored.has_changed().is_err();
            let all_read = self.train_batches(&mut catalogue, shutdown)?;
            let all_stored = self.train_when_quiet(&mut catalogue, shutdown);
            if shutdown.requested() || (is_last && all_read && all_stored) {
                break;
            }
            if is_last {
                self.give_up()?;
            }
            let retries =
                [self.reading.remaining(), self.storing.remaining()].into_iter().flatten();
            let pause = retries.fold(POLL_INTERVAL, Duration::min);
            runtime.block_on(async {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(pause) => {}
                    _ = stored.changed(), if !is_last => {}
                }
            });
        }
        self.save();
        Ok(())
    }

    /// When nothing else is left to do, what goes wrong is not tried for ever.
    fn give_up(&mut self) -> Result<(), TrainingError> {
        if let Some(error) = self.reading.give_up() {
            return Err(error.into());
        }
        self.storing.give_up().map_or(Ok(()), |error| Err(error.into()))
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.publisher.progress
    }

    /// Trains all batches that wait; tells whether none is left. What may pass is tried again later.
    fn train_batches(
        &mut self,
        catalogue: &mut Catalogue,
        shutdown: &Shutdown,
    ) -> Result<bool, TrainingError> {
        while self.reading.is_due() && !shutdown.requested() {
            match self.train_next(catalogue, shutdown) {
                Ok(true) => self.reading.succeeded(),
                Ok(false) => return Ok(true),
                Err(error) if may_pass(&error) => {
                    if self.reading.is_first() {
                        self.progress().notice(format!("{error}; training waits and tries again"));
                    }
                    self.reading.failed(error);
                }
                Err(error) => return Err(error.into()),
            }
            if self.saved.is_due() {
                self.save();
                self.remove_old(catalogue, shutdown);
            }
        }
        Ok(false)
    }

    /// Trains the next batch; tells whether there was one.
    fn train_next(
        &mut self,
        catalogue: &mut Catalogue,
        shutdown: &Shutdown,
    ) -> Result<bool, BatchError> {
        let number = self.state.last.number + 1;
        if number > catalogue.last() {
            catalogue.refresh()?;
            if number > catalogue.last() {
                return Ok(false);
            }
        }
        if number < catalogue.first() {
            self.skip_removed(catalogue.first() - 1);
            return Ok(true);
        }
        let manifest = catalogue.manifest(number)?.ok_or_else(|| BatchError::Io {
            path: catalogue.folder().to_owned(),
            source: io::Error::other(format!("batch {number} has disappeared")),
        })?;
        match read_content(catalogue, &manifest) {
            Ok(content) => self.train_batch(&manifest, content, catalogue.last(), shutdown),
            Err(error) if may_pass(&error) => return Err(error),
            Err(error) => self.leave_out(&manifest, &error),
        }
        Ok(true)
    }

    /// Goes on after batches that were removed before they were trained on.
    fn skip_removed(&mut self, last: u64) {
        let first = self.state.last.number + 1;
        self.progress().notice(format!(
            "batches {first} to {last} were removed: models of many batches are without them"
        ));
        self.state.last = BatchId { number: last, manifest: String::new() };
        self.saved.changed = true;
    }

    fn leave_out(&mut self, manifest: &Manifest, error: &BatchError) {
        self.progress().notice(format!(
            "batch {} is damaged and left out of all models: {error}",
            manifest.number
        ));
        self.state.leave_out(manifest, error.to_string());
        self.progress().set_gaps(self.state.gaps());
        self.saved.changed = true;
    }

    /// Trains the line models of a batch and absorbs it. When the shutdown is heard in between, the batch is
    /// done again at the next start.
    fn train_batch(
        &mut self,
        manifest: &Manifest,
        content: BatchContent,
        last: u64,
        shutdown: &Shutdown,
    ) {
        for points in &content.points {
            if shutdown.requested() {
                return;
            }
            self.train_line_model(points, manifest, last);
        }
        let TrainerOptions { lines, half_life, .. } = self.publisher.options;
        for (entity, error) in self.state.absorb(manifest, &content, &lines, half_life) {
            let number = manifest.number;
            self.progress()
                .notice(format!("the live {entity} model leaves out batch {number}: {error}"));
        }
        self.newest_points = Some(content.points);
        self.is_stale = true;
        self.saved.changed = true;
    }

    /// Trains the line model of one batch, unless it is there, or would be removed at once.
    fn train_line_model(&mut self, points: &LinePoints, manifest: &Manifest, last: u64) {
        let (entity, number) = (points.entity(), manifest.number);
        let keep = self.publisher.options.retention.models.unwrap_or(u64::MAX);
        let there = self.publisher.registry.get(ModelKind::Line, entity, ModelRef::Number(number));
        let is_missing = number.saturating_add(keep) > last
            && !there.is_some_and(|model| is_of(&model, manifest));
        self.saved.changed |= self.state.unstored.remove(&(number, entity));
        if !is_missing {
            return;
        }
        let id = BatchId::of(manifest);
        let source = Source { newest: &id, offsets: &manifest.partitions, gaps: Vec::new() };
        let trained = self.publisher.train_lines(points, ModelNumber::Number(number), &source);
        if let Err(error) = trained {
            self.state.unstored.insert((number, entity));
            self.saved.changed = true;
            self.cannot_store(error);
        }
    }

    pub(super) fn cannot_store(&mut self, error: NotStored) {
        if self.storing.is_first() {
            self.progress().notice(format!("{error}; it is tried again"));
        }
        // Several failures at a time count as one.
        if self.storing.is_due() {
            self.storing.failed(error);
        }
    }

    /// Tries batches that were left out and have been passed: whoever restores a file finds it trained on
    /// after the next start.
    fn retry_gaps(
        &mut self,
        catalogue: &Catalogue,
        shutdown: &Shutdown,
    ) -> Result<(), TrainingError> {
        let gaps: Vec<_> = self.state.gaps.keys().copied().collect();
        for number in gaps {
            if shutdown.requested() {
                break;
            }
            // A batch that was removed since stays a gap.
            let Some(manifest) = catalogue.manifest(number)? else { continue };
            let Ok(content) = read_content(catalogue, &manifest) else { continue };
            for points in &content.points {
                self.train_line_model(points, &manifest, catalogue.last());
            }
            self.state.absorb_late(&manifest, &content);
            self.is_stale = true;
            self.saved.changed = true;
            self.progress().notice(format!(
                "batch {number} is whole again and trained on; the live models are without it"
            ));
        }
        self.progress().set_gaps(self.state.gaps());
        Ok(())
    }

    /// What waits until no batch does: models of many batches, models that could not be stored, and removing
    /// what is old. Tells whether nothing of it is left.
    fn train_when_quiet(&mut self, catalogue: &mut Catalogue, shutdown: &Shutdown) -> bool {
        let is_left = |trainer: &Self| {
            trainer.is_stale || trainer.saved.changed || !trainer.state.unstored.is_empty()
        };
        if is_left(self) && self.storing.is_due() {
            let failures = self.storing.failures();
            // The state first: the points of `all` are read from it.
            self.save();
            if self.is_stale {
                self.train_models_of_many(catalogue, shutdown);
            }
            self.train_unstored(catalogue, shutdown);
            self.save();
            self.remove_old(catalogue, shutdown);
            if self.storing.failures() == failures {
                self.storing.succeeded();
            }
        }
        !is_left(self)
    }

    /// Trains the line models that could not be stored before.
    fn train_unstored(&mut self, catalogue: &Catalogue, shutdown: &Shutdown) {
        let numbers: BTreeSet<_> = self.state.unstored.iter().map(|(number, _)| *number).collect();
        for number in numbers {
            if shutdown.requested() || !self.storing.is_due() {
                return;
            }
            let read = catalogue.manifest(number).map(|manifest| {
                manifest.map(|manifest| Ok((read_content(catalogue, &manifest)?, manifest)))
            });
            match read.map(Option::transpose).flatten() {
                Ok(Some((content, manifest))) => {
                    for points in &content.points {
                        if self.state.unstored.contains(&(number, points.entity())) {
                            self.train_line_model(points, &manifest, catalogue.last());
                        }
                    }
                }
                Err(error) if may_pass(&error) => {}
                // Its batch was removed or damaged since.
                Ok(None) | Err(_) => {
                    self.state.unstored.retain(|(unstored, _)| *unstored != number);
                    self.saved.changed = true;
                }
            }
        }
    }

    fn save(&mut self) {
        if !self.saved.changed {
            return;
        }
        let begun = Instant::now();
        let saved = self.state.save(&self.state_path);
        self.saved.at = Instant::now();
        self.saved.took = begun.elapsed();
        match saved {
            Ok(()) => {
                self.saved.changed = false;
                self.saved.through = self.state.last.number;
            }
            Err(source) => {
                let path = self.state_path.clone();
                self.cannot_store(NotStored::State { path, source });
            }
        }
    }

    /// Removes models and batches that are older than what is to be kept.
    fn remove_old(&mut self, catalogue: &mut Catalogue, shutdown: &Shutdown) {
        let Retention { models, batches } = self.publisher.options.retention;
        if let Some(keep) = models
            && let Err(error) = self.publisher.remove_models(keep, shutdown)
        {
            self.progress().notice(format!("old models are not removed: {error}"));
        }
        let newest = self.state.newest.as_ref().map_or(0, |newest| newest.id.number);
        let unstored = self.state.unstored.first().map_or(u64::MAX, |(number, _)| *number);
        // What was not trained on stays, and the newest batch, whose points the live models show.
        let trained = self.saved.through.min(newest.min(unstored).saturating_sub(1));
        if let Some(keep) = batches {
            let through = trained.min(catalogue.last().saturating_sub(keep));
            if let Err(error) = remove_batches(catalogue, through, shutdown) {
                self.progress().notice(format!("old batches are not removed: {error}"));
            }
        }
    }
}

impl Saved {
    fn is_due(&self) -> bool {
        self.changed && self.at.elapsed() >= SAVE_INTERVAL.max(20 * self.took)
    }
}

/// Whether a batch that cannot be read may be read later; otherwise its file is damaged or missing.
fn may_pass(error: &BatchError) -> bool {
    matches!(error, BatchError::Io { source, .. } if source.kind() != io::ErrorKind::NotFound)
}

/// What the lines of a batch amount to.
pub(super) fn read_content(
    catalogue: &Catalogue,
    manifest: &Manifest,
) -> Result<BatchContent, BatchError> {
    let mut content = BatchContent::default();
    batch::read_lines(catalogue.folder(), manifest, |line| content.add(line))?;
    Ok(content)
}
