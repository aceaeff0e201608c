//! From messages to stored batches: the consumer's part that knows nothing of fetching.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{Message, message::BorrowedMessage};
use tillstream_shared::{ClosedBy, Manifest, api::Component};

use super::{
    KafkaError, MessageDates, Offsets, dead_letter_producer::DeadLetterProducer, origin::Origin,
    parse,
};
use crate::{
    batch::{
        BatchError, Catalogue, ConsumerLock, OpenBatch, OutageWait, Provenance, TopicProgress,
    },
    progress::Progress,
    shutdown::Shutdown,
};

/// The room that is to be on a disk that was full before lines are stored again, in bytes.
const REQUIRED_ROOM: usize = 8 << 20;

/// When a batch is closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchLimits {
    /// Lines after which it is.
    pub(super) size: u64,
    /// Time after its first line at which it is.
    pub(super) interval: Duration,
}

/// What became of the open batch that was to be stored.
#[derive(Debug)]
pub(super) enum Closed {
    /// It is stored.
    Stored(Box<Manifest>),
    /// There was none, or it had no lines and what it covers is noted.
    WithoutLines,
    /// It is still open, as its dead letters are not acknowledged.
    Open,
    /// Another consumer has stored messages of it, and it is gone.
    Overtaken(BatchError),
}

/// The open batch and what surrounds it.
pub(super) struct BatchSink {
    limits: BatchLimits,
    catalogue: Catalogue,
    lock: ConsumerLock,
    provenance: Provenance,
    open: Option<OpenBatch>,
    /// When the open batch, without lines, first covered a message that is not noted.
    unnoted_since: Option<Instant>,
    dead_letters: DeadLetterProducer,
    /// The last offset of each partition that was handed to it.
    sent_to_dlq: Offsets,
    repaired: Vec<u8>,
    dates: MessageDates,
    progress: Arc<Progress>,
}

impl BatchSink {
    /// Begins after the batches in `catalogue`, in the presence that `lock` shows.
    pub(super) fn new(
        limits: BatchLimits,
        (catalogue, lock): (Catalogue, ConsumerLock),
        provenance: Provenance,
        dead_letters: DeadLetterProducer,
        dates: MessageDates,
        progress: Arc<Progress>,
    ) -> Self {
        catalogue.summary().report(&progress);
        Self {
            limits,
            catalogue,
            lock,
            provenance,
            open: None,
            unnoted_since: None,
            dead_letters,
            sent_to_dlq: Offsets::new(),
            repaired: Vec::new(),
            dates,
            progress,
        }
    }

    /// From now on outages of an object store are waited for, until `shutdown`.
    pub(super) fn wait_for_outages(&mut self, shutdown: &Shutdown) {
        let (progress, shutdown) = (self.progress.clone(), shutdown.clone());
        let wait = OutageWait::new(Component::Consumer, progress, shutdown);
        self.catalogue.wait_for_outages(wait);
    }

    /// What is stored of the topic.
    pub(super) fn stored(&self) -> Option<&TopicProgress> {
        self.catalogue.topic(&self.provenance.topic)
    }

    /// What the topic was when the consumer began.
    pub(super) fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Takes up the batches that other consumers have stored, and gives their manifests.
    pub(super) fn refresh(&mut self) -> Result<Vec<Manifest>, KafkaError> {
        let new = self.catalogue.refresh()?;
        if let Some(newest) = new.last() {
            self.progress.set_last_batch(newest);
            self.report();
        }
        Ok(new)
    }

    /// The offset at which a partition that ends at `end` is to be read on; `None` when nothing of it is stored.
    /// What was noted of it goes into the open batch.
    pub(super) fn resume(&mut self, partition: i32, end: i64) -> Result<Option<i64>, KafkaError> {
        let noted = self.catalogue.rowless(partition, &self.provenance)?;
        let Some(noted) = noted.filter(|noted| noted.range.last < end) else {
            return Ok(self.catalogue.next_offset(&self.provenance.topic, partition));
        };
        let open = match &mut self.open {
            Some(batch) => batch,
            none => match OpenBatch::create(&self.lock) {
                // What is noted is read again then.
                Err(error) if error.is_disk_full() => {
                    return Ok(self.catalogue.next_offset(&self.provenance.topic, partition));
                }
                created => none.insert(created?),
            },
        };
        open.resume(noted);
        self.report();
        Ok(Some(noted.range.last + 1))
    }

    /// Shows the counts of all batches, the open one included.
    fn report(&self) {
        self.catalogue.summary().report(&self.progress);
        let open = self.open.as_ref();
        self.progress.lines_open.set(open.map_or(0, OpenBatch::rows));
        self.progress.dead_letters.add(open.map_or(0, OpenBatch::dead_letters));
        self.progress.repeated.add(open.map_or(0, OpenBatch::repeated));
        self.progress.empty.add(open.map_or(0, OpenBatch::empty));
    }

