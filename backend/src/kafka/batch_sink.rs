//! From messages to stored batches: the consumer's part that knows nothing of fetching.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{Message, message::BorrowedMessage};
use tillstream_durable as durable;
use tillstream_shared::{ClosedBy, Manifest};

use super::{KafkaError, Offsets, dead_letter_producer::DeadLetterProducer, origin::Origin, parse};
use crate::{
    batch::{BatchError, Catalogue, OpenBatch, Provenance},
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

/// What is to be done with the open batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// It is to be stored.
    Close(ClosedBy),
    /// It has no lines: what it covers is to be noted.
    Note,
}

/// The open batch and what surrounds it.
pub(super) struct BatchSink {
    limits: BatchLimits,
    catalogue: Catalogue,
    provenance: Provenance,
    open: Option<OpenBatch>,
    /// When the open batch, without lines, first covered a message that is not noted.
    unnoted_since: Option<Instant>,
    dead_letters: DeadLetterProducer,
    /// The last offset of each partition that was handed to it.
    sent_to_dlq: Offsets,
    repaired: Vec<u8>,
    progress: Arc<Progress>,
}

impl BatchSink {
    /// Goes on with `open`.
    pub(super) fn new(
        limits: BatchLimits,
        catalogue: Catalogue,
        provenance: Provenance,
        open: OpenBatch,
        dead_letters: DeadLetterProducer,
        progress: Arc<Progress>,
    ) -> Self {
        let mut sink = Self {
            limits,
            catalogue,
            provenance,
            open: None,
            unnoted_since: None,
            dead_letters,
            sent_to_dlq: Offsets::new(),
            repaired: Vec::new(),
            progress,
        };
        sink.go_on_with(open);
        sink
    }

    fn go_on_with(&mut self, open: OpenBatch) {
        self.catalogue.summary().report(&self.progress);
        self.progress.dead_letters.add(open.dead_letters());
        self.progress.repeated.add(open.repeated());
        self.progress.empty.add(open.empty());
        self.progress.lines_open.set(0);
        self.unnoted_since = None;
        self.open = Some(open);
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
            none => none.insert(self.catalogue.begin(&self.provenance)?),
        };
        if repeated {
            batch.add_repeated(partition, offset);
            self.progress.repeated.add(1);
        } else {
            let payload = message.payload().filter(|payload| !payload.is_empty());
            match payload.map(|payload| parse(payload, &mut self.repaired)) {
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

    /// What is to be done with the open batch by now.
    pub(super) fn run_timers(&self, now: Instant) -> Option<Due> {
        let batch = self.open.as_ref()?;
        let passed = |since| now.duration_since(since) >= self.limits.interval;
        if batch.rows() >= self.limits.size {
            return Some(Due::Close(ClosedBy::Size));
        }
        match batch.first_line_at() {
            Some(first) => passed(first).then_some(Due::Close(ClosedBy::Time)),
            None => self.unnoted_since.is_some_and(passed).then_some(Due::Note),
        }
    }

    /// Stores the open batch, or notes what it covers when it has no lines. Neither is done when a shutdown
    /// is requested and its dead letters are not acknowledged: its messages are then read again.
    pub(super) fn close(
        &mut self,
        why: ClosedBy,
        shutdown: &Shutdown,
    ) -> Result<Option<Manifest>, KafkaError> {
        if self.open.as_ref().is_none_or(|batch| batch.rows() == 0) {
            self.note(shutdown)?;
            return Ok(None);
        }
        if !self.dead_letters.flush(shutdown)? {
            self.warn_of_dead_letters();
            return Ok(None);
        }
        let Some(batch) = self.open.take() else { return Ok(None) };
        let manifest = self.catalogue.close(batch, &self.provenance, why)?;
        self.unnoted_since = None;
        self.progress.lines_open.set(0);
        self.catalogue.summary().report(&self.progress);
        self.progress.set_last_batch(&manifest);
        Ok(Some(manifest))
    }

    /// Notes what the open batch covers, which has no lines.
    pub(super) fn note(&mut self, shutdown: &Shutdown) -> Result<(), KafkaError> {
        let Some(batch) = self.open.as_ref().filter(|_| self.unnoted_since.is_some()) else {
            return Ok(());
        };
        if !self.dead_letters.flush(shutdown)? {
            self.warn_of_dead_letters();
            return Ok(());
        }
        self.catalogue.note_rowless(batch, &self.provenance)?;
        self.unnoted_since = None;
        Ok(())
    }

    /// Gives up the open batch: its messages are to be read again.
    pub(super) fn give_up_open(&mut self) {
        self.discard_open();
        self.progress.lines_open.set(0);
        self.catalogue.summary().report(&self.progress);
    }

    /// Begins again with the batches that are stored, and what is noted of the next one. Gives the first offsets
    /// that they do not cover.
    ///
    /// # Errors
    /// [`KafkaError::Batch`], as long as there is no room.
    pub(super) fn begin_again(&mut self) -> Result<Offsets, KafkaError> {
        let folder = self.catalogue.folder();
        durable::probe_room(folder, REQUIRED_ROOM)
            .map_err(|source| BatchError::Io { path: folder.to_owned(), source })?;
        // A manifest can be there although storing it was an error.
        self.catalogue.refresh()?;
        let open = self.catalogue.begin(&self.provenance)?;
        let stored = self.catalogue.topic(&self.provenance.topic);
        let mut next = stored.map_or_else(Offsets::new, |topic| topic.next_offsets.clone());
        next.extend(open.next_offsets());
        self.go_on_with(open);
        Ok(next)
    }

    /// Leaves no file of an open batch behind.
    pub(super) fn discard_open(&mut self) {
        if let Some(Err(error)) = self.open.take().map(OpenBatch::discard) {
            tracing::warn!("{error}");
        }
    }

    fn warn_of_dead_letters(&self) {
        tracing::warn!(
            "the open batch is not stored, as the dead-letter topic does not answer: its messages are read again"
        );
    }
}
