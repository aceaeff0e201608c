//! Deletion: whole segments by size and age, records by request, everything with the topic.
//!
//! Names are unlinked and folders flushed without the log's lock: readers and producers go on.

use std::{fs, io, time::SystemTime};

use super::{
    partition::{Health, Log, Partition, START_FILE},
    read::ReadError,
    segment::Segment,
};

impl Partition {
    /// How many bytes the partition holds.
    pub(crate) fn size(&self) -> u64 {
        self.log().segments.iter().map(|segment| segment.size).sum()
    }

    /// Deletes the segments that retention expires. The age of a segment is that of its newest record,
    /// by its timestamp; when all are too old, the last one is closed and goes too.
    pub(crate) fn delete_old_segments(&self, now: SystemTime) -> io::Result<()> {
        let settings = self.settings();
        let _maintenance = self.maintenance();
        if !settings.delete || self.status().health != Health::Good {
            return Ok(());
        }
        let too_old = |segment: &Segment| {
            let age = now.duration_since(segment.newest()).unwrap_or_default();
            segment.size > 0 && settings.retention_age.is_some_and(|max| age > max)
        };
        let rolled = {
            let mut log = self.log();
            let all = log.is_flushed() && log.segments.iter().all(too_old);
            if all {
                self.roll(&mut log)?;
            }
            all
        };
        if rolled {
            // Without the name of the new segment the log would begin at 0 again after a crash.
            self.disk.sync_folder(&self.dir)?;
        }
        let expired = {
            let mut log = self.log();
            let mut left: u64 = log.segments.iter().map(|segment| segment.size).sum();
            let closed = &log.segments[..log.segments.len() - 1];
            let expired = closed.iter().take_while(|segment| {
                left -= segment.size;
                settings.retention_bytes.is_some_and(|min| left >= min) || too_old(segment)
            });
            let expired = expired.count();
            self.detach(&mut log, expired)
        };
        self.remove_files(&expired)
    }

    /// Deletes the records before `offset`, or before the high watermark if it is -1. Returns the
    /// first offset left. Records in the segment of `offset` are hidden, not yet deleted.
    pub(crate) fn delete_before(&self, offset: i64) -> Result<i64, ReadError> {
        let _maintenance = self.maintenance();
        let status = self.status();
        let offset = if offset == -1 { status.high_watermark } else { offset };
        if offset < 0 || offset > status.high_watermark {
            return Err(ReadError::OutOfRange);
        }
        if offset > status.log_start {
            self.disk.write(&self.dir.join(START_FILE), offset.to_string().as_bytes())?;
            self.advance_start(offset);
            let deleted = {
                let mut log = self.log();
                let closed = &log.segments[..log.segments.len() - 1];
                let count = closed.partition_point(|segment| segment.end <= offset);
                self.detach(&mut log, count)
            };
            self.remove_files(&deleted)?;
        }
        Ok(self.status().log_start)
    }

    /// Accepts nothing more and removes the partition's folder.
    pub(crate) fn delete(&self) -> io::Result<()> {
        self.close(Health::Deleted);
        // Compaction has ended after this.
        drop(self.compaction());
        let _maintenance = self.maintenance();
        // Whoever appends now has finished after this, and the next one is refused.
        drop(self.log());
        fs::remove_dir_all(&self.dir)
    }

    /// Takes the oldest `count` segments out of the log.
    fn detach(&self, log: &mut Log, count: usize) -> Vec<Segment> {
        let detached = log.segments.drain(..count).collect();
        let start = log.segments[0].base;
        log.producers.transactions.forget_before(start);
        self.advance_start(start);
        detached
    }

    fn remove_files(&self, segments: &[Segment]) -> io::Result<()> {
        if segments.is_empty() {
            return Ok(());
        }
        for Segment { path, .. } in segments {
            fs::remove_file(path)?;
            tracing::info!(path = %path.display(), "deleted a segment of the log");
        }
        self.disk.sync_folder(&self.dir)
    }
}
