//! What became of the lines that the producer handed to librdkafka.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use rdkafka::{
    ClientContext, error::KafkaError as ClientError, message::DeliveryResult,
    producer::ProducerContext, types::RDKafkaErrorCode,
};

use super::KafkaError;
use crate::progress::Progress;

/// Counts what the broker acknowledged and keeps the first failure.
pub(super) struct Acknowledgements {
    acknowledged: AtomicU64,
    failure: Mutex<Option<ClientError>>,
    progress: Arc<Progress>,
}

impl Acknowledgements {
    pub(super) fn new(progress: Arc<Progress>) -> Self {
        Self { acknowledged: AtomicU64::default(), failure: Mutex::default(), progress }
    }

    /// Lines that were acknowledged.
    pub(super) fn count(&self) -> u64 {
        self.acknowledged.load(Relaxed)
    }

    /// Whether all lines so far are on their way or acknowledged.
    ///
    /// # Errors
    /// [`KafkaError::NotAcknowledged`] with the first failure.
    pub(super) fn check(&self) -> Result<(), KafkaError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone().map_or(Ok(()), |error| Err(KafkaError::NotAcknowledged(error)))
    }

    fn fail(&self, error: ClientError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }
}

impl ClientContext for Acknowledgements {
    fn error(&self, error: ClientError, reason: &str) {
        tracing::debug!("producer: {error}: {reason}");
        if matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::Fatal)) {
            self.fail(error);
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
            Err((error, _)) => self.fail(error.clone()),
        }
    }
}
