//! A producer whose acknowledgements are taken up while lines are sent.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rdkafka::producer::BaseProducer;

use super::acknowledgements::Acknowledgements;

/// How long one wait for events lasts: the time in which the end is heard. That of rust-rdkafka's `ThreadedProducer`
/// is ten times as long.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A client and the thread that polls it.
pub(super) struct PolledProducer {
    client: Arc<BaseProducer<Acknowledgements>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PolledProducer {
    /// Begins to poll.
    pub(super) fn start(client: BaseProducer<Acknowledgements>) -> Self {
        let (client, stop) = (Arc::new(client), Arc::new(AtomicBool::new(false)));
        let (polled, stopped) = (client.clone(), stop.clone());
        let thread = thread::spawn(move || {
            while !stopped.load(Relaxed) {
                polled.poll(POLL_INTERVAL);
            }
        });
        Self { client, stop, thread: Some(thread) }
    }
}

impl Deref for PolledProducer {
    type Target = BaseProducer<Acknowledgements>;

    fn deref(&self) -> &Self::Target {
        &self.client
    }
}

impl Drop for PolledProducer {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that takes acknowledgements has panicked");
        }
    }
}
