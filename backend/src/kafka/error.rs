//! What can go wrong, and what of it passes by itself.

use rdkafka::{error::KafkaError as ClientError, types::RDKafkaErrorCode};

use crate::{batch::BatchError, ingest::IngestError};

/// Why lines could not be sent or stored.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// The broker does not answer, or refuses.
    #[error("{action} failed: {source}; is a Kafka broker running at {brokers}?")]
    Broker {
        /// What was tried.
        action: &'static str,
        /// Address of the broker.
        brokers: String,
        /// What librdkafka reports.
        source: ClientError,
    },
    /// No broker can be connected to.
    #[error(
        "no Kafka broker answers at {brokers}: {reason}; check --brokers and security.protocol"
    )]
    Unreachable {
        /// Address of the brokers.
        brokers: String,
        /// What librdkafka reports of the newest attempt.
        reason: String,
    },
    /// The user name, the password or the mechanism is wrong.
    #[error(
        "the Kafka cluster at {brokers} refuses the login: {reason}; check sasl.mechanism, sasl.username and sasl.password"
    )]
    LoginRefused {
        /// Address of the brokers.
        brokers: String,
        /// What librdkafka reports.
        reason: String,
    },
    /// No encrypted connection comes about.
    #[error(
        "no TLS connection to the Kafka cluster at {brokers}: {reason}; check security.protocol and the properties ssl.*"
    )]
    Tls {
        /// Address of the brokers.
        brokers: String,
        /// What librdkafka reports.
        reason: String,
    },
    /// The properties do not go together, or name files that cannot be used.
    #[error("these Kafka properties cannot be used: {0}")]
    Client(String),
    /// The user lacks a right on a topic.
    #[error("there is no right to {action} the topic {topic}: {code}")]
    Forbidden {
        /// What was tried.
        action: &'static str,
        /// The topic.
        topic: String,
        /// What the broker reports.
        code: RDKafkaErrorCode,
    },
    /// The user lacks the right to commit offsets of the group.
    #[error(
        "there is no right to use the consumer group {group}: {code}; choose another with --group"
    )]
    GroupForbidden {
        /// The group.
        group: String,
        /// What the broker reports.
        code: RDKafkaErrorCode,
    },
    /// A topic is missing and cannot be made.
    #[error("the topic {topic} does not exist and cannot be created: {code}")]
    NotCreated {
        /// The topic.
        topic: String,
        /// What the broker reports.
        code: RDKafkaErrorCode,
    },
    /// A line was not acknowledged; none after it in its partition was stored.
    #[error(
        "the broker did not acknowledge a line: {0}; start again to go on after the last one that it did"
    )]
    NotAcknowledged(ClientError),
    /// The topic was given more partitions while an input was half sent.
    #[error(
        "this input was begun when the topic {topic} had {begun} partitions and now it has {now}, so it is not known which lines are there: use another topic, or --restart to send all of it anew"
    )]
    PartitionsChanged {
        /// The topic.
        topic: String,
        /// Partitions when the input was begun.
        begun: i32,
        /// Partitions now.
        now: i32,
    },
    /// The stored batches are of another topic, or of one that lost what they hold.
    #[error(
        "the stored batches do not continue in the topic {topic}: {difference}; choose another folder with --data-dir, or set the batches aside and store this topic from its beginning with --new-history"
    )]
    OtherHistory {
        /// The topic.
        topic: String,
        /// What differs.
        difference: String,
    },
    /// The topic, or a partition of it, was deleted while it was read.
    #[error(
        "the topic {topic} was deleted: {source}; what is stored stays, and --new-history sets it aside to store a new topic of that name from its beginning"
    )]
    TopicDeleted {
        /// The topic.
        topic: String,
        /// What librdkafka reports.
        source: ClientError,
    },
    /// Invalid messages cannot be kept, so the batch that they are in is not stored.
    #[error(
        "invalid messages cannot be written to the dead-letter topic {topic}: {source}; create the topic or allow writing to it, then start again: nothing is lost"
    )]
    DeadLetters {
        /// The dead-letter topic.
        topic: String,
        /// What librdkafka reports.
        source: ClientError,
    },
    /// The input was read to its end, and has no line.
    #[error("the input has no line: {}", all_invalid(*rejects, path))]
    NoLines {
        /// Invalid rows.
        rejects: u64,
        /// The file with the invalid rows, if there are any.
        path: std::path::PathBuf,
    },
    /// The input cannot be read on.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// A batch cannot be written.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The rejects file cannot be written.
    #[error("cannot write the rejects file {path}: {source}")]
    Rejects {
        /// The file.
        path: std::path::PathBuf,
        /// What was reported.
        source: std::io::Error,
    },
}

