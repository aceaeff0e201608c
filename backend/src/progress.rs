//! What the parts of the pipeline tell the terminal, the status route and the event stream.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

use tillstream_shared::api::{Event, Stage, Status};
use tokio::sync::broadcast;

/// Notices that are kept for the status route.
const NOTICES: usize = 50;
/// Events that a slow listener may fall behind before it misses some.
const EVENTS: usize = 1024;

/// A count that only its own part of the pipeline changes.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// Replaces the count.
    pub fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    /// The count now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A count that may not be known yet.
#[derive(Debug)]
pub struct MaybeCount(AtomicI64);

impl Default for MaybeCount {
    fn default() -> Self {
        Self(AtomicI64::new(-1))
    }
}

impl MaybeCount {
    /// Replaces the count.
    pub fn set(&self, n: u64) {
        self.0.store(i64::try_from(n).unwrap_or(i64::MAX), Relaxed);
    }

    /// The count now, once known.
    #[must_use]
    pub fn get(&self) -> Option<u64> {
        u64::try_from(self.0.load(Relaxed)).ok()
    }
}

/// The counts and events of one process; its fields mean what those of [`Status`] of the same name mean.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Progress {
    started_at: String,
    stages: Mutex<[Stage; 3]>,
    pub input_lines: MaybeCount,
    pub lines_read: Count,
    pub lines_sent: Count,
    pub lines_stored: Count,
    pub lines_open: Count,
    pub dead_letters: Count,
    pub rejects: Count,
    pub batches: Count,
    pub models: Count,
    pub lag: MaybeCount,
    notices: Mutex<VecDeque<String>>,
    events: broadcast::Sender<Event>,
}

/// A part of the pipeline, for [`Progress::stage`].
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// Sends lines to the topic.
    Producer,
    /// Stores lines in batches.
    Consumer,
    /// Trains models.
    Trainer,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            started_at: now(),
            stages: Mutex::default(),
            input_lines: MaybeCount::default(),
            lines_read: Count::default(),
            lines_sent: Count::default(),
            lines_stored: Count::default(),
            lines_open: Count::default(),
            dead_letters: Count::default(),
            rejects: Count::default(),
            batches: Count::default(),
            models: Count::default(),
            lag: MaybeCount::default(),
            notices: Mutex::default(),
            events: broadcast::channel(EVENTS).0,
        }
    }
}

impl Progress {
    /// Says what `part` is doing.
    pub fn stage(&self, part: Part, stage: Stage) {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)[part as usize] = stage;
    }

    /// Logs a warning that a person should see, keeps it for the status route and sends it to listeners.
    pub fn notice(&self, message: impl Into<String>) {
        let message = message.into();
        tracing::warn!("{message}");
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.len() == NOTICES {
            notices.pop_front();
        }
        notices.push_back(message.clone());
        drop(notices);
        self.send(Event::Notice { message });
    }

    /// Sends `event` to whoever listens.
    pub fn send(&self, event: Event) {
        // An error means that nobody listens.
        let _ = self.events.send(event);
    }

    /// Listens to all events from now on, [`Event::Status`] excepted: that is [`Self::status`], read when needed.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// The counts now.
    #[must_use]
    pub fn status(&self) -> Status {
        let [producer, consumer, trainer] =
            *self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at.clone(),
            producer,
            consumer,
            trainer,
            input_lines: self.input_lines.get(),
            lines_read: self.lines_read.get(),
            lines_sent: self.lines_sent.get(),
            lines_stored: self.lines_stored.get(),
            lines_open: self.lines_open.get(),
            dead_letters: self.dead_letters.get(),
            rejects: self.rejects.get(),
            batches: self.batches.get(),
            models: self.models.get(),
            lag: self.lag.get(),
            notices: notices.iter().cloned().collect(),
        }
    }
}

/// The time now, RFC 3339 in UTC with seconds.
#[must_use]
pub fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
