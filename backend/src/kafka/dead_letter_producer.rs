//! Sends invalid messages to the dead-letter topic, and knows which of them it holds.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message,
    error::KafkaError as ClientError,
    message::{BorrowedMessage, OwnedMessage},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext},
    types::RDKafkaErrorCode,
};

use super::{Cluster, InvalidMessage, KafkaError, dead_letters, is_retriable};
use crate::shutdown::Shutdown;

/// How long one wait for acknowledgements lasts: the time in which a shutdown is heard.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How long acknowledgements are waited for after a shutdown was requested.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// A producer of the dead-letter topic.
pub(super) struct DeadLetterProducer {
    topic: String,
    client: BaseProducer<Failures>,
}

/// The messages that were not delivered.
#[derive(Default)]
struct Failures(Mutex<Vec<(ClientError, OwnedMessage)>>);

impl Failures {
    fn add(&self, error: ClientError, message: OwnedMessage) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((error, message));
    }

    fn take(&self) -> Vec<(ClientError, OwnedMessage)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl ClientContext for Failures {
    fn error(&self, error: ClientError, reason: &str) {
        tracing::debug!("dead-letter producer: {error}: {reason}");
    }
}

impl ProducerContext for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            self.add(error.clone(), message.detach());
        }
    }
}

impl DeadLetterProducer {
    pub(super) fn connect(cluster: &Cluster) -> Result<Self, KafkaError> {
        let client = cluster
            .config()
            // The topic was there a moment ago: its absence is believed soon.
            .set("topic.metadata.propagation.max.ms", "5000")
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .create_with_context(Failures::default())
            .map_err(cluster.failed("connecting to the broker"))?;
        Ok(Self { topic: cluster.dead_letter_topic(), client })
    }

    /// Hands `message` over, to be sent with the reason. Whether it arrived shows in [`Self::flush`].
    ///
    /// # Errors
    /// [`KafkaError::DeadLetters`] when the topic did not take an earlier one.
    pub(super) fn send_to_dlq(
        &self,
        message: &BorrowedMessage<'_>,
        reason: &InvalidMessage,
        shutdown: &Shutdown,
    ) -> Result<(), KafkaError> {
        let headers = dead_letters::headers(message, &reason.to_string());
        self.send(message.detach().replace_headers(Some(headers)), shutdown);
        self.resend_failed(shutdown)
    }

    /// Waits until all messages are acknowledged; tells whether they are, which they may not be when a
    /// shutdown was requested meanwhile.
    ///
    /// # Errors
    /// [`KafkaError::DeadLetters`] when the topic does not take them.
    pub(super) fn flush(&self, shutdown: &Shutdown) -> Result<bool, KafkaError> {
        let mut deadline = None;
        loop {
            self.resend_failed(shutdown)?;
            if self.client.in_flight_count() == 0 && self.client.context().is_empty() {
                return Ok(true);
            }
            if shutdown.requested()
                && Instant::now()
                    > *deadline.get_or_insert_with(|| Instant::now() + SHUTDOWN_TIMEOUT)
            {
                return Ok(false);
            }
            self.client.poll(POLL_INTERVAL);
        }
    }

    /// Hands one message to librdkafka, waiting while its queue is full.
    fn send(&self, message: OwnedMessage, shutdown: &Shutdown) {
        loop {
            let mut record = BaseRecord::<[u8], [u8]>::to(&self.topic);
            record.key = message.key();
            record.payload = message.payload();
            record.headers = message.headers().cloned();
            match self.client.send(record) {
                Ok(()) => {
                    self.client.poll(Duration::ZERO);
                    return;
                }
                Err((ClientError::MessageProduction(RDKafkaErrorCode::QueueFull), _))
                    if !shutdown.requested() =>
                {
                    self.client.poll(POLL_INTERVAL);
                }
                Err((error, _)) => return self.client.context().add(error, message),
            }
        }
    }

    /// Sends again what was not delivered, without its payload where that is too large.
    fn resend_failed(&self, shutdown: &Shutdown) -> Result<(), KafkaError> {
        for (error, message) in self.client.context().take() {
            let code = error.rdkafka_error_code();
            let too_large = code == Some(RDKafkaErrorCode::MessageSizeTooLarge);
            let message = match message.payload() {
                Some(payload) if too_large => {
                    dead_letters::without_payload(&message, payload.len())
                }
                _ if is_retriable(&error) && !too_large => message,
                _ => {
                    return Err(KafkaError::DeadLetters {
                        topic: self.topic.clone(),
                        source: error,
                    });
                }
            };
            tracing::warn!("writing to {}: {error}; trying again", self.topic);
            self.send(message, shutdown);
        }
        Ok(())
    }
}
