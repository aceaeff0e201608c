//! A partition: its segments, and what is published of them.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tillstream_durable as durable;
use tokio::sync::watch;

use super::{
    compaction::Compaction, producer_state::ProducerStates, recovery, segment::Segment,
    timestamp::TimestampType,
};
use crate::{disk::Disk, error::BrokerError};

/// What a partition takes, and when its segments are closed, deleted and compacted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LogSettings {
    /// A segment that would grow beyond this is closed.
    pub(crate) segment_bytes: u64,
    /// A segment whose first and next batch lie further apart, by their timestamps, is closed.
    pub(crate) segment_age: Duration,
    /// Whether the next two apply.
    pub(crate) delete: bool,
    /// Closed segments go while as much is left without them.
    pub(crate) retention_bytes: Option<u64>,
    /// Segments go when all their records are older.
    pub(crate) retention_age: Option<Duration>,
    /// Whether only the newest record of each key is kept, and the next four apply.
    pub(crate) compact: bool,
    /// The log is compacted when this share of it was not yet.
    pub(crate) min_dirty_ratio: f64,
    /// Segments with younger records are not compacted.
    pub(crate) min_compaction_lag: Duration,
    /// The log is compacted when records older than this were not, whatever their share.
    pub(crate) max_compaction_lag: Option<Duration>,
    /// How long consumers may take to see that a record was deleted.
    pub(crate) tombstone_age: Duration,
    /// How many replicas must have a batch before it is acknowledged, where the client asks for all;
    /// there is one.
    pub(crate) min_insync_replicas: u64,
    /// A batch of more bytes is refused.
    pub(crate) max_batch_bytes: u64,
    /// Kafka's number of the compression that all batches are given; none if they keep the client's.
    pub(crate) compression: Option<i16>,
    /// Where timestamps come from.
    pub(crate) timestamp_type: TimestampType,
    /// Records with timestamps of clients that lie further back are refused.
    pub(crate) max_timestamp_before: Option<Duration>,
    /// The same for timestamps in the future.
    pub(crate) max_timestamp_after: Option<Duration>,
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
    /// The first offset of the oldest transaction that has not ended, or else the high watermark;
    /// consumers that read committed records only see none beyond.
    pub(crate) last_stable_offset: i64,
    /// Whether more can follow.
    pub(crate) health: Health,
}

/// Which records a consumer wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// All.
    ReadUncommitted,
    /// Those of no transaction and of committed ones.
    ReadCommitted,
}

impl LogStatus {
    /// The offset behind the last record that such a consumer may see.
    pub(crate) fn end(&self, isolation: Isolation) -> i64 {
        match isolation {
            Isolation::ReadUncommitted => self.high_watermark,
            Isolation::ReadCommitted => self.last_stable_offset,
        }
    }
}

/// One partition of a topic.
///
/// Asynchronous code uses [`Partition::status`], [`Partition::watch`], [`Partition::has_after`] and
/// [`Partition::wait_for`], which take none of the locks below; everything else blocks.
#[derive(Debug)]
pub(crate) struct Partition {
    name: String,
    pub(super) dir: PathBuf,
    settings: Mutex<LogSettings>,
    pub(super) disk: Disk,
    /// Held for appending and for looking up positions, never across an fsync or a deletion.
    log: Mutex<Log>,
    /// Held while records or the whole partition are deleted or replaced, across fsyncs.
    maintenance: Mutex<()>,
    /// Held while the log is compacted; before `maintenance`.
    compaction: Mutex<Compaction>,
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
    pub(super) unsynced_name: bool,
    pub(super) producers: ProducerStates,
    /// Whether a task flushes what is appended.
    pub(super) flushing: bool,
    /// Whether the last write failed.
    pub(super) refusing: bool,
}

impl Log {
    pub(super) fn active_segment(&self) -> &Segment {
        &self.segments[self.segments.len() - 1]
    }

    /// The offset that the next record gets.
    pub(super) fn end(&self) -> i64 {
        self.active_segment().end
    }

    /// Whether the active segment is on disk as a whole.
    pub(super) fn is_flushed(&self) -> bool {
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
        let (mut segments, mut producers) = recovery::recover(&dir, &disk)?;
        let start = read_offset(&dir.join(START_FILE))?;
        let compaction = Compaction::open(&dir)?;
        if segments.is_empty() {
            segments.push(Segment::empty(&dir, start));
        }
        let last = &segments[segments.len() - 1];
        let file = last.open_for_appending().map_err(BrokerError::io(&last.path))?;
        // What a killed process wrote but did not flush is on disk only after this.
        disk.sync_all(&file, &last.path).map_err(BrokerError::io(&last.path))?;
        disk.sync_folder(&dir).map_err(BrokerError::io(&dir))?;
        let log_start = start.clamp(segments[0].base, last.end);
        let stable = producers.transactions.last_stable_offset(last.end);
        producers.transactions.forget_before(log_start);
        let (status, _) = watch::channel(LogStatus {
            log_start,
            last_stable_offset: stable.max(log_start),
            high_watermark: last.end,
            health: Health::Good,
        });
        Ok(Self {
            name,
            dir,
            settings: Mutex::new(settings),
            disk,
            maintenance: Mutex::default(),
            compaction: Mutex::new(compaction),
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
                refusing: false,
            }),
        })
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn maintenance(&self) -> MutexGuard<'_, ()> {
        self.maintenance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn compaction(&self) -> MutexGuard<'_, Compaction> {
        self.compaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it takes, and when its segments are closed, deleted and compacted.
    pub(crate) fn settings(&self) -> LogSettings {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the settings, from now on.
    pub(crate) fn set_settings(&self, settings: LogSettings) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
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

    pub(super) fn set_log_end(&self, end: i64) {
        self.log_end.store(end, Ordering::SeqCst);
    }

    /// Publishes that everything before `end` is on disk.
    pub(super) fn advance_high_watermark(&self, log: &mut Log, end: i64) {
        self.status.send_if_modified(|status| {
            let moved = status.health == Health::Good && end > status.high_watermark;
            if moved {
                status.high_watermark = end;
                let stable = log.producers.transactions.last_stable_offset(end);
                status.last_stable_offset = stable.max(status.log_start);
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
                status.last_stable_offset = status.last_stable_offset.max(offset);
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

/// The offset in a file; 0 if there is no file.
pub(super) fn read_offset(path: &Path) -> Result<i64, BrokerError> {
    match fs::read_to_string(path) {
        Ok(text) => text.trim().parse().map_err(|_| BrokerError::CorruptFile {
            path: path.to_owned(),
            reason: "it holds no offset".to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(BrokerError::io(path)(error)),
    }
}
