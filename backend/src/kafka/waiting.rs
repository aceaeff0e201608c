//! Showing that a component waits, for its brokers or for room on the disk, since when and why.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rdkafka::{error::KafkaError as ClientError, types::RDKafkaErrorCode};
use tillstream_durable as durable;
use tillstream_shared::api::Component;

use super::{Cluster, KafkaError};
use crate::{
    progress::{Progress, now},
    shutdown::Shutdown,
};

/// How long nothing may be heard of the brokers before a component is shown as waiting.
pub(super) const OUTAGE_THRESHOLD: Duration = Duration::from_secs(3);
/// The first pause before a question that nobody answered is asked again; then twice as long, and so on.
const INITIAL_BACKOFF: Duration = Duration::from_millis(500);
/// The longest of these pauses.
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// The longest pause between two of librdkafka's attempts to connect, in milliseconds, unless the property is set.
const RECONNECT_BACKOFF_MAX: (&str, &str) = ("reconnect.backoff.max.ms", "10000");

/// The pauses between attempts.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(INITIAL_BACKOFF)
    }
}

impl Backoff {
    /// The pause before the next attempt; that after it is twice as long.
    pub(super) fn next_pause(&mut self) -> Duration {
        let next = (2 * self.0).min(MAX_BACKOFF);
        std::mem::replace(&mut self.0, next)
    }
}

/// What a component waits for.
pub(super) struct Waiting {
    component: Component,
    progress: Arc<Progress>,
    longest_pause: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The newest error of a connection.
    reason: Option<String>,
    since: Option<String>,
}

impl Waiting {
    /// For brokers.
    pub(super) fn new(cluster: &Cluster, component: Component, progress: Arc<Progress>) -> Self {
        let (property, default) = RECONNECT_BACKOFF_MAX;
        let longest_pause = cluster.properties.get(property).unwrap_or(default).to_owned();
        Self { component, progress, longest_pause, state: Mutex::default() }
    }

    /// For what is tried again after the pauses of [`Backoff`].
    pub(super) fn with_backoff(component: Component, progress: Arc<Progress>) -> Self {
        let longest_pause = MAX_BACKOFF.as_millis().to_string();
        Self { component, progress, longest_pause, state: Mutex::default() }
    }

    /// Notes what librdkafka reports of a connection.
    pub(super) fn note(&self, error: &ClientError, reason: &str) {
        // That all of them are down says less than why one of them is.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.lock().reason = Some(reason.to_owned());
        }
    }

    /// Shows that the component waits, because of `what`.
    pub(super) fn begin(&self, what: &str) {
        let mut state = self.lock();
        let since = state.since.get_or_insert_with(now).clone();
        let reason = state.reason.as_deref().map_or(String::new(), |reason| format!(" ({reason})"));
        drop(state);
        let pause = &self.longest_pause;
        let text = format!(
            "{what} since {since}{reason}; tried again after pauses that grow to {pause} ms"
        );
        self.progress.set_waiting(self.component, Some(text));
    }

    /// Shows that it waits no more.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        if state.since.take().is_some() {
            state.reason = None;
            drop(state);
            self.progress.set_waiting(self.component, None);
        }
    }

    /// Asks until there is an answer, however long the brokers are gone; `None` when a shutdown is requested
    /// before.
    ///
    /// # Errors
    /// Those that do not pass by themselves.
    pub(super) fn until_answered<T>(
        &self,
        shutdown: &Shutdown,
        mut ask: impl FnMut() -> Result<T, KafkaError>,
    ) -> Result<Option<T>, KafkaError> {
        let mut backoff = Backoff::default();
        loop {
            match ask() {
                Err(error) if error.passes() => {
                    tracing::debug!("{error}; trying again");
                    self.begin("no answer from the brokers");
                }
                answer => {
                    self.end();
                    return answer.map(Some);
                }
            }
            if shutdown.wait(backoff.next_pause()) {
                return Ok(None);
            }
        }
    }

    /// Writes until there is room on the disk; `None` when a shutdown is requested before.
    ///
    /// # Errors
    /// Those that do not pass by themselves.
    pub(super) fn until_room<T>(
        &self,
        shutdown: &Shutdown,
        mut write: impl FnMut() -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        let mut backoff = Backoff::default();
        loop {
            match write() {
                Err(error) if durable::is_full(&error) => {
                    self.begin(&format!("no room on the disk ({error})"));
                }
                written => {
                    self.end();
                    return written.map(Some);
                }
            }
            if shutdown.wait(backoff.next_pause()) {
                return Ok(None);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
