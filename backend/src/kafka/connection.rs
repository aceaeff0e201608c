//! The client that asks for metadata and offsets, and what becomes of its connections.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError as ClientError,
    types::RDKafkaErrorCode,
};

use super::{Cluster, KafkaError, clients::ClientRole};

/// How long brokers may take to answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// How long one attempt lasts, after which a refusal is recognised.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);

/// A client that only asks; it joins no group.
pub(super) type MetadataClient = BaseConsumer<ConnectionErrors>;

/// The newest error of a client's connections.
#[derive(Default)]
pub(super) struct ConnectionErrors(Mutex<Option<(RDKafkaErrorCode, String)>>);

impl ConnectionErrors {
    fn lock(&self) -> MutexGuard<'_, Option<(RDKafkaErrorCode, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for ConnectionErrors {
    fn error(&self, error: ClientError, reason: &str) {
        tracing::debug!("metadata client: {error}: {reason}");
        let Some(code) = error.rdkafka_error_code() else { return };
        let mut newest = self.lock();
        let refused = newest.as_ref().is_some_and(|(code, _)| is_refusal(*code));
        // That all brokers are down says less than why one of them is.
        if newest.is_none() || (code != RDKafkaErrorCode::AllBrokersDown && !refused) {
            *newest = Some((code, reason.to_owned()));
        }
    }
}

impl ConsumerContext for ConnectionErrors {}

/// Whether a broker is there and does not want the client, or the client does not trust it.
fn is_refusal(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{
        Authentication, IllegalSASLState, SSL, SaslAuthenticationFailed, UnsupportedSASLMechanism,
    };
    matches!(
        code,
        Authentication
            | IllegalSASLState
            | SaslAuthenticationFailed
            | SSL
            | UnsupportedSASLMechanism
    )
}

/// Takes errors and log lines from librdkafka, which hands them over within a poll, until none comes for `time`.
/// (A poll without time ends with the first log line.)
fn serve_events(client: &MetadataClient, time: Duration) {
    while client.poll(time).is_some() {}
}

impl Cluster {
    /// A client that only asks, once one of the brokers answers.
    ///
    /// # Errors
    /// [`KafkaError::Client`], [`KafkaError::Unreachable`], [`KafkaError::LoginRefused`], [`KafkaError::Tls`].
    pub(super) fn metadata_client(&self) -> Result<MetadataClient, KafkaError> {
        let client: MetadataClient = self
            .config(ClientRole::Metadata)
            .create_with_context(ConnectionErrors::default())
            .map_err(self.failed("connecting to the broker"))?;
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        loop {
            if client.fetch_metadata(Some(&self.topic), ATTEMPT_TIMEOUT).is_ok() {
                self.forget_errors(&client);
                return Ok(client);
            }
            let heard = self.connection_error(&client);
            match heard {
                Some(refusal @ (KafkaError::LoginRefused { .. } | KafkaError::Tls { .. })) => {
                    return Err(refusal);
                }
                _ if Instant::now() < deadline => {}
                Some(unreachable) => return Err(unreachable),
                None => {
                    let reason = format!("no answer within {} seconds", CONNECT_TIMEOUT.as_secs());
                    return Err(KafkaError::Unreachable { brokers: self.brokers.clone(), reason });
                }
            }
        }
    }

    /// Forgets what was wrong before an answer came.
    pub(super) fn forget_errors(&self, client: &MetadataClient) {
        serve_events(client, Duration::from_millis(1));
        *client.context().lock() = None;
    }

    /// Why the client has no connection, as far as it has said so.
    pub(super) fn connection_error(&self, client: &MetadataClient) -> Option<KafkaError> {
        serve_events(client, Duration::from_millis(20));
        let (code, reason) = client.context().lock().clone()?;
        let brokers = self.brokers.clone();
        Some(match code {
            RDKafkaErrorCode::SSL => KafkaError::Tls { brokers, reason },
            code if is_refusal(code) => KafkaError::LoginRefused { brokers, reason },
            // librdkafka reports no error of a connection that the other side closes.
            RDKafkaErrorCode::AllBrokersDown => {
                let reason = format!("{reason}, as they close the connection");
                KafkaError::Unreachable { brokers, reason }
            }
            _ => KafkaError::Unreachable { brokers, reason },
        })
    }
}
