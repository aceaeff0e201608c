//! Creating the topics.

use std::time::{Duration, Instant};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::KafkaError as ClientError,
    types::RDKafkaErrorCode,
};
use tokio::runtime::Handle;

use super::{
    Cluster, KafkaError, clients::ClientRole, cluster::REQUEST_TIMEOUT, connection::MetadataClient,
};
use crate::progress::Progress;

/// How long a new topic may take to show up in the metadata.
const CREATION_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is looked for meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

impl Cluster {
    /// Creates the topic and the dead-letter topic unless they exist; gives the number of partitions
    /// that the topic has, which is a notice where it is not what was asked for. Blocks, within a Tokio runtime.
    ///
    /// # Errors
    /// [`KafkaError`]: no broker answers, a login or a right is missing.
    pub fn ensure_topics(&self, progress: &Progress) -> Result<i32, KafkaError> {
        let client = self.metadata_client()?;
        let admin = self
            .config(ClientRole::Admin)
            .create()
            .map_err(self.failed("connecting to the broker"))?;
        let found = self.ensure(&client, &admin, &self.topic, self.partitions.unwrap_or(1))?;
        self.ensure(&client, &admin, &self.dead_letter_topic(), 1)?;
        if let Some(asked) = self.partitions.filter(|asked| *asked != found) {
            progress.notice(format!(
                "the topic {} has {found} partitions and not {asked}: a topic that exists is left alone",
                self.topic
            ));
        }
        Ok(found)
    }

    fn ensure(
        &self,
        client: &MetadataClient,
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
        let replication = TopicReplication::Fixed(self.replication.unwrap_or(-1));
        let new = NewTopic::new(topic, partitions, replication)
            .set("retention.ms", &retention)
            // Retention counts from timestamps: a message goes that long after it arrived, whatever time
            // its producer gave it.
            .set("message.timestamp.type", "LogAppendTime");
        let options = AdminOptions::new()
            .request_timeout(Some(REQUEST_TIMEOUT))
            .operation_timeout(Some(REQUEST_TIMEOUT));
        let created = Handle::current()
            .block_on(admin.create_topics([&new], &options))
            .map_err(self.failed("creating the topic"))?;
        for result in created {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(KafkaError::NotCreated { topic, code }),
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
