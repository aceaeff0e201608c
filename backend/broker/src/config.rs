//! The settings of a broker.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use crate::fault_points::FaultPoints;

/// The settings of one broker.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// The folder that holds everything the broker knows; created if need be, locked while it runs.
    pub dir: PathBuf,
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// How many partitions a topic gets when its creator does not say.
    pub default_partitions: i32,
    /// Whether asking for the metadata of an unknown topic creates it (if the client allows it too).
    pub auto_create_topics: bool,
    /// A segment that would grow beyond this many bytes is closed and a new one started.
    pub segment_bytes: u64,
    /// Closed segments are deleted, oldest first, while a partition holds more bytes than this.
    pub retention_bytes: Option<u64>,
    /// Segments are deleted when all their messages are older, by their timestamps.
    pub retention_age: Option<Duration>,
    /// How often retention of logs and offsets is applied.
    pub retention_interval: Duration,
    /// How often topics with `cleanup.policy=compact` are looked at.
    pub compaction_interval: Duration,
    /// Kafka's `offsets.retention.minutes`: a group without members loses its offsets, and so ends,
    /// this long after it became empty or, without ever having members, last committed.
    pub offsets_retention: Duration,
    /// Kafka's `group.consumer.heartbeat.interval.ms`: how often members of the consumer protocol are told
    /// to send a heartbeat.
    pub group_heartbeat_interval: Duration,
    /// Kafka's `group.consumer.session.timeout.ms`: a member of the consumer protocol that is silent for
    /// longer is removed.
    pub group_session_timeout: Duration,
    /// Kafka's `transactional.id.expiration.ms`: how long a transactional id is remembered that has no
    /// open transaction.
    pub transactional_id_retention: Duration,
    /// Faults that tests inject; [`BrokerConfig::new`] takes them from the environment.
    pub fault_points: FaultPoints,
}

impl BrokerConfig {
    /// Loopback, any free port, one partition per topic, segments of 256 MiB, records kept for ever,
    /// offsets of empty groups and unused transactional ids for 7 days.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            default_partitions: 1,
            auto_create_topics: true,
            segment_bytes: 256 << 20,
            retention_bytes: None,
            retention_age: None,
            retention_interval: Duration::from_secs(30),
            compaction_interval: Duration::from_secs(15),
            offsets_retention: Duration::from_secs(7 * 24 * 60 * 60),
            group_heartbeat_interval: Duration::from_secs(5),
            group_session_timeout: Duration::from_secs(45),
            transactional_id_retention: Duration::from_secs(7 * 24 * 60 * 60),
            fault_points: FaultPoints::from_env(),
        }
    }
}
