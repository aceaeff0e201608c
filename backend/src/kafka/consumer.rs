//! Takes lines from the topic and stores each in exactly one batch.

mod no_room;

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
use tillstream_durable::fault;
use tillstream_shared::{
    ClosedBy, Manifest,
    api::{Component, Event},
};

use self::no_room::Room;
use super::{
    Cluster, KafkaError, Offsets,
    batch_sink::{BatchLimits, BatchSink, Due},
    clients::ClientRole,
    dead_letter_producer::DeadLetterProducer,
    error::is_authorization,
    history, is_retriable,
    positions::Positions,
    statistics::ConsumerStatistics,
    topic_watch::TopicWatch,
    waiting::{Backoff, Waiting},
    watermarks::Watermarks,
};
use crate::{
    batch::{Catalogue, OpenBatch},
    progress::Progress,
    shutdown::Shutdown,
};

/// How long one wait for a message lasts: the time in which a shutdown is heard.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What the consumer is to do.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// Lines after which a batch is closed.
    pub batch_size: u64,
    /// Time after a batch's first line at which it is closed.
    pub batch_interval: Duration,
    /// How often the consumer looks for new partitions, and whether the topic is still the same.
    pub refresh_interval: Duration,
}

/// Stores the lines of one topic in one batch folder.
///
/// It assigns all partitions to itself: a batch folder has one consumer, and where that one goes on
/// is written in the manifests. The committed offsets of the group are for onlookers.
///
/// The thread that polls asks the broker for nothing but messages: lag comes from librdkafka's statistics, and
/// a `TopicWatch` looks for what becomes of the topic.
pub struct Consumer {
    cluster: Cluster,
    client: BaseConsumer<ConsumerStatistics>,
    watch: TopicWatch,
    sink: BatchSink,
    positions: Positions,
    /// What the newest batch ends at, until it is committed.
    uncommitted: Option<TopicPartitionList>,
    end: Arc<OnceLock<Offsets>>,
    /// Whether the topic could be read.
    has_read: bool,
    /// Whether the right to read it was taken away since.
    is_forbidden: bool,
    /// Shows that.
    forbidden: Waiting,
    room: Room,
    progress: Arc<Progress>,
}

impl Consumer {
    /// Connects to the topic, which must exist, and goes on after the last offset in `catalogue`.
    ///
    /// # Errors
    /// [`KafkaError::Broker`], [`KafkaError::OtherHistory`], [`KafkaError::Batch`].
    pub fn connect(
        cluster: Cluster,
        options: ConsumerOptions,
        catalogue: Catalogue,
        progress: Arc<Progress>,
    ) -> Result<Self, KafkaError> {
        let metadata_client = cluster.metadata_client()?;
        let count = cluster.partition_count(&metadata_client, &cluster.topic)?.unwrap_or(0);
        let partitions = cluster.watermarks(&metadata_client, 0..count)?;
        let provenance = cluster.provenance(&metadata_client);
        let mut next = Offsets::new();
        if let Some(stored) = catalogue.topic(&cluster.topic) {
            history::check_continues(stored, &provenance, &partitions)?;
            next.clone_from(&stored.next_offsets);
        }
        let mut open = catalogue.begin(&provenance)?;
        let is_there = |(partition, next): (i32, i64)| {
            partitions.get(&partition).is_some_and(|ends| next <= ends.end)
        };
        if !open.next_offsets().all(is_there) {
            open = OpenBatch::create(catalogue.folder())?;
        }
        next.extend(open.next_offsets());

        let waiting = || Waiting::new(&cluster, Component::Consumer, progress.clone());
        let client = cluster
            .config(ClientRole::Consumer)
            .create_with_context(ConsumerStatistics::new(waiting()))
            .map_err(cluster.failed("connecting to the broker"))?;
        let limits = BatchLimits { size: options.batch_size, interval: options.batch_interval };
        let interval = options.refresh_interval;
        let watch = TopicWatch::start(
            cluster.clone(),
            metadata_client,
            provenance.clone(),
            count,
            interval,
        );
        let dead_letters = DeadLetterProducer::connect(&cluster, waiting())?;
        let sink =
            BatchSink::new(limits, catalogue, provenance, open, dead_letters, progress.clone());
        let room = Room::new(progress.clone());
        let forbidden = waiting();
        let mut consumer = Self {
            cluster,
            client,
            watch,
            sink,
            positions: Positions::default(),
            uncommitted: None,
            end: Arc::default(),
            has_read: false,
            is_forbidden: false,
            forbidden,
            room,
            progress,
        };
        consumer.assign(&partitions, &next)?;
        Ok(consumer)
    }

    /// Where to put the offsets at which [`Self::run`] is to end; it goes on for ever without them.
    #[must_use]
    pub fn end(&self) -> Arc<OnceLock<Offsets>> {
        self.end.clone()
    }

    /// Stores lines until `shutdown`, or until the offsets in [`Self::end`] are reached, and then closes
    /// the open batch. `stored` is called after each batch. Waits while there is no room on the disk.
    ///
    /// # Errors
    /// [`KafkaError`]; lines of the open batch are then still in the topic, and are read again.
    pub fn run(
        mut self,
        shutdown: &Shutdown,
        mut stored: impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        loop {
            match self.read(shutdown, &mut stored) {
                Err(error) if error.is_disk_full() => {
                    if !self.wait_for_room(&error, shutdown)? {
                        self.commit();
                        return Ok(());
                    }
                }
                ended => return ended,
            }
        }
    }

