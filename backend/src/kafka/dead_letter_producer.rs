//! Sends invalid messages to the dead-letter topic, and knows which of them it holds.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message,
    error::KafkaError as ClientError,
    message::{BorrowedMessage, OwnedMessage},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext},
    types::RDKafkaErrorCode,
};

use super::{
    Cluster, InvalidMessage, KafkaError,
    clients::ClientRole,
    dead_letters,
    error::is_authorization,
    is_retriable,
    waiting::{Backoff, OUTAGE_THRESHOLD, Waiting},
};
use crate::shutdown::Shutdown;

/// How long one wait for acknowledgements lasts: the time in which a shutdown is heard.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How long an answer of the brokers about the topic is waited for.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);
/// How long acknowledgements are waited for when others wait for the consumer, or after a shutdown was requested.
const HURRY_TIMEOUT: Duration = Duration::from_secs(5);

/// A producer of the dead-letter topic.
pub(super) struct DeadLetterProducer {
    topic: String,
    client: BaseProducer<Failures>,
}

/// A message that was not delivered.
type Failed = (ClientError, OwnedMessage);

/// The messages that were not delivered, and why none may be.
struct Failures {
    failed: Mutex<Vec<Failed>>,
    waiting: Waiting,
}

impl Failures {
    fn add(&self, error: ClientError, message: OwnedMessage) {
        self.lock().push((error, message));
    }

    fn take(&self) -> Vec<Failed> {
        std::mem::take(&mut self.lock())
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Failed>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Failures {
    fn error(&self, error: ClientError, reason: &str) {
        tracing::debug!("dead-letter producer: {error}: {reason}");
        self.waiting.note(&error, reason);
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
    /// `waiting` shows what keeps the consumer, when it is the dead-letter topic.
    pub(super) fn connect(cluster: &Cluster, waiting: Waiting) -> Result<Self, KafkaError> {
        let client = cluster
            .config(ClientRole::DeadLetterProducer)
            .create_with_context(Failures { failed: Mutex::default(), waiting })
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
        // What the topic does not take is not to pile up here.
        if !self.client.context().is_empty() {
            self.flush(false, shutdown)?;
        }
        Ok(())
    }

    /// Waits until all messages are acknowledged; tells whether they are, which they may not be when the caller is
    /// in a hurry, or a shutdown was requested meanwhile.
    ///
    /// # Errors
    /// [`KafkaError::DeadLetters`] when the topic does not take them.
    pub(super) fn flush(&self, hurry: bool, shutdown: &Shutdown) -> Result<bool, KafkaError> {
        let begun = Instant::now();
        let mut deadline = hurry.then(|| begun + HURRY_TIMEOUT);
        let waiting = &self.client.context().waiting;
        let (mut backoff, mut next_attempt) = (Backoff::default(), begun);
        loop {
            if Instant::now() >= next_attempt && self.resend_failed(shutdown)? {
                next_attempt = Instant::now() + backoff.next_pause();
            }
            if self.client.in_flight_count() == 0 && self.client.context().is_empty() {
                waiting.end();
                return Ok(true);
            }
            if begun.elapsed() >= OUTAGE_THRESHOLD {
                waiting.begin("no dead letter acknowledged by the brokers");
            }
            if shutdown.requested() {
                deadline.get_or_insert_with(|| Instant::now() + HURRY_TIMEOUT);
            }
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
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

    /// Sends again what was not delivered, without its payload where that is too large; tells whether there was any
    /// that is to be tried again after a pause.
    fn resend_failed(&self, shutdown: &Shutdown) -> Result<bool, KafkaError> {
        let mut again = false;
        for (error, message) in self.client.context().take() {
            let code = error.rdkafka_error_code();
            let too_large = code == Some(RDKafkaErrorCode::MessageSizeTooLarge);
            let forbidden = code.is_some_and(is_authorization);
            let message = match message.payload() {
                Some(payload) if too_large => {
                    dead_letters::without_payload(&message, payload.len())
                }
                _ if (is_retriable(&error) || forbidden) && !too_large => {
                    again = true;
                    message
                }
                _ => {
                    return Err(KafkaError::DeadLetters {
                        topic: self.topic.clone(),
                        source: error,
                    });
                }
            };
            tracing::warn!("writing to {}: {error}; trying again", self.topic);
            if forbidden {
                // The client hears of the right by this alone; whether it does shows in the next attempt.
                let _ = self.client.client().fetch_metadata(Some(&self.topic), METADATA_TIMEOUT);
            }
            self.client.context().waiting.note(&error, &format!("{}: {error}", self.topic));
            self.send(message, shutdown);
        }
        Ok(again)
    }
}
