//! What the components tell the terminal, the status route and the event stream.

mod lag;
mod rates;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use tillstream_shared::{
    Manifest,
    api::{Component, ComponentStatus, Event, Gap, LastBatch, Stage, Status},
};
use tokio::sync::broadcast;

use lag::LagStatus;
pub use lag::{Lag, PartitionPosition};

/// Notices that are kept for the status route.
const NOTICES: usize = 50;
/// Events that a slow listener may fall behind before it misses some.
const EVENTS: usize = 1024;

/// A count that only its own component changes.
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
    components: Mutex<BTreeMap<Component, ComponentStatus>>,
    pub input_lines: MaybeCount,
    pub lines_read: Count,
    pub lines_sent: Count,
    /// Of [`Self::lines_sent`] those of earlier runs.
    pub lines_resumed: Count,
    pub lines_stored: Count,
    pub lines_open: Count,
    pub dead_letters: Count,
    pub repeated: Count,
    pub empty: Count,
    pub rejects: Count,
    pub batches: Count,
    pub models: Count,
    pub lag: Lag,
    samples: rates::Samples,
    last_batch: Mutex<Option<LastBatch>>,
    gaps: Mutex<BTreeMap<u64, Gap>>,
    notices: Mutex<VecDeque<String>>,
    events: broadcast::Sender<Event>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            started_at: now(),
            components: Mutex::default(),
            input_lines: MaybeCount::default(),
            lines_read: Count::default(),
            lines_sent: Count::default(),
            lines_resumed: Count::default(),
            lines_stored: Count::default(),
            lines_open: Count::default(),
            dead_letters: Count::default(),
            repeated: Count::default(),
            empty: Count::default(),
            rejects: Count::default(),
            batches: Count::default(),
            models: Count::default(),
            lag: Lag::default(),
            samples: rates::Samples::default(),
            last_batch: Mutex::default(),
            gaps: Mutex::default(),
            notices: Mutex::default(),
            events: broadcast::channel(EVENTS).0,
        }
    }
}

impl Progress {
    /// Says what `component` is doing, and of a failed one why.
    pub fn set_stage(&self, component: Component, stage: Stage, reason: Option<String>) {
        let status = ComponentStatus { component, stage, reason, waiting: None };
        lock(&self.components).insert(component, status);
    }

    /// Says what a running `component` waits for, if it does; that it begins to wait is a notice.
    pub fn set_waiting(&self, component: Component, waiting: Option<String>) {
        let mut components = lock(&self.components);
        let status = components.entry(component).or_insert_with(|| ComponentStatus {
            component,
            stage: Stage::Running,
            reason: None,
            waiting: None,
        });
        let before = std::mem::replace(&mut status.waiting, waiting.clone());
        drop(components);
        match (before, waiting) {
            (None, Some(waiting)) => self.notice(format!("the {component} waits: {waiting}")),
            (Some(_), None) => tracing::info!("the {component} goes on"),
            _ => {}
        }
    }

    /// Shows `manifest` as that of the newest batch.
    pub fn set_last_batch(&self, manifest: &Manifest) {
        *lock(&self.last_batch) = Some(LastBatch {
            number: manifest.number,
            rows: manifest.rows,
            closed_by: manifest.closed_by,
            created_at: manifest.created_at.clone(),
        });
    }

    /// Takes a sample of the counts, from which rates are found; to be called every second.
    pub fn sample(&self, now: Instant) {
        let stored = self.lines_stored.get();
        let counts = rates::Counts {
            sent: self.lines_sent.get().saturating_sub(self.lines_resumed.get()),
            received: stored + self.lines_open.get(),
            stored,
        };
        self.samples.add(now, counts);
    }

    /// Replaces the damaged batches that training leaves out.
    pub fn set_gaps(&self, gaps: impl IntoIterator<Item = Gap>) {
        *lock(&self.gaps) = gaps.into_iter().map(|gap| (gap.batch, gap)).collect();
    }

    /// Logs a warning that a person should see, keeps it for the status route and sends it to listeners.
    pub fn notice(&self, message: impl Into<String>) {
        let message = message.into();
        tracing::warn!("{message}");
        let mut notices = lock(&self.notices);
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
        let now = chrono::Utc::now().timestamp_millis();
        let LagStatus { messages, seconds, partition_count, partitions } = self.lag.status(now);
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at.clone(),
            components: lock(&self.components).values().cloned().collect(),
            input_lines: self.input_lines.get(),
            lines_read: self.lines_read.get(),
            lines_sent: self.lines_sent.get(),
            lines_stored: self.lines_stored.get(),
            lines_open: self.lines_open.get(),
            dead_letters: self.dead_letters.get(),
            repeated: self.repeated.get(),
            empty: self.empty.get(),
            rejects: self.rejects.get(),
            batches: self.batches.get(),
            models: self.models.get(),
            lag: messages,
            lag_seconds: seconds,
            partition_count,
            partitions,
            rates: self.samples.rates(),
            last_batch: lock(&self.last_batch).clone(),
            gaps: lock(&self.gaps).values().cloned().collect(),
            notices: lock(&self.notices).iter().cloned().collect(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time now, RFC 3339 in UTC with seconds.
#[must_use]
pub fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// The time now in UTC as part of a file name, such as `20261123T173509Z`.
#[must_use]
pub fn file_stamp() -> String {
    chrono::Utc::now().format("%Y%m%dT%H%M%SZ").to_string()
}
