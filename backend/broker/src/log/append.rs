//! Appending to a partition, and making what was appended durable.

use std::{
    io,
    sync::{Arc, MutexGuard},
    time::SystemTime,
};

use super::{
    batch::{BatchHeader, set_append_time, stored_prefix},
    control::Marker,
    partition::{Health, Log, LogSettings, LogStatus, Partition},
    producer_state::{ActiveProducer, SequenceCheck, SequenceError},
    segment::{self, Segment},
    timestamp::TimestampType,
    transactions::TransactionCheckError,
    validate::{RefusedBatch, check_size, millis, validate},
};

/// Where an accepted batch lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    /// Offset of its first record.
    pub(crate) base: i64,
    /// Offset behind its last record.
    pub(crate) end: i64,
    /// The first offset of the log.
    pub(crate) log_start: i64,
    /// The timestamp that its records were given, milliseconds since 1970; none if they keep those of
    /// the client.
    pub(crate) append_time: Option<i64>,
}

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// The settings of the topic do not allow it.
    #[error(transparent)]
    Refused(#[from] RefusedBatch),
    /// It does not continue what its producer sent.
    #[error("the batch does not continue its producer's sequence")]
    Sequence(SequenceError),
    /// It does not fit the transactions of the partition.
    #[error("the batch does not fit the transactions of the partition")]
    Transaction(TransactionCheckError),
    /// It cannot be written.
    #[error("the batch cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The partition takes nothing any more.
    #[error("the partition is closed")]
    Closed(Health),
}

impl Partition {
    /// Appends a checked batch and starts to flush it. It is on disk when the high watermark has
    /// reached `end`.
    pub(crate) fn append(
        self: &Arc<Self>,
        header: &BatchHeader,
        batch: &[u8],
    ) -> Result<Appended, AppendError> {
        let (settings, now) = (self.settings(), millis(SystemTime::now()));
        let records = validate(&settings, header, batch, now)?;
        let compression = settings.compression.filter(|kind| *kind != header.compression());
        let append_time = (settings.timestamp_type == TimestampType::LogAppend).then_some(now);
        if compression.is_none() && append_time.is_none() {
            return self.append_in_sequence(&settings, header, batch);
        }
        let mut batch = match (compression, records) {
            (Some(kind), Some(records)) => header.recompress(kind, &records)?,
            _ => batch.to_vec(),
        };
        if let Some(now) = append_time {
            set_append_time(&mut batch, now);
        }
        let header = BatchHeader::parse(&batch).map_err(segment::invalid)?;
        check_size(&settings, &header)?;
        let appended = self.append_in_sequence(&settings, &header, &batch)?;
        Ok(Appended { append_time, ..appended })
    }

    fn append_in_sequence(
        self: &Arc<Self>,
        settings: &LogSettings,
        header: &BatchHeader,
        batch: &[u8],
    ) -> Result<Appended, AppendError> {
        self.append_unless(settings, header, None, batch, |log| {
            match log.producers.check_sequence(header).map_err(AppendError::Sequence)? {
                SequenceCheck::Duplicate { base, end } => return Ok(Some((base, end))),
                SequenceCheck::InSequence => {}
            }
            let fits = log.producers.transactions.check(header);
            fits.map(|()| None).map_err(AppendError::Transaction)
        })
    }

    /// The producers that are known to have appended; blocks.
    pub(crate) fn active_producers(&self) -> Vec<ActiveProducer> {
        self.log().producers.active()
    }

    /// Lets a producer append transactional batches until [`Self::end_transaction`].
    pub(crate) fn enlist(&self, producer_id: i64, epoch: i16) {
        self.log().producers.transactions.enlist(producer_id, epoch);
    }

    /// Whether [`Self::enlist`] was called for that transaction.
    pub(crate) fn is_enlisted(&self, producer_id: i64, epoch: i16) -> bool {
        self.log().producers.transactions.is_enlisted(producer_id, epoch)
    }

    /// Producers, with their epochs, that have records in a transaction that has not ended.
    pub(crate) fn open_transactions(&self) -> Vec<(i64, i16)> {
        self.log().producers.transactions.open()
    }

    /// Ends the transaction of a producer, from now on at `epoch`, and starts to flush that. It is on
    /// disk when the high watermark has reached `end`. Has a transaction ended already, nothing is
    /// appended.
    pub(crate) fn end_transaction(
        self: &Arc<Self>,
        producer_id: i64,
        epoch: i16,
        marker: Marker,
    ) -> Result<Appended, AppendError> {
        let batch = marker.to_batch(producer_id, epoch, millis(SystemTime::now()));
        let header = BatchHeader::parse(&batch).map_err(segment::invalid)?;
        self.append_unless(&self.settings(), &header, Some(marker), &batch, |log| {
            let ongoing = log.producers.transactions.is_ongoing(producer_id);
            Ok((!ongoing).then(|| (log.end(), log.end())))
        })
    }