fn all_invalid(rejects: u64, path: &std::path::Path) -> String {
    match rejects {
        0 => "it has no row".to_owned(),
        rejects => format!("its {rejects} rows are all invalid, see {}", path.display()),
    }
}

impl KafkaError {
    /// Whether there was no room for a batch on the disk.
    pub(super) fn is_disk_full(&self) -> bool {
        matches!(self, Self::Batch(error) if error.is_disk_full())
    }

    /// Whether it passes by itself, when the brokers are there again.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::LoginRefused { .. } | Self::Tls { .. } => true,
            Self::Broker { source, .. } => is_retriable(source),
            _ => false,
        }
    }
}

/// Whether a right is missing.
pub(super) fn is_authorization(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{
        ClusterAuthorizationFailed, GroupAuthorizationFailed, TopicAuthorizationFailed,
    };
    matches!(code, ClusterAuthorizationFailed | GroupAuthorizationFailed | TopicAuthorizationFailed)
}

/// Whether librdkafka, or a repetition, recovers from `error`: a broker that restarts, a partition that
/// changes its leader, a lost connection. What is left needs a person: a topic that is gone, an offset that
/// is gone, missing rights, a client that has given up.
pub(super) fn is_retriable(error: &ClientError) -> bool {
    use RDKafkaErrorCode::{
        AutoOffsetReset, Fatal, InvalidArgument, InvalidTopic, UnknownPartition, UnknownTopic,
        UnknownTopicOrPartition,
    };
    let fatal = [
        AutoOffsetReset,
        Fatal,
        InvalidArgument,
        InvalidTopic,
        UnknownPartition,
        UnknownTopic,
        UnknownTopicOrPartition,
    ];
    !matches!(error, ClientError::MessageConsumptionFatal(_))
        && error
            .rdkafka_error_code()
            .is_some_and(|code| !fatal.contains(&code) && !is_authorization(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_brokers_passes_and_a_lost_topic_does_not() {
        use RDKafkaErrorCode as Code;
        for code in [
            Code::NotLeaderForPartition,
            Code::LeaderNotAvailable,
            Code::ReplicaNotAvailable,
            Code::BrokerNotAvailable,
            Code::FencedLeaderEpoch,
            Code::UnknownLeaderEpoch,
            Code::OffsetNotAvailable,
            Code::KafkaStorageError,
            Code::RequestTimedOut,
            Code::NetworkException,
            Code::BrokerTransportFailure,
            Code::AllBrokersDown,
            Code::OperationTimedOut,
            Code::Resolve,
        ] {
            assert!(is_retriable(&ClientError::MessageConsumption(code)), "{code}");
            assert!(is_retriable(&ClientError::MetadataFetch(code)), "{code}");
            assert!(!is_retriable(&ClientError::MessageConsumptionFatal(code)), "{code}");
        }
        for code in [
            Code::AutoOffsetReset,
            Code::Fatal,
            Code::UnknownTopic,
            Code::UnknownTopicOrPartition,
            Code::UnknownPartition,
            Code::TopicAuthorizationFailed,
        ] {
            assert!(!is_retriable(&ClientError::MessageConsumption(code)), "{code}");
        }
    }
}
