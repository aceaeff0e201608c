//! Appending to a partition, and making what was appended durable.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tillstream_durable as durable;
use tokio::sync::watch;

use super::{
    batch::{BatchHeader, stored_prefix},
    producer_state::{ProducerStates, SequenceCheck, SequenceError},
    recovery,
    segment::{self, Segment},
};
use crate::{disk::Disk, error::BrokerError};

/// When segments are closed and deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// A segment that would grow beyond this is closed.
    pub(crate) segment_bytes: u64,
    /// Closed segments go while the log is larger.
    pub(crate) retention_bytes: Option<u64>,
    /// Closed segments go when untouched for longer.
    pub(crate) retention_age: Option<Duration>,
}

/// Whether a partition can still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It can.
    Good,
    /// The disk failed to keep what was written: nothing more is accepted until a restart, because
    /// after a failed flush the system may have dropped what it could not write.
    Failed,
    /// Its topic was deleted.
    Deleted,
}

/// What can be known of a partition without its log's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogStatus {
    /// The first offset that can be read.
    pub(crate) log_start: i64,
    /// The offset behind the last record that is on disk; consumers see no record beyond.
    pub(crate) high_watermark: i64,
    /// Whether more can follow.
    pub(crate) health: Health,
}

/// Where an accepted batch lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    /// Offset of its first record.
    pub(crate) base: i64,
    /// Offset behind its last record.
    pub(crate) end: i64,
    /// The first offset of the log.
    pub(crate) log_start: i64,
}

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// It does not continue what its producer sent.
    #[error("the batch does not continue its producer's sequence")]
    Sequence(SequenceError),
    /// It cannot be written.
    #[error("the batch cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The partition takes nothing any more.
    #[error("the partition is closed")]
    Closed(Health),
}

/// One partition of a topic.
///
/// Asynchronous code uses [`Partition::status`], [`Partition::watch`], [`Partition::has_after`] and
/// [`Partition::wait_for`], which take none of the locks below; everything else blocks.
#[derive(Debug)]
pub(crate) struct Partition {
    name: String,
    pub(super) dir: PathBuf,
    pub(super) settings: LogSettings,
    pub(super) disk: Disk,
    /// Held for appending and for looking up positions, never across an fsync or a deletion.
    log: Mutex<Log>,
    /// Held while records or the whole partition are deleted, across fsyncs.
    maintenance: Mutex<()>,
    /// See [`Partition::log_end`].
    log_end: AtomicI64,
    status: watch::Sender<LogStatus>,
}

#[derive(Debug)]
pub(super) struct Log {
    /// Oldest first, never empty; the last one is written to.
    pub(super) segments: Vec<Segment>,
    /// The file of the last segment.
    pub(super) active: Arc<File>,
    /// How many bytes of the active segment are on disk; the other segments are as a whole.
    pub(super) durable_size: u64,
    /// Where the last read ended, so that the next one need not look for it.
    pub(super) hint: Option<(i64, u64)>,
    /// Whether the active segment's name may not be on disk yet.
    unsynced_name: bool,
    producers: ProducerStates,
    flushing: bool,
}

impl Log {
    pub(super) fn active_segment(&self) -> &Segment {
        &self.segments[self.segments.len() - 1]
    }

    /// The offset that the next record gets.
    fn end(&self) -> i64 {
        self.active_segment().end
    }

    fn is_flushed(&self) -> bool {
        self.durable_size == self.active_segment().size
    }
}

/// The file that holds the first offset once records were deleted before the end of a segment.
pub(super) const START_FILE: &str = "start-offset";