    /// Appends a batch unless `there_already` finds the offsets where that was done before.
    fn append_unless(
        self: &Arc<Self>,
        settings: &LogSettings,
        header: &BatchHeader,
        marker: Option<Marker>,
        batch: &[u8],
        there_already: impl Fn(&Log) -> Result<Option<(i64, i64)>, AppendError>,
    ) -> Result<Appended, AppendError> {
        let mut log = self.log();
        loop {
            let LogStatus { health, log_start, .. } = self.status();
            if health != Health::Good {
                return Err(AppendError::Closed(health));
            }
            if let Some((base, end)) = there_already(&log)? {
                return Ok(Appended { base, end, log_start, append_time: None });
            }
            if !log.active_segment().is_full_for(header, settings) {
                break;
            }
            if log.is_flushed() {
                self.roll(&mut log).inspect_err(|error| self.refuse(&mut log, error))?;
                break;
            }
            // Whatever others do while the lock is released, it is all checked again.
            log = self.flush(log);
        }
        let base = log.end();
        let prefix = stored_prefix(base, header);
        if let Err(error) = segment::append(&log.active, &prefix, &batch[prefix.len()..]) {
            // Half a batch must not stay: the next one would follow it.
            if log.active.set_len(log.active_segment().size).is_err() {
                self.close(Health::Failed);
            }
            self.refuse(&mut log, &error);
            return Err(error.into());
        }
        if std::mem::take(&mut log.refusing) {
            tracing::info!(partition = self.name(), "the disk takes messages again");
        }
        let last = log.segments.len() - 1;
        let segment = &mut log.segments[last];
        segment.add_batch(header, base);
        segment.last_append = SystemTime::now();
        log.producers.update(header, marker, base);
        let end = log.end();
        self.set_log_end(end);
        if !log.flushing {
            log.flushing = true;
            let partition = Arc::clone(self);
            tokio::task::spawn_blocking(move || partition.flush_appended());
        }
        Ok(Appended { base, end, log_start: self.status().log_start, append_time: None })
    }

    /// Logs the first of the failed writes: producers try again every second while the disk is full.
    fn refuse(&self, log: &mut Log, error: &io::Error) {
        if !std::mem::replace(&mut log.refusing, true) {
            tracing::error!(
                partition = self.name(),
                "cannot write to the log ({error}): nothing is acknowledged until the disk takes it"
            );
        }
    }

    /// Starts the next segment; the active one must be on disk as a whole, so that after a crash
    /// only the last segment can end in half a batch.
    pub(super) fn roll(&self, log: &mut Log) -> io::Result<()> {
        let next = Segment::empty(&self.dir, log.end());
        log.active = Arc::new(next.open_for_appending()?);
        log.segments.push(next);
        log.durable_size = 0;
        log.hint = None;
        log.unsynced_name = true;
        Ok(())
    }

    /// Flushes until nothing is left that was appended meanwhile: one flush serves all appends that
    /// came while the previous one ran.
    fn flush_appended(&self) {
        let mut log = self.log();
        while self.status().health == Health::Good && !log.is_flushed() {
            log = self.flush(log);
        }
        log.flushing = false;
    }

    /// Flushes what the active segment holds now. The lock is released while the disk works.
    fn flush<'a>(&'a self, log: MutexGuard<'a, Log>) -> MutexGuard<'a, Log> {
        let Segment { base, size, end, ref path, .. } = *log.active_segment();
        let (path, file, unsynced_name) =
            (path.clone(), Arc::clone(&log.active), log.unsynced_name);
        drop(log);
        let mut flushed = self.disk.sync_data(&file, &path);
        if unsynced_name && flushed.is_ok() {
            flushed = self.disk.sync_folder(&self.dir);
        }
        let mut log = self.log();
        match flushed {
            Ok(()) => {
                if log.active_segment().base == base {
                    log.durable_size = log.durable_size.max(size);
                    log.unsynced_name = false;
                }
                self.advance_high_watermark(&mut log, end);
            }
            // The folder of a deleted partition is gone, and nobody waits for its flush.
            Err(_) if self.status().health == Health::Deleted => {}
            Err(error) => {
                tracing::error!(
                    partition = self.name(),
                    "cannot flush the log ({error}): restart the broker when the disk is well"
                );
                self.close(Health::Failed);
            }
        }
        log
    }
}
