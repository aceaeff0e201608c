//! Lines on their way to the brokers: handing them over, waiting for acknowledgements, and for a right to write that
//! was taken away.
//!
//! A line that brokers refuse is the end of a librdkafka client that leaves no gaps. It gives back what it has not
//! delivered, which goes to another client in the same order once the right is there again.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Message,
    message::OwnedMessage,
    producer::{BaseRecord, Producer as _, PurgeConfig},
    types::RDKafkaErrorCode,
};
use tillstream_shared::api::Component;

use super::{
    Cluster, KafkaError,
    acknowledgements::{Acknowledgements, Failure},
    clients::ClientRole,
    origin::Origin,
    polled_producer::PolledProducer,
    waiting::{Backoff, Waiting},
};
use crate::{progress::Progress, shutdown::Shutdown};

/// How long to wait for room when librdkafka's queue is full.
const FULL_QUEUE_WAIT: Duration = Duration::from_millis(2);
/// How long one wait for acknowledgements lasts: the time in which a shutdown is heard.
const FLUSH_INTERVAL: Duration = Duration::from_millis(200);
/// How long acknowledgements are waited for after a shutdown was requested.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client that has given up may take to give its lines back.
const PURGE_TIMEOUT: Duration = Duration::from_secs(30);

/// A line with its partition.
pub(super) type Record<'a> = BaseRecord<'a, [u8], [u8]>;

/// Sends lines to one topic, in their order.
pub(super) struct Delivery {
    cluster: Cluster,
    progress: Arc<Progress>,
    client: PolledProducer,
    /// Lines that earlier clients delivered.
    delivered: u64,
    /// Lines that earlier clients did not deliver, to be sent before any other.
    undelivered: VecDeque<OwnedMessage>,
}

impl Delivery {
    pub(super) fn connect(cluster: Cluster, progress: Arc<Progress>) -> Result<Self, KafkaError> {
        let client = connect(&cluster, &progress)?;
        Ok(Self { cluster, progress, client, delivered: 0, undelivered: VecDeque::new() })
    }

    /// What the producer waits for.
    pub(super) fn waiting(&self) -> &Waiting {
        self.client.context().waiting()
    }

    /// Lines that were acknowledged.
    pub(super) fn count(&self) -> u64 {
        self.delivered + self.client.context().count()
    }

    /// Hands one line to librdkafka, waiting while its queue is full; false when asked to stop meanwhile.
    pub(super) fn send(
        &mut self,
        mut record: Record<'_>,
        shutdown: &Shutdown,
    ) -> Result<bool, KafkaError> {
        loop {
            if !self.resend(shutdown)? {
                return Ok(false);
            }
            record = match self.hand_over(record) {
                Ok(()) => return Ok(true),
                Err(returned) => returned,
            };
            if !self.check(shutdown)? || shutdown.wait(FULL_QUEUE_WAIT) {
                return Ok(false);
            }
        }
    }

    /// Waits until all lines that were handed over are acknowledged, however long the broker is gone; after
    /// a shutdown was requested, for a short time, as a restart finds out what arrived. Tells whether they are.
    pub(super) fn flush(&mut self, shutdown: &Shutdown) -> Result<bool, KafkaError> {
        let mut deadline = None;
        loop {
            if !self.resend(shutdown)? {
                return Ok(false);
            }
            let flushed = self.client.flush(FLUSH_INTERVAL);
            if !self.check(shutdown)? {
                return Ok(false);
            }
            match flushed {
                Ok(()) if self.undelivered.is_empty() => return Ok(true),
                Err(error)
                    if error.rdkafka_error_code() != Some(RDKafkaErrorCode::OperationTimedOut) =>
                {
                    return Err(KafkaError::NotAcknowledged(error));
                }
                _ => {}
            }
            if shutdown.requested()
                && Instant::now()
                    > *deadline.get_or_insert_with(|| Instant::now() + SHUTDOWN_TIMEOUT)
            {
                return Ok(false);
            }
        }
    }

    /// Hands over what earlier clients did not deliver.
    fn resend(&mut self, shutdown: &Shutdown) -> Result<bool, KafkaError> {
        while let Some(message) = self.undelivered.pop_front() {
            if self.hand_over(record_of(&self.cluster.topic, &message)).is_err() {
                self.undelivered.push_front(message);
                if !self.check(shutdown)? || shutdown.wait(FULL_QUEUE_WAIT) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Gives the record back when the queue is full, or when the client takes none any more.
    fn hand_over<'a>(&self, record: Record<'a>) -> Result<(), Record<'a>> {
        let context = self.client.context();
        match self.client.send(record) {
            Ok(()) => {
                context.hand_over();
                Ok(())
            }
            Err((error, record)) => {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    context.fail(error, "");
                }
                Err(record)
            }
        }
    }

