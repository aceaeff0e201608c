//! Takes lines from the topic and stores each in exactly one batch.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::KafkaError as ClientError,
    types::RDKafkaErrorCode,
};
use tillstream_shared::{ClosedBy, Manifest, api::Event};

use super::{Cluster, KafkaError, store::Store};
use crate::{batch::Catalogue, progress::Progress, shutdown::Shutdown};

/// How long one wait for a message lasts: the time in which a request to stop is heard.
const POLL: Duration = Duration::from_millis(50);
/// How often lag and new partitions are looked up.
const LOOK_AROUND: Duration = Duration::from_millis(500);

/// What the consumer is to do.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// Lines after which a batch is closed.
    pub batch_size: u64,
    /// Time after a batch's first line at which it is closed.
    pub batch_interval: Duration,
}

/// The next offset of every partition.
pub type Offsets = BTreeMap<i32, i64>;

/// Stores the lines of one topic in one batch folder.
///
/// It assigns all partitions to itself: a batch folder has one consumer, and where that one goes on
/// is written in the manifests. The committed offsets of the group `tillstream` are for onlookers.
pub struct Consumer {
    cluster: Cluster,
    client: BaseConsumer,
    store: Store,
    positions: Offsets,
    end: Arc<OnceLock<Offsets>>,
    progress: Arc<Progress>,
}

impl Consumer {
    /// Connects to the topic, which must exist, and goes on after the last offset in `catalogue`.
    ///
    /// # Errors
    /// [`KafkaError::Broker`], [`KafkaError::OtherTopic`].
    pub fn connect(
        cluster: Cluster,
        options: ConsumerOptions,
        catalogue: Catalogue,
        progress: Arc<Progress>,
    ) -> Result<Self, KafkaError> {
        let client = cluster
            .config()
            .set("group.id", "tillstream")
            .set("fetch.wait.max.ms", "100")
            // The default second stalls a full queue long after there is room again.
            .set("fetch.queue.backoff.ms", "10")
            .set("queued.min.messages", "200000")
            .set("queued.max.messages.kbytes", "131072")
            .set("isolation.level", "read_committed")
            .set("check.crcs", "true")
            // Where to begin is decided here, from the manifests, and by nobody else.
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .create()
            .map_err(cluster.failed("connecting to the broker"))?;
        let positions = catalogue
            .topic(&cluster.topic)
            .map(|topic| topic.next_offsets.clone())
            .unwrap_or_default();
        let store = Store::new(&cluster, options, catalogue, progress.clone())?;
        let end = Arc::default();
        let mut consumer = Self { cluster, client, store, positions, end, progress };
        consumer.assign()?;
        Ok(consumer)
    }

    /// Where to put the offsets at which [`Self::run`] is to end; it goes on for ever without them.
    #[must_use]
    pub fn end(&self) -> Arc<OnceLock<Offsets>> {
        self.end.clone()
    }

    /// Stores lines until `stop`, or until the offsets in [`Self::end`] are reached, and then closes
    /// the open batch. `stored` is called after each batch.
    ///
    /// # Errors
    /// [`KafkaError`]; lines of the open batch are then still in the topic, and are read again.
    pub fn run(
        mut self,
        stop: &Shutdown,
        mut stored: impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        self.consume(stop, &mut stored)
    }

    fn consume(
        &mut self,
        stop: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        let mut looked_around = Instant::now();
        loop {
            if stop.requested() || self.end.get().is_some_and(|end| self.has_reached(end)) {
                return self.close(ClosedBy::Shutdown, CommitMode::Sync, stored);
            }
            match self.client.poll(POLL) {
                None => {}
                Some(Ok(message)) => {
                    self.store.take(&message)?;
                    self.positions.insert(message.partition(), message.offset() + 1);
                }
                Some(Err(error)) => self.endure(error)?,
            }
            let now = Instant::now();
            if let Some(why) = self.store.due(now) {
                self.close(why, CommitMode::Async, stored)?;
            }
            if now.duration_since(looked_around) >= LOOK_AROUND {
                looked_around = now;
                self.look_around()?;
            }
        }
    }

    fn close(
        &mut self,
        why: ClosedBy,
        mode: CommitMode,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        let Some(manifest) = self.store.close(why)? else { return Ok(()) };
        let committed = self.offsets().and_then(|offsets| self.client.commit(&offsets, mode));
        if let Err(error) = committed {
            tracing::warn!("the offsets of batch {} are not committed: {error}", manifest.number);
        }
        self.progress.send(Event::BatchStored { number: manifest.number, rows: manifest.rows });
        stored(&manifest);
        Ok(())
    }

    fn has_reached(&self, end: &Offsets) -> bool {
        end.iter().all(|(partition, end)| self.positions.get(partition) >= Some(end))
    }

    /// Errors that librdkafka recovers from by itself are logged, the others end the consumer.
    fn endure(&self, error: ClientError) -> Result<(), KafkaError> {
        use RDKafkaErrorCode::{AutoOffsetReset, Fatal, UnknownPartition, UnknownTopic};
        match error.rdkafka_error_code() {
            Some(AutoOffsetReset | Fatal | UnknownPartition | UnknownTopic) => {
                Err(self.cluster.failed("reading the topic")(error))
            }
            _ => {
                tracing::warn!("reading the topic: {error}; trying again");
                Ok(())
            }
        }
    }

    /// Looks up the lag, and partitions that the topic was given meanwhile. A broker that does not
    /// answer is no reason to end: it may come back.
    fn look_around(&mut self) -> Result<(), KafkaError> {
        let found = self.cluster.partition_count(&self.client, &self.cluster.topic);
        if matches!(found, Ok(Some(count)) if count as usize > self.positions.len()) {
            self.assign()?;
        }
        match self.cluster.ends(&self.client) {
            Ok(ends) => {
                let next = |partition| self.positions.get(partition).copied().unwrap_or_default();
                let lag = ends.iter().map(|(partition, end)| (end - next(partition)).max(0)).sum();
                self.progress.lag.set(i64::unsigned_abs(lag));
            }
            Err(error) => tracing::debug!("the lag is not known: {error}"),
        }
        Ok(())
    }

    /// Assigns every partition of the topic, each from the next offset that is in no batch.
    fn assign(&mut self) -> Result<(), KafkaError> {
        let topic = &self.cluster.topic;
        let partitions = self.cluster.partition_count(&self.client, topic)?.unwrap_or(0);
        for partition in 0..partitions {
            let (low, high) = self.cluster.watermarks(&self.client, partition)?;
            let next = self.positions.entry(partition).or_insert(low);
            if *next > high {
                let (topic, stored) = (topic.clone(), *next);
                return Err(KafkaError::OtherTopic { topic, partition, stored, end: high });
            }
            if *next < low {
                self.progress.notice(format!(
                    "offsets {next} to {} of partition {partition} were deleted from {topic} before they were stored",
                    low - 1
                ));
                *next = low;
            }
        }
        self.offsets()
            .and_then(|offsets| self.client.assign(&offsets))
            .map_err(self.cluster.failed("assigning the partitions of the topic"))
    }

    /// The positions as librdkafka wants them.
    fn offsets(&self) -> Result<TopicPartitionList, ClientError> {
        let mut list = TopicPartitionList::with_capacity(self.positions.len());
        for (&partition, &next) in &self.positions {
            list.add_partition_offset(&self.cluster.topic, partition, Offset::Offset(next))?;
        }
        Ok(list)
    }
}
