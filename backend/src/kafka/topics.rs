//! Creating the topics.

use std::time::{Duration, Instant};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::BaseConsumer,
    error::KafkaError as ClientError,
    types::RDKafkaErrorCode,
};
use tokio::runtime::Handle;

use super::{Cluster, KafkaError, cluster::REQUEST_TIMEOUT};

/// How long a new topic may take to show up in the metadata.
const CREATION_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is looked for meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

impl Cluster {
    /// Creates the topic and the dead-letter topic unless they exist; gives the number of partitions
    /// that the topic has. Blocks, within a Tokio runtime.
    ///
    /// # Errors
    /// [`KafkaError::Broker`].
    pub fn ensure_topics(&self) -> Result<i32, KafkaError> {
        let client = self.metadata_client()?;
        let admin = self.config().create().map_err(self.failed("connecting to the broker"))?;
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
        // Kafka writes `for ever` as -1.
        let retention = self.retention.map_or("-1".to_owned(), |age| age.as_millis().to_string());
        // -1: as many replicas as the cluster gives by default.
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1))
            .set("retention.ms", &retention);
        let options = AdminOptions::new().operation_timeout(Some(REQUEST_TIMEOUT));
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
        let deadline = Instant::now() + CREATION_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(found) = self.partition_count(client, topic)? {
                return Ok(found);
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        let code = RDKafkaErrorCode::UnknownTopicOrPartition;
        Err(self.failed("waiting for the new topic")(ClientError::AdminOp(code)))
    }
}
