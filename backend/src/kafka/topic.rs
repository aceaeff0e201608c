//! The cluster that lines go through, and its topics.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError as ClientError,
    types::RDKafkaErrorCode,
};

use tokio::runtime::Handle;

use super::{KafkaError, Offsets};

/// How long one question to the broker may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);
/// How long a new topic may take to show up in the metadata.
const APPEARANCE: Duration = Duration::from_secs(30);

/// Where the broker is and which topic the lines go through.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// `host:port` of one or more brokers, separated by commas.
    pub brokers: String,
    /// Name of the topic.
    pub topic: String,
    /// Partitions that the topic gets when it does not exist yet.
    pub partitions: i32,
}

impl Cluster {
    /// Name of the topic for messages that are no lines.
    #[must_use]
    pub fn dead_letter_topic(&self) -> String {
        format!("{}.dead_letter", self.topic)
    }

    /// Creates the topic and the dead-letter topic unless they exist; gives the number of partitions
    /// that the topic has. Blocks, within a Tokio runtime.
    ///
    /// # Errors
    /// [`KafkaError::Broker`].
    pub fn ensure_topics(&self) -> Result<i32, KafkaError> {
        let config = self.config();
        let client = config.create().map_err(self.failed("connecting to the broker"))?;
        let admin = config.create().map_err(self.failed("connecting to the broker"))?;
        self.ensure(&client, &admin, &self.dead_letter_topic(), 1)?;
        self.ensure(&client, &admin, &self.topic, self.partitions)
    }

    fn ensure(
        &self,
        client: &BaseConsumer,
        admin: &AdminClient<DefaultClientContext>,
        topic: &str,
        partitions: i32,
    ) -> Result<i32, KafkaError> {
        if let Some(found) = self.partition_count(client, topic)? {
            return Ok(found);
        }
        // -1: as many replicas as the cluster gives by default.
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        let created = Handle::current()
            .block_on(admin.create_topics([&new], &options))
            .map_err(self.failed("creating the topic"))?;
        for result in created {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((_, code)) => {
                    return Err(self.failed("creating the topic")(ClientError::AdminOp(code)));
                }
            }
        }
        let deadline = Instant::now() + APPEARANCE;
        while Instant::now() < deadline {
            if let Some(found) = self.partition_count(client, topic)? {
                return Ok(found);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let code = RDKafkaErrorCode::UnknownTopicOrPartition;
        Err(self.failed("waiting for the new topic")(ClientError::AdminOp(code)))
    }

    /// Partitions of `topic`; `None` when there is no such topic.
    pub(super) fn partition_count(
        &self,
        client: &BaseConsumer,
        topic: &str,
    ) -> Result<Option<i32>, KafkaError> {
        let metadata = client
            .fetch_metadata(Some(topic), TIMEOUT)
            .map_err(self.failed("asking the broker for its topics"))?;
        Ok(metadata
            .topics()
            .iter()
            .find(|found| found.name() == topic && found.error().is_none())
            .map(|found| found.partitions().len() as i32)
            .filter(|count| *count > 0))
    }

    /// The next offset of every partition of the topic, now.
    ///
    /// # Errors
    /// [`KafkaError::Broker`].
    pub fn current_ends(&self) -> Result<Offsets, KafkaError> {
        let client: BaseConsumer =
            self.config().create().map_err(self.failed("connecting to the broker"))?;
        self.ends(&client)
    }

    /// The next offset of every partition of the topic, now.
    pub(super) fn ends(&self, client: &BaseConsumer) -> Result<Offsets, KafkaError> {
        let partitions = self.partition_count(client, &self.topic)?.unwrap_or(0);
        (0..partitions)
            .map(|partition| Ok((partition, self.watermarks(client, partition)?.1)))
            .collect()
    }

    /// First and next offset of a partition.
    pub(super) fn watermarks(
        &self,
        client: &BaseConsumer,
        partition: i32,
    ) -> Result<(i64, i64), KafkaError> {
        client
            .fetch_watermarks(&self.topic, partition, TIMEOUT)
            .map_err(self.failed("asking the broker for the ends of the topic"))
    }

    /// The settings that every client shares.
    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "tillstream")
            // The metadata request that looks for the topic must not make it, with other partitions.
            .set("allow.auto.create.topics", "false");
        config
    }

    pub(super) fn failed(&self, action: &'static str) -> impl FnOnce(ClientError) -> KafkaError {
        let brokers = self.brokers.clone();
        move |source| KafkaError::Broker { action, brokers, source }
    }
}
