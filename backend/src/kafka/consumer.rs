//! Takes lines from the topic and stores each in exactly one batch.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::KafkaError as ClientError,
};
use tillstream_durable::fault;
use tillstream_shared::{
    ClosedBy, Manifest,
    api::{Component, Event},
};

use self::no_room::Room;
use super::{
    Cluster, Connection, KafkaError, MessageDates, MessageOptions, Offsets,
    batch_sink::{BatchLimits, BatchSink, Closed},
    clients::ClientRole,
    dead_letter_producer::DeadLetterProducer,
    history,
    positions::Positions,
    statistics::ConsumerStatistics,
    topic_watch::TopicWatch,
    waiting::Waiting,
};
use crate::{
    batch::{BatchError, Catalogue, ConsumerLock},
    progress::Progress,
    shutdown::Shutdown,
};

mod end;
mod no_room;
mod partitions;
mod reading;

/// How long one wait for a message lasts: the time in which a shutdown is heard.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How often a consumer that is being closed is asked whether it is.
const CLOSE_INTERVAL: Duration = Duration::from_millis(1);
/// The shortest time between two commits of offsets. librdkafka does not tell when one is answered, and on a slow
/// broker they would pile up, and the close would wait for all of them.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);
/// How often a member of a group looks for what the others have stored.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);

/// What the consumer is to do.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// Lines after which a batch is closed.
    pub batch_size: u64,
    /// Time after a batch's first line at which it is closed.
    pub batch_interval: Duration,
    /// How often the consumer looks for new partitions, and whether the topic is still the same.
    pub refresh_interval: Duration,
    /// How the dates of messages are read.
    pub messages: MessageOptions,
}

/// Stores the lines of one topic in one batch folder.
///
/// It takes all partitions, or those that its group gives it. Either way, where each is read on is written in the
/// manifests, and so is which of several consumers has stored a line. The committed offsets of the group are for
/// onlookers.
///
/// While it reads, the thread that polls asks the broker for nothing but messages: lag comes from librdkafka's
/// statistics, and a `TopicWatch` looks for what becomes of the topic.
pub struct Consumer {
    cluster: Cluster,
    client: BaseConsumer<ConsumerStatistics>,
    connection: Arc<Connection>,
    watch: TopicWatch,
    sink: BatchSink,
    positions: Positions,
    /// Up to where its partitions are stored.
    stored: Offsets,
    /// Whether that is not committed yet.
    is_commit_due: bool,
    committed_at: Option<Instant>,
    followed_at: Instant,
    /// When the group was last asked what the others have stored.
    asked_at: Instant,
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
    /// Connects to the topic, which must exist, to go on after the batches in the catalogue, which is that of the
    /// lock's folder.
    ///
    /// # Errors
    /// [`KafkaError::Broker`], [`KafkaError::OtherHistory`], [`KafkaError::Batch`].
    pub fn connect(
        connection: Arc<Connection>,
        options: ConsumerOptions,
        batches: (Catalogue, ConsumerLock),
        progress: Arc<Progress>,
    ) -> Result<Self, KafkaError> {
        let cluster = connection.cluster.clone();
        let count = connection.partition_count(&cluster.topic)?.unwrap_or(0);
        let partitions = connection.watermarks(&Vec::from_iter(0..count))?;
        let provenance = connection.provenance();

        let waiting = || Waiting::new(&cluster, Component::Consumer, progress.clone());
        let client = cluster
            .config(ClientRole::Consumer)
            .create_with_context(ConsumerStatistics::new(waiting()))
            .map_err(cluster.failed("connecting to the broker"))?;
        let limits = BatchLimits { size: options.batch_size, interval: options.batch_interval };
        let watch = TopicWatch::start(
            connection.clone(),
            provenance.clone(),
            count,
            options.refresh_interval,
        );
        let dead_letters = DeadLetterProducer::connect(&cluster, waiting())?;
        let room = Room::new(progress.clone());
        let forbidden = waiting();
        let dates = MessageDates::new(options.messages);
        let sink =
            BatchSink::new(limits, batches, provenance, dead_letters, dates, progress.clone());
        let mut consumer = Self {
            cluster,
            client,
            connection,
            watch,
            sink,
            positions: Positions::default(),
            stored: Offsets::new(),
            is_commit_due: false,
            committed_at: None,
            followed_at: Instant::now(),
            asked_at: Instant::now(),
            end: Arc::default(),
            has_read: false,
            is_forbidden: false,
            forbidden,
            room,
            progress,
        };
        if let Some(stored) = consumer.sink.stored() {
            history::check_continues(stored, consumer.sink.provenance(), &partitions)?;
        }
        if consumer.cluster.joins_group {
            let topic = [consumer.cluster.topic.as_str()];
            let failed = consumer.cluster.failed("joining the consumer group");
            consumer.client.subscribe(&topic).map_err(failed)?;
        } else {
            consumer.assign(&partitions)?;
        }
        Ok(consumer)
    }