    fn read(
        &mut self,
        shutdown: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        loop {
            let polled = self.client.poll(POLL_INTERVAL);
            if matches!(polled, Some(Ok(_) | Err(ClientError::PartitionEOF(_)))) {
                self.has_read = true;
                if std::mem::take(&mut self.is_forbidden) {
                    self.forbidden.end();
                }
            }
            let may_have_ended = match polled {
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    self.positions.take(partition, offset, message.timestamp().to_millis());
                    self.sink.take(&message, shutdown)?;
                    self.end.get().is_some_and(|ends| ends.get(&partition) <= Some(&(offset + 1)))
                }
                Some(Err(ClientError::PartitionEOF(_))) => {
                    self.pass_unread();
                    true
                }
                Some(Err(error)) if is_retriable(&error) => {
                    tracing::debug!("reading the topic: {error}; trying again");
                    false
                }
                // A right that there was at first may be given back: librdkafka goes on trying.
                Some(Err(error))
                    if self.has_read
                        && error.rdkafka_error_code().is_some_and(is_authorization) =>
                {
                    self.is_forbidden = true;
                    self.forbidden.begin(&format!("the topic cannot be read ({error})"));
                    false
                }
                Some(Err(error)) => return Err(self.fatal(error)),
                None => true,
            };
            let has_ended = may_have_ended
                && self.end.get().is_some_and(|ends| self.positions.have_reached(ends));
            if has_ended || shutdown.requested() {
                self.close(ClosedBy::Shutdown, shutdown, stored)?;
                self.commit();
                self.sink.discard_open();
                return Ok(());
            }
            match self.sink.run_timers(Instant::now()) {
                Some(Due::Close(why)) => self.close(why, shutdown, stored)?,
                Some(Due::Note) => {
                    self.sink.note(shutdown)?;
                    self.positions.store();
                }
                None => {}
            }
            if self.uncommitted.is_some() && !self.client.context().is_committing() {
                self.commit();
            }
            if let Some(statistics) = self.client.context().take() {
                self.positions.update(&statistics);
                self.progress.lag.set(self.positions.report());
            }
            if let Some(partitions) = self.watch.new_partitions()? {
                tracing::info!("the topic has {} new partitions", partitions.len());
                self.assign(&partitions, &Offsets::new())?;
            }
        }
    }

    fn fatal(&self, source: ClientError) -> KafkaError {
        use RDKafkaErrorCode::{UnknownPartition, UnknownTopic, UnknownTopicOrPartition};
        match source.rdkafka_error_code() {
            Some(UnknownPartition | UnknownTopic | UnknownTopicOrPartition) => {
                KafkaError::TopicDeleted { topic: self.cluster.topic.clone(), source }
            }
            _ => self.cluster.failed("reading the topic")(source),
        }
    }

    /// At the end of a partition: moves the positions past what is never handed over. All of this is known
    /// here, without the broker.
    fn pass_unread(&mut self) {
        let Ok(positions) = self.client.position() else { return };
        for element in positions.elements() {
            if let Offset::Offset(offset) = element.offset() {
                self.positions.pass(element.partition(), offset);
            }
        }
        self.progress.lag.set(self.positions.report());
    }

    /// Stores the open batch.
    fn close(
        &mut self,
        why: ClosedBy,
        shutdown: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        let closed = self.sink.close(why, shutdown)?;
        self.positions.store();
        self.room.backoff = Backoff::default();
        let Some(manifest) = closed else { return Ok(()) };
        fault::point("consumer.stored");
        match self.offsets() {
            Ok(offsets) => self.uncommitted = Some(offsets),
            Err(error) => tracing::warn!("the offsets of a batch cannot be committed: {error}"),
        }
        self.progress.send(Event::BatchStored { number: manifest.number, rows: manifest.rows });
        stored(&manifest);
        Ok(())
    }

    /// Commits what the newest batch ends at, for onlookers: nobody waits for the answer, which librdkafka
    /// receives at the latest while the client is closed. One commit at a time is under way, and the last
    /// one: on a slow broker they would pile up, and the close would wait for all of them.
    fn commit(&mut self) {
        let Some(offsets) = self.uncommitted.take() else { return };
        self.client.context().set_committing(true);
        if let Err(error) = self.client.commit(&offsets, CommitMode::Async) {
            self.client.context().set_committing(false);
            tracing::warn!("the offsets of the stored batches are not committed: {error}");
        }
        fault::point("consumer.committed");
    }

    /// Adds `partitions` to those that are read, each from its offset in `next`, or else from its beginning.
    fn assign(
        &mut self,
        partitions: &BTreeMap<i32, Watermarks>,
        next: &Offsets,
    ) -> Result<(), KafkaError> {
        let topic = &self.cluster.topic;
        let failed = || self.cluster.failed("assigning the partitions of the topic");
        let mut assignment = TopicPartitionList::with_capacity(partitions.len());
        for (&partition, watermarks) in partitions {
            let low = watermarks.low;
            let next = next.get(&partition).copied().unwrap_or(low);
            if next < low {
                self.progress.notice(format!(
                    "offsets {next} to {} of partition {partition} were deleted from {topic} before they were stored",
                    low - 1
                ));
            }
            let next = next.max(low);
            self.positions.add(partition, next, *watermarks);
            assignment
                .add_partition_offset(topic, partition, Offset::Offset(next))
                .map_err(failed())?;
        }
        self.progress.lag.set(self.positions.report());
        self.client.incremental_assign(&assignment).map_err(failed())
    }

    /// The positions as librdkafka wants them.
    fn offsets(&self) -> Result<TopicPartitionList, ClientError> {
        let mut list = TopicPartitionList::new();
        for (partition, next) in self.positions.read_offsets() {
            list.add_partition_offset(&self.cluster.topic, partition, Offset::Offset(next))?;
        }
        Ok(list)
    }
}
