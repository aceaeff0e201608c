//! The producer and the consumer, and how they reach the broker.
//!
//! Both are plain threads around librdkafka. Settings on which delivery depends are applied last (`clients`), and
//! a user's attempt at one is an error (`properties`).

mod acknowledgements;
mod batch_sink;
mod clients;
mod cluster;
mod connection;
mod consumer;
mod dead_letter_producer;
mod dead_letters;
mod delivery;
mod error;
mod history;
mod message;
mod murmur2;
mod origin;
mod pace;
mod polled_producer;
mod positions;
mod producer;
mod properties;
mod property_table;
mod rebalance;
mod resume;
mod schema_frame;
mod statistics;
mod topic_id;
mod topic_watch;
mod topics;
mod waiting;
mod watermarks;

pub use clients::{ClientRole, Setting};
pub use cluster::{Cluster, DEFAULT_GROUP};
pub use connection::Connection;
pub use consumer::{Consumer, ConsumerOptions};
pub use dead_letters::{
    DeadLetter, MessageOrigin, Replayed, list_dead_letters, replay_dead_letters,
};
pub use error::KafkaError;
pub use message::{InvalidMessage, MessageDates, MessageOptions, encode, parse};
pub use pace::{Pace, PaceError, Rate};
pub use producer::{Produced, Producer, ProducerOptions};
pub use properties::{Properties, PropertyError, PropertyOrigin};
pub use schema_frame::BinaryFormat;
pub use watermarks::Offsets;

use error::is_retriable;
