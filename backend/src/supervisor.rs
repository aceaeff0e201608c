//! Components that live and die together.
//!
//! Every component of a process is started here with a [`Shutdown`] of its own. One that ends with an
//! error or a panic is shown as failed, with the reason, and takes the others with it; whoever stops
//! them, they are stopped one after the other, so that each still has what it needs to end its work:
//!
//! producer → consumer (closes its batch) → trainer (ends the model at work) → serving (answers what
//! was asked) → watcher → terminal → broker.
//!
//! A component that does not end in time is given up: everything durable is written so that it may be
//! killed at any moment.

use std::{
    collections::HashMap,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use tillstream_shared::api::{Component, Stage};
use tokio::{
    task::{Id, JoinSet},
    time::MissedTickBehavior,
};

use crate::{blocking::Panicked, progress::Progress, shutdown::Shutdown};

/// Whatever ends a component early; its message is one sentence.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The order in which components are stopped.
const STOP_ORDER: [Component; 7] = [
    Component::Producer,
    Component::Consumer,
    Component::Trainer,
    Component::Serving,
    Component::Watcher,
    Component::Terminal,
    Component::Broker,
];

/// How often counts are sampled for rates.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// How long components may take to stop.
#[derive(Debug, Clone, Copy)]
pub struct StopTimeouts {
    /// All of them, one after the other, when a person or the end of the input stops them.
    pub regular: Duration,
    /// The same after one of them failed.
    pub after_failure: Duration,
    /// Those that are left, once they were all asked at the same time.
    pub last: Duration,
}

impl Default for StopTimeouts {
    fn default() -> Self {
        Self {
            regular: Duration::from_secs(60),
            after_failure: Duration::from_secs(7),
            last: Duration::from_secs(1),
        }
    }
}

/// How a supervised process ended, when none of its components failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The component that was waited for has ended, or there was none left.
    Complete,
    /// Somebody asked for it before.
    Interrupted,
}

/// The components of a process.
pub struct Supervisor {
    progress: Arc<Progress>,
    timeouts: StopTimeouts,
    tasks: JoinSet<Result<(), Error>>,
    running: HashMap<Id, (Component, Shutdown)>,
    failure: Option<Error>,
}

impl Supervisor {
    /// No component yet; their stages are shown in `progress`.
    #[must_use]
    pub fn new(progress: Arc<Progress>, timeouts: StopTimeouts) -> Self {
        let (tasks, running) = (JoinSet::new(), HashMap::new());
        Self { progress, timeouts, tasks, running, failure: None }
    }

    /// Starts a component that does not block; it must end soon after its shutdown is requested.
    pub fn spawn<F>(&mut self, component: Component, run: impl FnOnce(Shutdown) -> F)
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let shutdown = Shutdown::default();
        let task = self.tasks.spawn(run(shutdown.clone()));
        self.started(component, task.id(), shutdown);
    }

    /// Starts a component on a thread of its own; it must end soon after its shutdown is requested.
    pub fn spawn_blocking(
        &mut self,
        component: Component,
        run: impl FnOnce(&Shutdown) -> Result<(), Error> + Send + 'static,
    ) {
        let shutdown = Shutdown::default();
        let handle = shutdown.clone();
        let task = self.tasks.spawn_blocking(move || run(&handle));
        self.started(component, task.id(), shutdown);
    }

    fn started(&mut self, component: Component, id: Id, shutdown: Shutdown) {
        self.progress.set_stage(component, Stage::Running, None);
        self.running.insert(id, (component, shutdown));
    }

    /// Watches over the components, and how fast they work, until `last` has ended, `shutdown` is requested or one fails, and
    /// then stops the others in order.
    ///
    /// # Errors
    /// What the first component failed with, or the names of those that did not stop in time.
    pub async fn run(mut self, shutdown: &Shutdown, last: Option<Component>) -> Result<End, Error> {
        let mut samples = tokio::time::interval(SAMPLE_INTERVAL);
        samples.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = loop {
            tokio::select! {
                _ = samples.tick() => self.progress.sample(Instant::now()),
                () = shutdown.cancelled() => break End::Interrupted,
                ended = self.next_ended() => match ended {
                    Some(component) if self.failure.is_none() && Some(component) != last => {}
                    _ => break End::Complete,
                },
            }
        };
        // Also for what waits for the request and is no component.
        shutdown.request();
        let timeout = match self.failure {
            Some(_) => self.timeouts.after_failure,
            None => self.timeouts.regular,
        };
        if tokio::time::timeout(timeout, self.stop_in_order()).await.is_err() {
            self.running.values().for_each(|(_, shutdown)| shutdown.request());
            let last = self.timeouts.last;
            let all_ended = async { while self.next_ended().await.is_some() {} };
            // Those that are left are named below.
            let _ = tokio::time::timeout(last, all_ended).await;
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if self.running.is_empty() {
            return Ok(end);
        }
        let left: Vec<_> =
            self.running.values().map(|(component, _)| component.to_string()).collect();
        Err(format!("not stopped within {} seconds: {}", timeout.as_secs(), left.join(", ")).into())
    }

    async fn stop_in_order(&mut self) {
        for component in STOP_ORDER {
            while let Some((_, shutdown)) =
                self.running.values().find(|(running, _)| *running == component)
            {
                shutdown.request();
                self.next_ended().await;
            }
        }
    }

    /// Waits for the next component to end, and shows how it did; `None` when none is left.
    async fn next_ended(&mut self) -> Option<Component> {
        let ended = self.tasks.join_next_with_id().await?;
        let (id, result) = match ended {
            Ok((id, result)) => (id, result.map_err(|error| error.to_string())),
            Err(error) => (error.id(), Err(Panicked::from(error).to_string())),
        };
        let (component, _) = self.running.remove(&id)?;
        match result {
            Ok(()) => self.progress.set_stage(component, Stage::Done, None),
            Err(reason) => {
                let failure = format!("the {component} failed: {reason}");
                self.progress.set_stage(component, Stage::Failed, Some(reason));
                self.progress.notice(failure.clone());
                self.failure.get_or_insert(failure.into());
            }
        }
        Some(component)
    }
}

#[cfg(test)]
mod tests;
