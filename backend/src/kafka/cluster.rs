//! The Kafka cluster that lines go through, and what is asked of it beside sending and reading.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError as ClientError,
};

use super::{KafkaError, is_retriable};

/// How long one question to the cluster may take, repetitions included.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Pause before a question is asked again.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Where the brokers are, which topic the lines go through, and how that is created.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// `host:port` of one or more brokers, separated by commas.
    pub brokers: String,
    /// Name of the topic.
    pub topic: String,
    /// Partitions that the topic gets when it does not exist yet.
    pub partitions: i32,
    /// How long the topics keep messages when they do not exist yet; `None` for ever.
    pub retention: Option<Duration>,
}

impl Cluster {
    /// Name of the topic for invalid messages.
    #[must_use]
    pub fn dead_letter_topic(&self) -> String {
        format!("{}.dead_letter", self.topic)
    }

    /// Partitions of `topic`; `None` when there is no such topic.
    pub(super) fn partition_count<C: ConsumerContext>(
        &self,
        client: &BaseConsumer<C>,
        topic: &str,
    ) -> Result<Option<i32>, KafkaError> {
        let metadata = self.retry("asking the broker for its topics", || {
            client.fetch_metadata(Some(topic), REQUEST_TIMEOUT)
        })?;
        Ok(metadata
            .topics()
            .iter()
            .find(|found| found.name() == topic && found.error().is_none())
            .map(|found| found.partitions().len() as i32)
            .filter(|count| *count > 0))
    }

    /// A client that only asks; it joins no group.
    pub(super) fn metadata_client(&self) -> Result<BaseConsumer, KafkaError> {
        self.config().create().map_err(self.failed("connecting to the broker"))
    }

    /// The settings that every client shares.
    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "tillstream")
            // The metadata request that looks for the topic must not create it, with other partitions.
            .set("allow.auto.create.topics", "false");
        config
    }

    /// Asks again while the answer is an error that passes by itself, such as a change of leader.
    pub(super) fn retry<T>(
        &self,
        action: &'static str,
        mut ask: impl FnMut() -> Result<T, ClientError>,
    ) -> Result<T, KafkaError> {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        loop {
            match ask() {
                Err(error) if is_retriable(&error) && Instant::now() < deadline => {
                    tracing::debug!("{action}: {error}; trying again");
                    std::thread::sleep(RETRY_INTERVAL);
                }
                answer => return answer.map_err(self.failed(action)),
            }
        }
    }

    pub(super) fn failed(&self, action: &'static str) -> impl FnOnce(ClientError) -> KafkaError {
        let brokers = self.brokers.clone();
        move |source| KafkaError::Broker { action, brokers, source }
    }
}