    /// Where to put the offsets at which [`Self::run`] is to end; it goes on for ever without them.
    #[must_use]
    pub fn end(&self) -> Arc<OnceLock<Offsets>> {
        self.end.clone()
    }

    /// Stores lines until `shutdown`, or until the offsets in [`Self::end`] are reached, by this consumer or the
    /// others of its group, and then closes the open batch. `stored` is called after each batch. Waits while there
    /// is no room on the disk.
    ///
    /// # Errors
    /// [`KafkaError`]; lines of the open batch are then still in the topic, and are read again.
    pub fn run(
        mut self,
        shutdown: &Shutdown,
        mut stored: impl FnMut(&Manifest),
    ) -> Result<(), KafkaError> {
        self.sink.wait_for_outages(shutdown);
        loop {
            match self.store_lines(shutdown, &mut stored) {
                Err(error) if error.is_disk_full() => {
                    if !self.wait_for_room(&error, shutdown, &mut stored)? {
                        self.commit();
                        return Ok(());
                    }
                }
                Err(KafkaError::Batch(error @ BatchError::Store { .. }))
                    if shutdown.requested() =>
                {
                    tracing::warn!("{error}: the messages of the open batch are read again");
                    self.sink.discard_open();
                    return Ok(());
                }
                result => return result,
            }
        }
    }

    /// Stores the open batch, in a `hurry` when others wait for it; tells whether all that was read is stored.
    fn close(
        &mut self,
        why: ClosedBy,
        hurry: bool,
        shutdown: &Shutdown,
        stored: &mut impl FnMut(&Manifest),
    ) -> Result<bool, KafkaError> {
        match self.sink.close(why, hurry, shutdown)? {
            Closed::Stored(manifest) => {
                fault::point("consumer.stored");
                self.announce(&manifest);
                stored(&manifest);
            }
            Closed::WithoutLines => {}
            Closed::Open => return Ok(false),
            Closed::Overtaken(error) => {
                self.progress.notice(format!("a batch is given up: {error}"));
                self.read_again(shutdown)?;
                return Ok(false);
            }
        }
        self.room.succeeded();
        self.progress.lag.set(self.positions.report());
        self.stored = self.positions.read_offsets().collect();
        self.is_commit_due = true;
        Ok(true)
    }

    fn announce(&self, manifest: &Manifest) {
        self.progress.send(Event::BatchStored { number: manifest.number, rows: manifest.rows });
    }

    /// Takes up what the other members of the group have stored.
    fn follow(&mut self) -> Result<(), KafkaError> {
        self.followed_at = Instant::now();
        let new = self.sink.refresh()?;
        new.iter().for_each(|manifest| self.announce(manifest));
        Ok(())
    }

    /// Commits up to where the partitions are stored, for onlookers: nobody waits for the answer, which librdkafka
    /// receives at the latest while the client is closed.
    fn commit(&mut self) {
        if !std::mem::take(&mut self.is_commit_due) || self.stored.is_empty() {
            return;
        }
        self.committed_at = Some(Instant::now());
        let committed = self.offsets(&self.stored);
        let committed = committed.and_then(|list| self.client.commit(&list, CommitMode::Async));
        if let Err(error) = committed {
            tracing::warn!("the offsets of the stored batches are not committed: {error}");
        }
        fault::point("consumer.committed");
    }

    /// Offsets as librdkafka wants them.
    fn offsets(&self, offsets: &Offsets) -> Result<TopicPartitionList, ClientError> {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, next) in offsets {
            list.add_partition_offset(&self.cluster.topic, *partition, Offset::Offset(*next))?;
        }
        Ok(list)
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if self.cluster.joins_group {
            self.client.context().rebalances().leave(&self.client);
        }
        // The client would do that itself, and look ten times a second whether it is done.
        match self.client.close_queue() {
            Ok(()) => {
                while !self.client.closed() {
                    self.client.poll(CLOSE_INTERVAL);
                }
            }
            // After a fatal error, of which a member that was fenced has one, it never counts as closed.
            Err(error) => tracing::debug!("closing the consumer: {error}"),
        }
    }
}
