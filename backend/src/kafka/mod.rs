//! The producer and the consumer, and how they reach the broker.
//!
//! Both are plain threads around librdkafka. Settings on which delivery depends are applied last, so
//! that no user option can undo them.

mod consumer;
mod message;
mod murmur2;
mod producer;
mod resume;
mod store;
mod topic;

pub use consumer::{Consumer, ConsumerOptions, Offsets};
pub use message::{NotALine, encode, parse};
pub use producer::{Pace, PaceError, Produced, Producer, ProducerOptions, Rate};
pub use topic::Cluster;

use crate::{batch::BatchError, ingest::IngestError};

/// Header of a message that names the input its line came from, and the number of partitions it
/// was spread over: `<source>/<partitions>`.
const SOURCE_HEADER: &str = "source";
/// Header of a message with the number of its line in that input, as decimal text.
const LINE_HEADER: &str = "line";

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
        source: rdkafka::error::KafkaError,
    },
    /// A line was not acknowledged; none after it in its partition was stored.
    #[error(
        "the broker did not acknowledge a line: {0}; start again to go on after the last one that it did"
    )]
    NotAcknowledged(rdkafka::error::KafkaError),
    /// The topic was given more partitions while an input was half sent.
    #[error(
        "this input was begun when the topic {topic} had {begun} partitions and now it has {now}, so it is not known which lines are there: use another topic, or --restart to send all of it anew"
    )]
    PartitionsChanged {
        /// The topic.
        topic: String,
        /// Partitions when the input was begun.
        begun: String,
        /// Partitions now.
        now: i32,
    },
    /// The batches cover offsets that the topic does not have.
    #[error(
        "the batches hold partition {partition} of {topic} up to offset {stored}, but it ends at {end}: this is not the broker that the data folder was filled from"
    )]
    OtherTopic {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// First offset not in any batch.
        stored: i64,
        /// End of the partition.
        end: i64,
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
