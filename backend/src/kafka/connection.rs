//! The client that asks a cluster for metadata and offsets, and what becomes of its connections.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError as ClientError,
    types::RDKafkaErrorCode,
};

use super::{Cluster, KafkaError, clients::ClientRole, is_retriable};

/// How long brokers may take to answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// How long one question may take, repetitions included.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// How long one attempt lasts, after which a refusal is recognised.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);

/// Pause before a question is asked again.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// A cluster that answered, and the client that goes on asking it; it joins no group.
pub struct Connection {
    /// The cluster.
    pub cluster: Cluster,
    client: BaseConsumer<ConnectionErrors>,
}

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

impl Cluster {
    /// Connects, which has succeeded once one of the brokers answers.
    ///
    /// # Errors
    /// [`KafkaError::Client`], [`KafkaError::Unreachable`], [`KafkaError::LoginRefused`], [`KafkaError::Tls`].
    pub fn connect(&self) -> Result<Arc<Connection>, KafkaError> {
        let client = self
            .config(ClientRole::Metadata)
            .create_with_context(ConnectionErrors::default())
            .map_err(self.failed("connecting to the broker"))?;
        let connection = Connection { cluster: self.clone(), client };
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        loop {
            if connection.client.fetch_metadata(Some(&self.topic), ATTEMPT_TIMEOUT).is_ok() {
                connection.forget_errors();
                return Ok(Arc::new(connection));
            }
            let heard = connection.error();
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
}

impl Connection {
    /// The client that asks.
    pub(super) fn client(&self) -> &BaseConsumer<ConnectionErrors> {
        &self.client
    }

    /// Asks again while the answer is an error that passes by itself, such as a change of leader. `ask` is given
    /// the time that is left.
    pub(super) fn retry<T>(
        &self,
        action: &'static str,
        mut ask: impl FnMut(&BaseConsumer<ConnectionErrors>, Duration) -> Result<T, ClientError>,
    ) -> Result<T, KafkaError> {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now()).max(RETRY_INTERVAL);
            match ask(&self.client, left) {
                Ok(answer) => {
                    self.forget_errors();
                    return Ok(answer);
                }
                Err(error) if is_retriable(&error) && Instant::now() < deadline => {
                    tracing::debug!("{action}: {error}; trying again");
                    std::thread::sleep(RETRY_INTERVAL);
                }
                Err(error) if is_retriable(&error) => {
                    let connection = self.error();
                    return Err(connection.unwrap_or_else(|| self.cluster.failed(action)(error)));
                }
                Err(error) => return Err(self.cluster.failed(action)(error)),
            }
        }
    }

    /// Takes errors and log lines from librdkafka, which hands them over within a poll, until none comes for
    /// `time`. (A poll without time ends with the first log line.)
    fn serve_events(&self, time: Duration) {
        while self.client.poll(time).is_some() {}
    }

    /// Forgets what was wrong before an answer came.
    fn forget_errors(&self) {
        self.serve_events(Duration::from_millis(1));
        *self.client.context().lock() = None;
    }

    /// Why there is no connection, as far as the client has said so.
    fn error(&self) -> Option<KafkaError> {
        self.serve_events(Duration::from_millis(20));
        let (code, reason) = self.client.context().lock().clone()?;
        let brokers = self.cluster.brokers.clone();
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