impl Partition {
    /// Opens a partition in `dir`, recovering what it holds; `name` is its topic and number.
    pub(crate) fn open(
        dir: PathBuf,
        name: String,
        settings: LogSettings,
        disk: Disk,
    ) -> Result<Self, BrokerError> {
        durable::remove_temporaries(&dir).map_err(BrokerError::io(&dir))?;
        let (mut segments, producers) = recovery::recover(&dir, &disk)?;
        let start = read_start(&dir)?;
        if segments.is_empty() {
            segments.push(Segment::empty(&dir, start));
        }
        let last = &segments[segments.len() - 1];
        let file = last.open_for_appending().map_err(BrokerError::io(&last.path))?;
        // What a killed process wrote but did not flush is on disk only after this.
        disk.sync_all(&file, &last.path).map_err(BrokerError::io(&last.path))?;
        disk.sync_folder(&dir).map_err(BrokerError::io(&dir))?;
        let (status, _) = watch::channel(LogStatus {
            log_start: start.clamp(segments[0].base, last.end),
            high_watermark: last.end,
            health: Health::Good,
        });
        Ok(Self {
            name,
            dir,
            settings,
            disk,
            maintenance: Mutex::default(),
            log_end: AtomicI64::new(last.end),
            status,
            log: Mutex::new(Log {
                durable_size: last.size,
                active: Arc::new(file),
                hint: None,
                unsynced_name: false,
                segments,
                producers,
                flushing: false,
            }),
        })
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn maintenance(&self) -> MutexGuard<'_, ()> {
        self.maintenance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its topic and number, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its offsets and health, and a wake-up when they change.
    pub(crate) fn watch(&self) -> watch::Receiver<LogStatus> {
        self.status.subscribe()
    }

    /// Its offsets and health now.
    pub(crate) fn status(&self) -> LogStatus {
        *self.status.borrow()
    }

    /// The offset that the next record gets; at or beyond the high watermark.
    pub(super) fn log_end(&self) -> i64 {
        self.log_end.load(Ordering::SeqCst)
    }

    /// Appends a checked batch and starts to flush it. It is on disk when the high watermark has
    /// reached `end`.
    pub(crate) fn append(
        self: &Arc<Self>,
        header: &BatchHeader,
        batch: &[u8],
    ) -> Result<Appended, AppendError> {
        let mut log = self.log();
        loop {
            let LogStatus { health, log_start, .. } = self.status();
            if health != Health::Good {
                return Err(AppendError::Closed(health));
            }
            if let SequenceCheck::Duplicate { base, end } =
                log.producers.check_sequence(header).map_err(AppendError::Sequence)?
            {
                return Ok(Appended { base, end, log_start });
            }
            let size = log.active_segment().size;
            if size == 0 || size + header.size as u64 <= self.settings.segment_bytes {
                break;
            }
            if log.is_flushed() {
                self.roll(&mut log)?;
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
            return Err(error.into());
        }
        let last = log.segments.len() - 1;
        let segment = &mut log.segments[last];
        segment.add_batch(header);
        segment.last_append = SystemTime::now();
        log.producers.update(header, base);
        let end = log.end();
        self.log_end.store(end, Ordering::SeqCst);
        if !log.flushing {
            log.flushing = true;
            let partition = Arc::clone(self);
            tokio::task::spawn_blocking(move || partition.flush_appended());
        }
        Ok(Appended { base, end, log_start: self.status().log_start })
    }

    /// Starts the next segment; the active one must be on disk as a whole, so that after a crash
    /// only the last segment can end in half a batch.
    fn roll(&self, log: &mut Log) -> io::Result<()> {
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
                self.advance(end);
            }
            // The folder of a deleted partition is gone, and nobody waits for its flush.
            Err(_) if self.status().health == Health::Deleted => {}
            Err(error) => {
                tracing::error!(
                    partition = self.name,
                    "cannot flush the log ({error}): restart the broker when the disk is well"
                );
                self.close(Health::Failed);
            }
        }
        log
    }

    /// Publishes that everything before `end` is on disk.
    fn advance(&self, end: i64) {
        self.status.send_if_modified(|status| {
            let moved = status.health == Health::Good && end > status.high_watermark;
            if moved {
                status.high_watermark = end;
            }
            moved
        });
    }

    /// Publishes that the log begins at `offset`.
    pub(super) fn advance_start(&self, offset: i64) {
        self.status.send_if_modified(|status| {
            let moved = offset > status.log_start;
            if moved {
                status.log_start = offset;
            }
            moved
        });
    }

    /// Accepts nothing more, and wakes everyone who waits. A deleted partition stays deleted.
    pub(crate) fn close(&self, health: Health) {
        self.status.send_if_modified(|status| {
            let changes = status.health != Health::Deleted;
            if changes {
                status.health = health;
            }
            changes
        });
    }

    /// Waits until everything appended so far is on disk.
    pub(crate) async fn flushed(&self) -> Result<(), BrokerError> {
        if self.wait_for(self.log_end()).await == Health::Failed {
            return Err(BrokerError::Unflushed(self.name.clone()));
        }
        Ok(())
    }

    /// Waits until everything before `end` is on disk, or never will be.
    pub(crate) async fn wait_for(&self, end: i64) -> Health {
        let mut watch = self.watch();
        let reached =
            |status: &LogStatus| status.high_watermark >= end || status.health != Health::Good;
        match watch.wait_for(reached).await {
            Ok(status) if status.high_watermark >= end => Health::Good,
            Ok(status) => status.health,
            // The sender lives in `self`.
            Err(_) => Health::Deleted,
        }
    }
}

fn read_start(dir: &Path) -> Result<i64, BrokerError> {
    let path = dir.join(START_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(|_| BrokerError::CorruptFile {
            path,
            reason: "it holds no offset".to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(BrokerError::io(&path)(error)),
    }
}
