//! Forgetting: whole segments by size and age, records by request, everything with the topic.

use std::{fs, io, time::SystemTime};

use tillstream_durable as durable;

use super::{
    partition::{Health, Log, Partition, START_FILE},
    read::ReadError,
    segment::Segment,
};

impl Partition {
    /// Deletes the closed segments that the settings no longer want kept. The age of a segment
    /// counts from its last append, not from its records' timestamps, which clients choose.
    pub(crate) fn retain(&self, now: SystemTime) -> io::Result<()> {
        let mut log = self.log();
        let mut total: u64 = log.segments.iter().map(|segment| segment.size).sum();
        let mut expired = 0;
        for segment in &log.segments[..log.segments.len() - 1] {
            let too_large = self.settings.retention_bytes.is_some_and(|most| total > most);
            let age = now.duration_since(segment.touched).unwrap_or_default();
            let too_old = self.settings.retention_age.is_some_and(|most| age > most);
            if !too_large && !too_old {
                break;
            }
            total -= segment.size;
            expired += 1;
        }
        self.drop_segments(&mut log, expired)
    }

    /// Deletes the records before `offset`, or before the durable end if it is -1. Returns the
    /// first offset left. Records in the segment of `offset` are hidden, not yet deleted.
    pub(crate) fn delete_before(&self, offset: i64) -> Result<i64, ReadError> {
        let mut log = self.log();
        let end = self.durable().end;
        let offset = if offset == -1 { end } else { offset };
        if offset < 0 || offset > end {
            return Err(ReadError::OutOfRange);
        }
        if offset > log.start {
            durable::write(&self.dir.join(START_FILE), offset.to_string().as_bytes())?;
            log.start = offset;
            let closed = &log.segments[..log.segments.len() - 1];
            let gone = closed.partition_point(|segment| segment.end <= offset);
            self.drop_segments(&mut log, gone)?;
        }
        Ok(log.start)
    }

    /// Takes nothing more and removes the partition's folder.
    pub(crate) fn delete(&self) -> io::Result<()> {
        self.close(Health::Deleted);
        let _log = self.log();
        fs::remove_dir_all(&self.dir)
    }

    fn drop_segments(&self, log: &mut Log, count: usize) -> io::Result<()> {
        if count == 0 {
            return Ok(());
        }
        let gone: Vec<Segment> = log.segments.drain(..count).collect();
        log.start = log.start.max(log.segments[0].base);
        for segment in gone {
            tracing::info!(path = %segment.path.display(), "deleted a segment of the log");
            fs::remove_file(&segment.path)?;
        }
        durable::sync_folder(&self.dir)
    }
}