    /// Finds out whether all lines so far are on their way or acknowledged, and waits for a right that is missing by
    /// now; false when asked to stop meanwhile.
    fn check(&mut self, shutdown: &Shutdown) -> Result<bool, KafkaError> {
        let waiting = Waiting::with_backoff(Component::Producer, self.progress.clone());
        let mut backoff = Backoff::default();
        while let Some(failure) = self.client.context().failure() {
            let error = self.not_acknowledged(&failure);
            if !matches!(error, KafkaError::Forbidden { .. }) || self.count() == 0 {
                return Err(error);
            }
            waiting.begin(&error.to_string());
            if shutdown.wait(backoff.next_pause()) {
                return Ok(false);
            }
            self.replace_client()?;
            // One line shows whether there is the right; more would come back.
            let Some(first) = self.undelivered.pop_front() else { break };
            if self.hand_over(record_of(&self.cluster.topic, &first)).is_err() {
                self.undelivered.push_front(first);
            }
            while self.client.in_flight_count() > 0 && self.client.context().failure().is_none() {
                if shutdown.wait(FULL_QUEUE_WAIT) {
                    return Ok(false);
                }
            }
        }
        waiting.end();
        Ok(true)
    }

    /// Begins with another client, and takes from the one before what it has not delivered.
    fn replace_client(&mut self) -> Result<(), KafkaError> {
        let client = connect(&self.cluster, &self.progress)?;
        let before = std::mem::replace(&mut self.client, client);
        before.purge(PurgeConfig::default().queue().inflight());
        if let Err(error) = before.flush(PURGE_TIMEOUT) {
            return Err(KafkaError::NotAcknowledged(error));
        }
        self.delivered += before.context().count();
        let returned = before.context().take_undelivered();
        self.undelivered.extend(returned);
        // They come partition by partition, and those in flight first.
        self.undelivered.make_contiguous().sort_by_key(Origin::line_of);
        Ok(())
    }

    fn not_acknowledged(&self, failure: &Failure) -> KafkaError {
        match self.missing_right(failure) {
            Some(code) => {
                let topic = self.cluster.topic.clone();
                KafkaError::Forbidden { action: "write to", topic, code }
            }
            None => KafkaError::NotAcknowledged(failure.error.clone()),
        }
    }

    /// The right whose absence led to `failure`. What librdkafka reports first may be what follows from it, a gap,
    /// and the right is then in the text alone.
    fn missing_right(&self, Failure { error, reason }: &Failure) -> Option<RDKafkaErrorCode> {
        let fatal = self.client.client().fatal_error();
        let (fatal_code, fatal_reason) = fatal.unzip();
        let codes = [error.rdkafka_error_code(), fatal_code];
        let texts = [reason.as_str(), fatal_reason.as_deref().unwrap_or_default()];
        let rights = [
            (RDKafkaErrorCode::TopicAuthorizationFailed, "Topic authorization failed"),
            (RDKafkaErrorCode::ClusterAuthorizationFailed, "Cluster authorization failed"),
        ];
        let missing = rights.into_iter().find(|(code, text)| {
            codes.contains(&Some(*code)) || texts.iter().any(|reason| reason.contains(text))
        });
        missing.map(|(code, _)| code)
    }
}

fn connect(cluster: &Cluster, progress: &Arc<Progress>) -> Result<PolledProducer, KafkaError> {
    let waiting = Waiting::new(cluster, Component::Producer, progress.clone());
    let context = Acknowledgements::new(waiting, progress.clone());
    let config = cluster.config(ClientRole::Producer);
    let client = config.create_with_context(context);
    Ok(PolledProducer::start(client.map_err(cluster.failed("connecting to the broker"))?))
}

/// The record that `message` was.
fn record_of<'a>(topic: &'a str, message: &'a OwnedMessage) -> Record<'a> {
    let mut record = BaseRecord::to(topic).partition(message.partition());
    record.key = message.key();
    record.payload = message.payload();
    record.headers = message.headers().cloned();
    record.timestamp = message.timestamp().to_millis();
    record
}
