//! Looking for the topics, and creating them.

use std::{
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::Consumer as _,
    error::KafkaError as ClientError,
    types::RDKafkaErrorCode,
};
use tokio::runtime::Handle;

use super::{
    Cluster, KafkaError,
    clients::ClientRole,
    connection::{Connection, REQUEST_TIMEOUT},
    error::is_authorization,
};
use crate::progress::Progress;

/// How long a new topic may take to show up in the metadata.
const CREATION_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is looked for meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

impl Connection {
    /// Partitions of `topic`; `None` when there is no such topic.
    pub(super) fn partition_count(&self, topic: &str) -> Result<Option<i32>, KafkaError> {
        let metadata = self.retry("asking the broker for its topics", |client, timeout| {
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

    /// Creates the topic and the dead-letter topic unless they exist; gives the number of partitions
    /// that the topic has, which is a notice where it is not what was asked for. Blocks, within a Tokio runtime.
    ///
    /// # Errors
    /// [`KafkaError`]: no broker answers, a login or a right is missing.
    pub fn ensure_topics(&self, progress: &Progress) -> Result<i32, KafkaError> {
        let Cluster { topic, partitions, .. } = &self.cluster;
        let dead_letters = self.cluster.dead_letter_topic();
        let found = self.partition_count(topic)?;
        let found_dead_letters = self.partition_count(&dead_letters)?;
        let mut missing = Vec::new();
        if found.is_none() {
            missing.push((topic.as_str(), partitions.unwrap_or(1)));
        }
        if found_dead_letters.is_none() {
            missing.push((dead_letters.as_str(), 1));
        }
        if !missing.is_empty() {
            self.create(&missing)?;
        }
        let found = found.map_or_else(|| self.wait_for(topic), Ok)?;
        found_dead_letters.map_or_else(|| self.wait_for(&dead_letters), Ok)?;
        if let Some(asked) = partitions.filter(|asked| *asked != found) {
            progress.notice(format!(
                "the topic {topic} has {found} partitions and not {asked}: a topic that exists is left alone"
            ));
        }
        Ok(found)
    }

    /// Partitions of a topic that was created just now.
    fn wait_for(&self, topic: &str) -> Result<i32, KafkaError> {
        let deadline = Instant::now() + CREATION_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(found) = self.partition_count(topic)? {
                return Ok(found);
            }
            thread::sleep(POLL_INTERVAL);
        }
        let code = RDKafkaErrorCode::UnknownTopicOrPartition;
        Err(self.cluster.failed("waiting for the new topic")(ClientError::AdminOp(code)))
    }

    /// Creates topics, each with a number of partitions.
    fn create(&self, topics: &[(&str, i32)]) -> Result<(), KafkaError> {
        let cluster = &self.cluster;
        // Kafka writes `for ever` as -1.
        let retention =
            cluster.retention.map_or("-1".to_owned(), |age| age.as_millis().to_string());
        // -1: as many replicas as the cluster gives by default.
        let replication = cluster.replication.unwrap_or(-1);
        let new = topics.iter().map(|(topic, partitions)| {
            NewTopic::new(topic, *partitions, TopicReplication::Fixed(replication))
                .set("retention.ms", &retention)
                // Retention counts from timestamps: a message goes that long after it arrived, whatever time
                // its producer gave it.
                .set("message.timestamp.type", "LogAppendTime")
        });
        let new: Vec<_> = new.collect();
        let options = AdminOptions::new()
            .request_timeout(Some(REQUEST_TIMEOUT))
            .operation_timeout(Some(REQUEST_TIMEOUT));
        let admin: AdminClient<DefaultClientContext> =
            cluster
                .config(ClientRole::Admin)
                .create()
                .map_err(cluster.failed("connecting to the broker"))?;
        let created = Handle::current().block_on(admin.create_topics(&new, &options));
        // Its thread looks ten times a second whether it is to end: nobody need wait for that.
        thread::spawn(move || drop(admin));
        for result in created.map_err(cluster.failed("creating the topic"))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(KafkaError::NotCreated { topic, code }),
            }
        }
        Ok(())
    }
}
