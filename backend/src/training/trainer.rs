//! The trainer: how it begins, waits and ends, and where its state is kept.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tillstream_durable::{self as durable, FolderLock};
use tillstream_shared::Entity;
use tokio::{runtime, sync::watch};

use super::{
    NotStored, TrainerOptions, TrainingError,
    publisher::Publisher,
    retry::Retry,
    source::{mismatch, remove_earlier_state, set_aside},
};
use crate::{
    batch::{BatchError, Catalogue},
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
    /// What the batch after the last one amounts to, or why it could not be read.
    pub(super) next: Option<(BatchId, Result<BatchContent, BatchError>)>,
    /// Whether models of many batches may be missing or out of date.
    pub(super) is_stale: bool,
    pub(super) saved: Saved,
    /// Batches that cannot be read for now.
    pub(super) reading: Retry<BatchError>,
    /// Models or state that cannot be stored for now.
    pub(super) storing: Retry<NotStored>,
    _lock: FolderLock,
}

/// The state's file.
pub(super) struct Saved {
    /// Newest batch in it.
    pub(super) through: u64,
    /// Whether the state is another by now.
    pub(super) changed: bool,
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
            next: None,
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

    pub(super) fn cannot_store(&mut self, error: NotStored) {
        if self.storing.is_first() {
            self.progress().notice(format!("{error}; it is tried again"));
        }
        // Several failures at a time count as one.
        if self.storing.is_due() {
            self.storing.failed(error);
        }
    }

    pub(super) fn save(&mut self) {
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
}

impl Saved {
    /// Whether a rush of batches goes on for so long that it is to be written meanwhile.
    pub(super) fn is_due(&self) -> bool {
        self.changed && self.at.elapsed() >= SAVE_INTERVAL.max(20 * self.took)
    }
}
