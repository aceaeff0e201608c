//! Waiting for an object store that does not answer.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tillstream_shared::api::Component;

use crate::{
    batch::BatchError,
    progress::{Progress, now},
    shutdown::Shutdown,
};

/// The first pause; then twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Waits on behalf of a component, which is shown as waiting, until the store answers or a shutdown is requested.
#[derive(Debug)]
pub struct OutageWait {
    component: Component,
    progress: Arc<Progress>,
    shutdown: Shutdown,
    outage: Mutex<Option<Outage>>,
}

#[derive(Debug, Clone)]
struct Outage {
    since: String,
    pause: Duration,
}

impl OutageWait {
    /// Waits for `component`.
    #[must_use]
    pub fn new(component: Component, progress: Arc<Progress>, shutdown: Shutdown) -> Self {
        Self { component, progress, shutdown, outage: Mutex::default() }
    }

    /// Waits a while after `error`; tells whether to try again.
    pub(super) fn begin(&self, error: &BatchError) -> bool {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = || Outage { since: now(), pause: FIRST_PAUSE };
        let Outage { since, pause } = outage.get_or_insert_with(begun).clone();
        *outage = Some(Outage { since: since.clone(), pause: (2 * pause).min(MAX_PAUSE) });
        drop(outage);
        let longest = MAX_PAUSE.as_secs();
        self.progress.set_waiting(
            self.component,
            Some(format!(
                "{error} since {since}; tried again after pauses that grow to {longest} s"
            )),
        );
        !self.shutdown.wait(pause)
    }

    /// There was an answer.
    pub(super) fn end(&self) {
        let outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner).take();
        if outage.is_some() {
            self.progress.set_waiting(self.component, None);
        }
    }
}
