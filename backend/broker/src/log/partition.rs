//! Appending to a partition, and making what was appended durable.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tillstream_durable as durable;
use tokio::sync::watch;

use super::{
    batch::{BatchHeader, stored_prefix},
    recovery,
    segment::{self, Segment},
    sequences::{SequenceFault, Sequences, Verdict},
};
use crate::error::BrokerError;

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

/// How far a partition is on disk; consumers see no record beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Durable {
    /// The offset behind the last record that is on disk: the high watermark.
    pub(crate) end: i64,
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
    Sequence(SequenceFault),
    /// It cannot be written.
    #[error("the batch cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The partition takes nothing any more.
    #[error("the partition is closed")]
    Closed(Health),
}

/// One partition of a topic.
#[derive(Debug)]
pub(crate) struct Partition {
    name: String,
    pub(super) dir: PathBuf,
    pub(super) settings: LogSettings,
    log: Mutex<Log>,
    durable: watch::Sender<Durable>,
}

#[derive(Debug)]
pub(super) struct Log {
    /// Oldest first, never empty; the last one is written to.
    pub(super) segments: Vec<Segment>,
    /// The file of the last segment.
    pub(super) active: Arc<File>,
    /// The first offset that can be read.
    pub(super) start: i64,
    /// How many bytes of the active segment are on disk; the other segments are as a whole.
    pub(super) durable_size: u64,
    /// Where the last read ended, so that the next one need not look for it.
    pub(super) hint: Option<(i64, u64)>,
    sequences: Sequences,
    flushing: bool,
}

impl Log {
    pub(super) fn active_segment(&self) -> &Segment {
        &self.segments[self.segments.len() - 1]
    }

    /// The offset that the next record gets.
    pub(super) fn end(&self) -> i64 {
        self.active_segment().end
    }
}

/// The file that holds the first offset once records were deleted before the end of a segment.
pub(super) const START_FILE: &str = "start-offset";

impl Partition {
    /// Opens the partition `index` of `topic` in `dir`, finding again what it holds.
    pub(crate) fn open(
        dir: PathBuf,
        name: String,
        settings: LogSettings,
    ) -> Result<Self, BrokerError> {
        durable::remove_temporaries(&dir).map_err(BrokerError::io(&dir))?;
        let (mut segments, sequences) = recovery::recover(&dir)?;
        let start = read_start(&dir)?;
        if segments.is_empty() {
            segments.push(Segment::empty(&dir, start));
        }
        let last = &segments[segments.len() - 1];
        let file = last.open_for_appending().map_err(BrokerError::io(&last.path))?;
        // What a killed process wrote but did not flush is on disk only after this.
        file.sync_all().map_err(BrokerError::io(&last.path))?;
        durable::sync_folder(&dir).map_err(BrokerError::io(&dir))?;
        let log = Log {
            start: start.clamp(segments[0].base, last.end),
            durable_size: last.size,
            active: Arc::new(file),
            hint: None,
            segments,
            sequences,
            flushing: false,
        };
        let (durable, _) = watch::channel(Durable { end: log.end(), health: Health::Good });
        Ok(Self { name, dir, settings, log: Mutex::new(log), durable })
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its topic and number, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How far it is on disk, and a wake-up when that changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Durable> {
        self.durable.subscribe()
    }

    /// How far it is on disk.
    pub(crate) fn durable(&self) -> Durable {
        *self.durable.borrow()
    }

    /// The first offset that can be read.
    pub(crate) fn start(&self) -> i64 {
        self.log().start
    }

    /// Appends a checked batch and begins to flush it. It is on disk when the durable end has
    /// reached `end`.
    pub(crate) fn append(
        self: &Arc<Self>,
        header: &BatchHeader,
        batch: &[u8],
    ) -> Result<Appended, AppendError> {
        let mut log = self.log();
        let health = self.durable().health;
        if health != Health::Good {
            return Err(AppendError::Closed(health));
        }
        let log_start = log.start;
        if let Verdict::Duplicate { base, end } =
            log.sequences.judge(header).map_err(AppendError::Sequence)?
        {
            return Ok(Appended { base, end, log_start });
        }
        let full = log.active_segment().size + header.size as u64 > self.settings.segment_bytes;
        if full && log.active_segment().size > 0 {
            self.roll(&mut log)?;
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
        segment.note(header);
        segment.touched = SystemTime::now();
        log.sequences.remember(header, base);
        let end = log.end();
        if !log.flushing {
            log.flushing = true;
            let partition = Arc::clone(self);
            tokio::task::spawn_blocking(move || partition.flush_appended());
        }
        Ok(Appended { base, end, log_start })
    }

    /// Closes the active segment, all of it on disk, and begins the next one.
    fn roll(&self, log: &mut Log) -> io::Result<()> {
        log.active.sync_all().inspect_err(|_| self.close(Health::Failed))?;
        let next = Segment::empty(&self.dir, log.end());
        let file = next.open_for_appending()?;
        durable::sync_folder(&self.dir)?;
        log.active = Arc::new(file);
        log.segments.push(next);
        log.durable_size = 0;
        log.hint = None;
        self.advance(log.end());
        Ok(())
    }

    /// Flushes until nothing is left that was appended meanwhile: one flush serves all appends that
    /// came while the previous one ran.
    fn flush_appended(&self) {
        loop {
            let (file, base, size, end) = {
                let mut log = self.log();
                let segment = log.active_segment();
                let (base, size, end) = (segment.base, segment.size, segment.end);
                let durable = self.durable();
                if durable.health != Health::Good || durable.end >= end {
                    log.flushing = false;
                    return;
                }
                (Arc::clone(&log.active), base, size, end)
            };
            match file.sync_data() {
                Ok(()) => {
                    let mut log = self.log();
                    if log.active_segment().base == base {
                        log.durable_size = log.durable_size.max(size);
                    }
                    self.advance(end);
                }
                Err(error) => {
                    tracing::error!(
                        partition = self.name,
                        "cannot flush the log ({error}): restart the broker when the disk is well"
                    );
                    self.close(Health::Failed);
                }
            }
        }
    }

    /// Makes known that everything before `end` is on disk.
    fn advance(&self, end: i64) {
        self.durable.send_if_modified(|durable| {
            let moved = durable.health == Health::Good && end > durable.end;
            if moved {
                durable.end = end;
            }
            moved
        });
    }

    /// Takes nothing more, and wakes everyone who waits.
    pub(crate) fn close(&self, health: Health) {
        self.durable.send_modify(|durable| durable.health = health);
    }

    /// Waits until everything appended so far is on disk.
    pub(crate) async fn flushed(&self) -> Result<(), BrokerError> {
        let end = self.log().end();
        if self.wait_for(end).await == Health::Failed {
            return Err(BrokerError::Unflushed(self.name.clone()));
        }
        Ok(())
    }

    /// Waits until everything before `end` is on disk, or never will be.
    pub(crate) async fn wait_for(&self, end: i64) -> Health {
        let mut watch = self.watch();
        let reached = |durable: &Durable| durable.end >= end || durable.health != Health::Good;
        match watch.wait_for(reached).await {
            Ok(durable) if durable.end >= end => Health::Good,
            Ok(durable) => durable.health,
            // The sender lives in `self`.
            Err(_) => Health::Deleted,
        }
    }
}

fn read_start(dir: &Path) -> Result<i64, BrokerError> {
    let path = dir.join(START_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => text
            .trim()
            .parse()
            .map_err(|_| BrokerError::BrokenFile { path, reason: "it holds no offset".to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(BrokerError::io(&path)(error)),
    }
}
