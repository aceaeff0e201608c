//! The Kafka cluster that lines go through, and what is asked of it beside sending and reading.

use std::time::{Duration, Instant};

use rdkafka::{consumer::Consumer as _, error::KafkaError as ClientError, types::RDKafkaErrorCode};

use super::{
    KafkaError, Properties, connection::MetadataClient, error::is_authorization, is_retriable,
};

/// How long one question to the cluster may take, repetitions included.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// The group unless another one is given.
pub const DEFAULT_GROUP: &str = "tillstream";
/// Pause before a question is asked again.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Where the brokers are, how to speak to them, which topic the lines go through, and how that is created.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// `host:port` of one or more brokers, separated by commas.
    pub brokers: String,
    /// What the user sets of librdkafka's properties.
    pub properties: Properties,
    /// The consumer group under which offsets are committed.
    pub group: String,
    /// Whether the consumer shares the partitions of the topic with the other members of the group; otherwise it
    /// takes all of them.
    pub joins_group: bool,
    /// Name of the topic.
    pub topic: String,
    /// Partitions that the topic gets when it does not exist yet, one unless given.
    pub partitions: Option<i32>,
    /// Replicas that the topics get when they do not exist yet; `None` for what the cluster gives by default.
    pub replication: Option<i32>,
    /// How long the topics keep messages when they do not exist yet; `None` for ever.
    pub retention: Option<Duration>,
}

impl Cluster {
    /// The topic `topic` of the cluster at `brokers`, with the settings that the flags have by default.
    #[must_use]
    pub fn new(brokers: impl Into<String>, topic: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            properties: Properties::default(),
            group: DEFAULT_GROUP.to_owned(),
            joins_group: false,
            topic: topic.into(),
            partitions: None,
            replication: None,
            retention: None,
        }
    }

    /// Name of the topic for invalid messages.
    #[must_use]
    pub fn dead_letter_topic(&self) -> String {
        format!("{}.dead_letter", self.topic)
    }

    /// Partitions of `topic`; `None` when there is no such topic.
    pub(super) fn partition_count(
        &self,
        client: &MetadataClient,
        topic: &str,
    ) -> Result<Option<i32>, KafkaError> {
        let metadata = self.retry(client, "asking the broker for its topics", |timeout| {
            client.fetch_metadata(Some(topic), timeout)
        })?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
            return Ok(None);
        };
        match found.error().map(RDKafkaErrorCode::from) {
            Some(code) if is_authorization(code) => {
                let (action, topic) = ("see", topic.to_owned());
                Err(KafkaError::Forbidden { action, topic, code })
            }
            Some(_) => Ok(None),
            None => Ok(Some(found.partitions().len() as i32).filter(|count| *count > 0)),
        }
    }

    /// Asks again while the answer is an error that passes by itself, such as a change of leader. `ask` is given
    /// the time that is left.
    pub(super) fn retry<T>(
        &self,
        client: &MetadataClient,
        action: &'static str,
        mut ask: impl FnMut(Duration) -> Result<T, ClientError>,
    ) -> Result<T, KafkaError> {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        loop {
            match ask(deadline.saturating_duration_since(Instant::now()).max(RETRY_INTERVAL)) {
                Ok(answer) => {
                    self.forget_errors(client);
                    return Ok(answer);
                }
                Err(error) if is_retriable(&error) && Instant::now() < deadline => {
                    tracing::debug!("{action}: {error}; trying again");
                    std::thread::sleep(RETRY_INTERVAL);
                }
                Err(error) if is_retriable(&error) => {
                    let connection = self.connection_error(client);
                    return Err(connection.unwrap_or_else(|| self.failed(action)(error)));
                }
                Err(error) => return Err(self.failed(action)(error)),
            }
        }
    }

    pub(super) fn failed(&self, action: &'static str) -> impl FnOnce(ClientError) -> KafkaError {
        let Self { brokers, topic, group, .. } = self.clone();
        move |source| match source {
            ClientError::ClientCreation(reason) | ClientError::ClientConfig(_, reason, ..) => {
                KafkaError::Client(reason)
            }
            source => match source.rdkafka_error_code() {
                Some(code @ RDKafkaErrorCode::GroupAuthorizationFailed) => {
                    KafkaError::GroupForbidden { group, code }
                }
                Some(code) if is_authorization(code) => {
                    KafkaError::Forbidden { action: "use", topic, code }
                }
                _ => KafkaError::Broker { action, brokers, source },
            },
        }
    }
}
