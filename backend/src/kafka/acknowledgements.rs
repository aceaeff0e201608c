//! What became of the lines that the producer handed to librdkafka.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use rdkafka::{
    ClientContext,
    error::KafkaError as ClientError,
    message::{DeliveryResult, OwnedMessage},
    producer::ProducerContext,
    types::RDKafkaErrorCode,
};

use super::waiting::{OUTAGE_THRESHOLD, Waiting};
use crate::progress::Progress;

/// Counts what the broker acknowledged, keeps the first failure, and shows when nothing is acknowledged.
pub(super) struct Acknowledgements {
    handed_over: AtomicU64,
    acknowledged: AtomicU64,
    failure: Mutex<Option<Failure>>,
    undelivered: Mutex<Vec<OwnedMessage>>,
    newest: Mutex<(u64, Instant)>,
    waiting: Waiting,
    progress: Arc<Progress>,
}

/// Why a line was not delivered.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) error: ClientError,
    /// What librdkafka says beside the code.
    pub(super) reason: String,
}

impl Acknowledgements {
    pub(super) fn new(waiting: Waiting, progress: Arc<Progress>) -> Self {
        Self {
            handed_over: AtomicU64::default(),
            acknowledged: AtomicU64::default(),
            failure: Mutex::default(),
            undelivered: Mutex::default(),
            newest: Mutex::new((0, Instant::now())),
            waiting,
            progress,
        }
    }

    /// Notes that librdkafka has taken a line.
    pub(super) fn hand_over(&self) {
        self.handed_over.fetch_add(1, Relaxed);
    }

    /// Lines that were acknowledged.
    pub(super) fn count(&self) -> u64 {
        self.acknowledged.load(Relaxed)
    }

    /// What the producer waits for.
    pub(super) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// The first failure, if not all lines so far are on their way or acknowledged.
    pub(super) fn failure(&self) -> Option<Failure> {
        lock(&self.failure).clone()
    }

    /// The lines that were not delivered, in no particular order.
    pub(super) fn take_undelivered(&self) -> Vec<OwnedMessage> {
        std::mem::take(&mut lock(&self.undelivered))
    }

    /// Notes why a line was not delivered, if none before was.
    pub(super) fn fail(&self, error: ClientError, reason: &str) {
        lock(&self.failure).get_or_insert_with(|| Failure { error, reason: reason.to_owned() });
    }

    /// Whether lines are on their way of which none was acknowledged for a while.
    fn is_stuck(&self, now: Instant) -> bool {
        let count = self.count();
        let mut newest = lock(&self.newest);
        if count != newest.0 || count == self.handed_over.load(Relaxed) {
            *newest = (count, now);
        }
        now.duration_since(newest.1) >= OUTAGE_THRESHOLD
    }
}

impl ClientContext for Acknowledgements {
    fn error(&self, error: ClientError, reason: &str) {
        tracing::debug!("producer: {error}: {reason}");
        self.waiting.note(&error, reason);
        if matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::Fatal)) {
            self.fail(error, reason);
        }
    }

    /// Comes every second, whether or not a broker answers.
    fn stats_raw(&self, _json: &[u8]) {
        if self.is_stuck(Instant::now()) {
            self.waiting.begin("no line acknowledged by the brokers");
        } else {
            self.waiting.end();
        }
    }
}

impl ProducerContext for Acknowledgements {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.acknowledged.fetch_add(1, Relaxed);
                self.progress.lines_sent.add(1);
            }
            Err((error, message)) => {
                lock(&self.undelivered).push(message.detach());
                self.fail(error.clone(), "");
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tillstream_shared::api::Component;

    use super::*;
    use crate::kafka::Cluster;

    #[test]
    fn lines_that_nobody_acknowledges_show() {
        let progress = Arc::<Progress>::default();
        let cluster = Cluster::new("kafka-1:9092", "retail_stream");
        let waiting = Waiting::new(&cluster, Component::Producer, progress.clone());
        let acknowledgements = Acknowledgements::new(waiting, progress.clone());
        let begun = Instant::now();
        let later = |times: u32| begun + 2 * times * OUTAGE_THRESHOLD;
        assert!(!acknowledgements.is_stuck(later(1)), "no line is on its way");
        acknowledgements.hand_over();
        acknowledgements.hand_over();
        assert!(acknowledgements.is_stuck(later(2)));
        acknowledgements.acknowledged.fetch_add(1, Relaxed);
        assert!(!acknowledgements.is_stuck(later(3)), "one was acknowledged by now");
        assert!(acknowledgements.is_stuck(later(4)));

        let error = ClientError::Global(RDKafkaErrorCode::BrokerTransportFailure);
        acknowledgements.waiting.note(&error, "kafka-1:9092: Connection refused");
        acknowledgements.waiting.begin("no line acknowledged");
        let status = progress.status().component(Component::Producer).cloned().unwrap();
        let text = status.waiting.unwrap();
        assert!(text.contains("Connection refused") && text.contains("10000 ms"), "{text}");
        assert_eq!(progress.status().notices.len(), 1);
        acknowledgements.waiting.end();
        assert_eq!(progress.status().component(Component::Producer).unwrap().waiting, None);
    }
}
