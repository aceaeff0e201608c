//! Compaction: of the records of each key only the newest is kept, as Apache Kafka's log cleaner does it.
//!
//! Closed segments alone are compacted, from the beginning of the log on. Those behind the first offset
//! that was not compacted yet are dirty: their keys go into an [`OffsetMap`], and then all segments are
//! written anew without the records that have a newer one there. Offsets never change. A tombstone (a
//! record without a value) stays for `delete.retention.ms`, which counts from the first compaction that
//! saw it, so that consumers learn of the deletion; markers of transactions without records stay as
//! long. Records of aborted transactions go at once.

#[cfg(any(test, fuzzing))]
pub(crate) mod model;
mod offset_map;
mod rewrite;
pub(super) mod swap;
#[cfg(test)]
mod tests;
mod transactions;

use std::{
    collections::HashMap,
    fs::File,
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use self::{
    offset_map::OffsetMap,
    rewrite::{Rewriter, RewrittenBatch},
    swap::Compacted,
    transactions::TransactionFilter,
};
use super::{
    batch::BatchHeader,
    codec,
    control::Marker,
    partition::{Health, Log, LogSettings, Partition, read_offset},
    records::Records,
    segment::{self, Segment},
    transactions::AbortedTransaction,
    validate::{millis, to_millis},
    window::Window,
};
use crate::error::BrokerError;

/// The file that holds the offset before which the log was compacted.
const FILE: &str = "compacted-offset";
/// How many keys are remembered at once: 26 MB. A log with more is compacted in several runs.
pub(crate) const MAX_KEYS: usize = 900_000;

/// How far a partition was compacted.
#[derive(Debug)]
pub(super) struct Compaction {
    /// The first offset that was not compacted yet.
    clean_end: i64,
}

impl Compaction {
    pub(super) fn open(dir: &Path) -> Result<Self, BrokerError> {
        Ok(Self { clean_end: read_offset(&dir.join(FILE))? })
    }
}

/// A closed segment, as it was when the compaction was planned.
#[derive(Debug)]
struct Source {
    id: u64,
    base: i64,
    end: i64,
    size: u64,
    path: PathBuf,
    last_append: SystemTime,
}

/// What is to be compacted.
#[derive(Debug)]
struct Plan {
    /// From the beginning of the log on.
    sources: Vec<Source>,
    /// The first offset that was not compacted yet.
    dirty_start: i64,
    aborted: Vec<AbortedTransaction>,
}

impl Partition {
    /// Compacts the log if its settings ask for it and enough of it is dirty, remembering some
    /// `max_keys` keys at once; tells whether it did, and so may have to go on.
    pub(crate) fn compact(&self, now: SystemTime, max_keys: usize) -> io::Result<bool> {
        let settings = self.settings();
        if !settings.compact {
            return Ok(false);
        }
        let mut compaction = self.compaction();
        if !self.is_open() {
            return Ok(false);
        }
        let plan = self.plan(&self.log(), &settings, compaction.clean_end, millis(now));
        let Some(plan) = plan else { return Ok(false) };
        match self.compact_sources(&plan, &settings, millis(now), max_keys) {
            Ok(Some(clean_end)) => {
                compaction.clean_end = clean_end;
                self.disk.write(&self.dir.join(FILE), clean_end.to_string().as_bytes())?;
                Ok(true)
            }
            Ok(None) => Ok(false),
            // Retention deleted it, or the topic was deleted.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn is_open(&self) -> bool {
        self.status().health == Health::Good
    }

    /// What there is to compact now, if it is worth it.
    fn plan(&self, log: &Log, settings: &LogSettings, clean_end: i64, now: i64) -> Option<Plan> {
        let first = log.segments[0].base;
        let dirty_start = if clean_end > log.end() { first } else { clean_end.max(first) };
        let stable = self.status().last_stable_offset;
        let lag = to_millis(settings.min_compaction_lag);
        // Without a lag timestamps do not matter, and may lie in the future.
        let old_enough = |one: &Segment| {
            lag == 0 || one.end <= dirty_start || millis(one.newest()) <= now.saturating_sub(lag)
        };
        let closed = log.segments[..log.segments.len() - 1].iter();
        let closed = closed.take_while(|segment| segment.end <= stable && old_enough(segment));
        let segments: Vec<&Segment> = closed.collect();
        let dirty = || segments.iter().filter(|segment| segment.end > dirty_start);
        let dirty_bytes: u64 = dirty().map(|segment| segment.size).sum();
        let bytes: u64 = segments.iter().map(|segment| segment.size).sum();
        let overdue = settings.max_compaction_lag.is_some_and(|lag| {
            let latest = now.saturating_sub(to_millis(lag));
            dirty().filter_map(|segment| segment.first_timestamp).any(|first| first < latest)
        });
        let enough = dirty_bytes as f64 > settings.min_dirty_ratio * bytes as f64;
        if dirty_bytes == 0 || !(enough || overdue) {
            return None;
        }
        let sources = segments.iter().map(|segment| Source {
            id: segment.id,
            base: segment.base,
            end: segment.end,
            size: segment.size,
            path: segment.path.clone(),
            last_append: segment.last_append,
        });
        let aborted = log.producers.transactions.aborted_between(first, i64::MAX);
        Some(Plan { sources: sources.collect(), dirty_start, aborted })
    }

    /// The first offset that is not compacted afterwards; none if the partition is closed meanwhile,
    /// or segments were deleted.
    fn compact_sources(
        &self,
        plan: &Plan,
        settings: &LogSettings,
        now: i64,
        max_keys: usize,
    ) -> io::Result<Option<i64>> {
        let Some(map) = self.map_keys(plan, max_keys)? else { return Ok(None) };
        let (mut before, mut after) = (0, 0);
        let mut rewriter = Rewriter {
            map: &map,
            transactions: TransactionFilter::new(plan.aborted.clone()),
            last_batches: HashMap::new(),
            now,
            new_horizon: now.saturating_add(to_millis(settings.tombstone_age)),
        };
        let reached = plan.sources.partition_point(|source| source.base < map.end);
        let mut rest = &plan.sources[..reached];
        while !rest.is_empty() {
            let (group, others) = rest.split_at(group_len(rest, settings.segment_bytes));
            rest = others;
            rewriter.last_batches = self.log().producers.last_batches();
            let Some(compacted) = self.rewrite(group, &mut rewriter)? else { return Ok(None) };
            before += group.iter().map(|source| source.size).sum::<u64>();
            after += compacted.segment.size;
            if compacted.changed && !self.swap(group, compacted)? {
                return Ok(None);
            }
        }
        tracing::info!(
            partition = self.name(),
            "compacted {before} bytes of the log to {after}, up to offset {}",
            map.end
        );
        Ok(Some(map.end))
    }

    /// The newest offset of each key in the dirty segments, as far as they can be remembered.
    fn map_keys(&self, plan: &Plan, max_keys: usize) -> io::Result<Option<OffsetMap>> {
        let mut map = OffsetMap::new(plan.dirty_start);
        // Markers before are not read.
        let mut aborted = plan.aborted.clone();
        aborted.retain(|transaction| transaction.marker_offset >= plan.dirty_start);
        let mut transactions = TransactionFilter::new(aborted);
        for source in plan.sources.iter().filter(|source| source.end > plan.dirty_start) {
            let mut batches = SourceBatches::open(source)?;
            while let Some((header, marker)) = batches.next()? {
                if !self.is_open() {
                    return Ok(None);
                }
                if header.end() <= plan.dirty_start {
                    continue;
                }
                if map.len() >= max_keys {
                    return Ok(Some(map));
                }
                let aborted = transactions.read(&header, marker);
                if !aborted && !header.is_control() {
                    // What cannot be read is kept as it is.
                    let records = codec::decompress(&header, batches.bytes(&header)?);
                    let records = records.unwrap_or_default();
                    for record in Records::new(&records, header.count).map_while(Result::ok) {
                        let offset = header.base_offset + i64::from(record.offset_delta);
                        if let Some(key) = record.key.filter(|_| offset >= plan.dirty_start) {
                            map.put(key, offset);
                        }
                    }
                }
                map.end = header.end();
            }
            map.end = source.end;
        }
        Ok(Some(map))
    }

    /// Writes what is left of segments to one new file; none if the partition is closed meanwhile.
    fn rewrite(
        &self,
        group: &[Source],
        rewriter: &mut Rewriter<'_>,
    ) -> io::Result<Option<Compacted>> {
        let mut compacted = Compacted::create(&self.dir, group)?;
        for (i, source) in group.iter().enumerate() {
            let mut batches = SourceBatches::open(source)?;
            while let Some((header, marker)) = batches.next()? {
                if !self.is_open() {
                    return Ok(None);
                }
                let last = i + 1 == group.len() && batches.at_end();
                let batch = batches.bytes(&header)?;
                match rewriter.rewrite(&header, marker, batch, last)? {
                    RewrittenBatch::Same => compacted.append(&header, batch)?,
                    RewrittenBatch::Other(batch) => compacted.append_other(&batch)?,
                    RewrittenBatch::Removed => compacted.changed = true,
                }
            }
        }
        compacted.emptied_aborts = rewriter.transactions.take_emptied_aborts();
        Ok(Some(compacted))
    }
}

/// How many segments go into the next one.
fn group_len(sources: &[Source], max_bytes: u64) -> usize {
    let mut total = 0;
    let fitting = sources.iter().take_while(|source| {
        total += source.size;
        total <= max_bytes
    });
    fitting.count().max(1)
}

/// The batches of a closed segment.
struct SourceBatches {
    window: Window,
    walked: Segment,
}

impl SourceBatches {
    fn open(source: &Source) -> io::Result<Self> {
        let window = Window::new(File::open(&source.path)?, source.size);
        let dir = source.path.parent().unwrap_or(Path::new("."));
        Ok(Self { window, walked: Segment::empty(dir, source.base) })
    }

    /// The next header and, of a control batch, the marker.
    fn next(&mut self) -> io::Result<Option<(BatchHeader, Option<Marker>)>> {
        if self.at_end() {
            return Ok(None);
        }
        let found = self.window.next_batch(&self.walked, true, true)?;
        let (header, marker) = found.map_err(segment::invalid)?;
        self.walked.add_batch(&header, header.base_offset);
        Ok(Some((header, marker)))
    }

    /// All bytes of the batch that [`Self::next`] gave last.
    fn bytes(&mut self, header: &BatchHeader) -> io::Result<&[u8]> {
        self.window.get(self.walked.size - header.size as u64, header.size)
    }

    fn at_end(&self) -> bool {
        self.walked.size >= self.window.length
    }
}
