//! The Kafka cluster that lines go through.

use std::time::Duration;

use rdkafka::{error::KafkaError as ClientError, types::RDKafkaErrorCode};

use super::{KafkaError, Properties, error::is_authorization};

/// The group unless another one is given.
pub const DEFAULT_GROUP: &str = "tillstream";

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