    /// Adds a message to the open batch or to the dead letters, or skips it as empty or as a repetition.
    pub(super) fn take(
        &mut self,
        message: &BorrowedMessage<'_>,
        shutdown: &Shutdown,
    ) -> Result<(), KafkaError> {
        let (partition, offset) = (message.partition(), message.offset());
        let origin = Origin::of(message);
        let repeated = origin.is_some_and(|origin| self.is_repeated(partition, origin));
        let batch = match &mut self.open {
            Some(batch) => batch,
            none => none.insert(OpenBatch::create(&self.lock)?),
        };
        if repeated {
            batch.add_repeated(partition, offset);
            self.progress.repeated.add(1);
        } else {
            let payload = message.payload().filter(|payload| !payload.is_empty());
            match payload.map(|payload| parse(payload, &mut self.repaired, &self.dates)) {
                None => {
                    batch.add_empty(partition, offset);
                    self.progress.empty.add(1);
                }
                Some(Ok(line)) => {
                    batch.add(&line, partition, offset)?;
                    self.progress.lines_open.set(batch.rows());
                }
                Some(Err(reason)) => {
                    tracing::warn!(
                        "invalid message at offset {offset} of partition {partition}: {reason}"
                    );
                    batch.add_dead_letter(partition, offset);
                    self.progress.dead_letters.add(1);
                    // A message that is read again is there already.
                    let sent = self.sent_to_dlq.entry(partition).or_insert(-1);
                    if *sent < offset {
                        *sent = offset;
                        self.dead_letters.send_to_dlq(message, &reason, shutdown)?;
                    }
                }
            }
            if let Some(Origin { source, line }) = origin {
                batch.add_source(partition, source, line);
            }
        }
        if batch.rows() == 0 {
            self.unnoted_since.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    /// Whether the line, or a later one of its source, was taken from that partition before.
    fn is_repeated(&self, partition: i32, Origin { source, line }: Origin<'_>) -> bool {
        let open = self.open.as_ref().and_then(|batch| batch.last_line(partition, source));
        let last = open.or_else(|| {
            let stored = self.catalogue.topic(&self.provenance.topic)?.sources.get(source)?;
            stored.last_lines.get(&partition).copied()
        });
        last.is_some_and(|last| line <= last)
    }

    /// Whether the open batch has all lines that it may have.
    pub(super) fn is_full(&self) -> bool {
        self.open.as_ref().is_some_and(|batch| batch.rows() >= self.limits.size)
    }

    /// Whether the open batch is open as long as it may be.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let Some(batch) = &self.open else { return false };
        let passed = |since| now.duration_since(since) >= self.limits.interval;
        let since = batch.first_line_at().or(self.unnoted_since);
        since.is_some_and(passed)
    }

    /// Whether the open batch holds messages of one of `partitions`.
    pub(super) fn covers(&self, partitions: &[i32]) -> bool {
        let open = self.open.iter().flat_map(OpenBatch::covered);
        open.into_iter().any(|covered| partitions.contains(&covered.range.partition))
    }

    /// Stores the open batch, or notes what it covers when it has no lines. In a `hurry`, or when a shutdown is
    /// requested, neither is done when its dead letters are not acknowledged soon.
    pub(super) fn close(
        &mut self,
        why: ClosedBy,
        hurry: bool,
        shutdown: &Shutdown,
    ) -> Result<Closed, KafkaError> {
        if self.open.is_none() {
            return Ok(Closed::WithoutLines);
        }
        if !self.dead_letters.flush(hurry, shutdown)? {
            tracing::warn!(
                "the open batch is not stored, as the dead-letter topic does not answer"
            );
            return Ok(Closed::Open);
        }
        let Some(batch) = self.open.take_if(|batch| batch.rows() > 0) else {
            self.note()?;
            return Ok(Closed::WithoutLines);
        };
        self.unnoted_since = None;
        let closed = match self.catalogue.close(batch, &self.provenance, why) {
            Ok(manifest) => {
                self.progress.set_last_batch(&manifest);
                Closed::Stored(Box::new(manifest))
            }
            Err(error @ BatchError::Overtaken { .. }) => Closed::Overtaken(error),
            Err(error) => return Err(error.into()),
        };
        self.report();
        Ok(closed)
    }

    /// Notes what the open batch covers, which has no lines.
    fn note(&mut self) -> Result<(), KafkaError> {
        if let Some(batch) = self.open.as_ref().filter(|_| self.unnoted_since.is_some()) {
            self.catalogue.note_rowless(batch, &self.provenance)?;
            self.unnoted_since = None;
        }
        Ok(())
    }

    /// Finds out whether lines can be stored again after there was no room.
    ///
    /// # Errors
    /// [`BatchError::Io`], as long as there is none.
    pub(super) fn probe_room(&self) -> Result<(), BatchError> {
        self.lock.probe_room(REQUIRED_ROOM)
    }

    /// Forgets what is noted of partitions that another consumer reads now.
    pub(super) fn forget(&mut self, partitions: &[i32]) {
        if let Some(open) = &mut self.open {
            partitions.iter().for_each(|partition| open.forget(*partition));
        }
        self.report();
    }

    /// Gives the open batch up: its messages are still in the topic.
    pub(super) fn discard_open(&mut self) {
        if let Some(Err(error)) = self.open.take().map(OpenBatch::discard) {
            tracing::warn!("{error}");
        }
        self.unnoted_since = None;
        self.report();
    }
}
