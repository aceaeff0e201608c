//! The batch that lines are added to.

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use serde::{Deserialize, Serialize};
use tillstream_durable as durable;
use tillstream_shared::{BatchFunnel, ClosedBy, Line, Manifest, SourceLine};

use super::{
    BatchError, ConsumerLock,
    closed_batch::ClosedBatch,
    consumer_lock::ConsumerFiles,
    format::{FinishedFile, LineFile},
    rowless::Covered,
};
use crate::progress;

/// Where the lines of a consumer come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Id of the Kafka cluster, if it has one.
    pub cluster_id: Option<String>,
    /// Name of the topic.
    pub topic: String,
    /// Id of the topic, if the cluster tells it.
    pub topic_id: Option<String>,
}

/// A batch that is still open: its lines are in a temporary file that nobody reads.
#[derive(Debug)]
pub struct OpenBatch {
    files: ConsumerFiles,
    temporary: PathBuf,
    file: LineFile,
    funnel: BatchFunnel,
    partitions: BTreeMap<i32, Covered>,
    sources: BTreeMap<i32, BTreeMap<String, u64>>,
    first_line_at: Option<Instant>,
}

impl OpenBatch {
    /// Begins a batch of the consumer that holds `lock`, in its folder.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub fn create(lock: &ConsumerLock) -> Result<Self, BatchError> {
        let files = lock.files().clone();
        let format = files.format;
        let temporary = files.folder.join(files.temporary(&format!("open_batch.{format}")));
        let file = LineFile::create(&temporary, format).map_err(BatchError::io(&temporary))?;
        Ok(Self {
            files,
            temporary,
            file,
            funnel: BatchFunnel::default(),
            partitions: BTreeMap::new(),
            sources: BTreeMap::new(),
            first_line_at: None,
        })
    }

    /// Takes over what was noted of a partition by a batch without lines.
    pub fn resume(&mut self, noted: Covered) {
        self.partitions.insert(noted.range.partition, noted);
    }

    /// Appends the line found at `offset` of `partition`.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub fn add(&mut self, line: &Line<'_>, partition: i32, offset: i64) -> Result<(), BatchError> {
        self.file.add(line).map_err(BatchError::io(&self.temporary))?;
        self.cover(partition, offset);
        self.first_line_at.get_or_insert_with(Instant::now);

        let funnel = &mut self.funnel;
        funnel.lines += 1;
        funnel.without_customer += u64::from(line.customer_id.is_none());
        funnel.cancellations += u64::from(line.is_cancellation());
        funnel.returns += u64::from(line.quantity <= 0);
        funnel.unpriced += u64::from(line.unit_price <= 0.0);
        funnel.sales += u64::from(line.quantity > 0 && line.unit_price > 0.0);
        Ok(())
    }

    /// Notes that the line just added is `line` of `source`.
    pub fn add_source(&mut self, partition: i32, source: &str, line: u64) {
        let sources = self.sources.entry(partition).or_default();
        match sources.get_mut(source) {
            Some(last) => *last = line,
            None => drop(sources.insert(source.to_owned(), line)),
        }
    }

    /// The last line of `source` in `partition`, as far as this batch has one.
    #[must_use]
    pub fn last_line(&self, partition: i32, source: &str) -> Option<u64> {
        self.sources.get(&partition)?.get(source).copied()
    }

    /// Notes that the message at `offset` of `partition` was invalid and is in the dead-letter topic.
    pub fn add_dead_letter(&mut self, partition: i32, offset: i64) {
        self.cover(partition, offset).dead_letters += 1;
    }

    /// Notes that the message at `offset` of `partition` repeats a stored line, and is skipped.
    pub fn add_repeated(&mut self, partition: i32, offset: i64) {
        self.cover(partition, offset).repeated += 1;
    }

    /// Notes that the message at `offset` of `partition` has no payload, and is skipped.
    pub fn add_empty(&mut self, partition: i32, offset: i64) {
        self.cover(partition, offset).empty += 1;
    }

    /// Forgets what it covers of a partition, which is noted; it has no lines.
    pub(crate) fn forget(&mut self, partition: i32) {
        self.partitions.remove(&partition);
        self.sources.remove(&partition);
    }

    fn cover(&mut self, partition: i32, offset: i64) -> &mut Covered {
        let covered = self.partitions.entry(partition).or_insert(Covered::at(partition, offset));
        covered.range.last = offset;
        covered
    }

    /// Lines so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.funnel.lines
    }

    /// Dead letters so far.
    #[must_use]
    pub fn dead_letters(&self) -> u64 {
        self.covered().map(|covered| covered.dead_letters).sum()
    }

    /// Messages so far that repeat a stored line.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.covered().map(|covered| covered.repeated).sum()
    }

    /// Messages so far without a payload.
    #[must_use]
    pub fn empty(&self) -> u64 {
        self.covered().map(|covered| covered.empty).sum()
    }

    /// What it covers of each partition.
    pub fn covered(&self) -> impl Iterator<Item = Covered> {
        self.partitions.values().copied()
    }

    /// The names of its consumer's files.
    pub(super) fn files(&self) -> &ConsumerFiles {
        &self.files
    }

    /// When its first line came.
    #[must_use]
    pub fn first_line_at(&self) -> Option<Instant> {
        self.first_line_at
    }

    /// Gives the batch up: its messages are still in the topic.
    ///
    /// # Errors
    /// [`BatchError::Io`] when its file cannot be removed; the next start removes it.
    pub fn discard(self) -> Result<(), BatchError> {
        durable::remove(&self.temporary).map_err(BatchError::io(&self.temporary))
    }

    /// Ends the batch: its lines are on disk, under a temporary name.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub(super) fn close(
        self,
        provenance: &Provenance,
        closed_by: ClosedBy,
    ) -> Result<ClosedBatch, BatchError> {
        let (dead_letters, repeated, empty) = (self.dead_letters(), self.repeated(), self.empty());
        let Provenance { cluster_id, topic, topic_id } = provenance.clone();
        let sources = self.sources.into_iter().flat_map(|(partition, sources)| {
            let line = move |(source, line)| SourceLine { partition, source, line };
            sources.into_iter().map(line)
        });
        let mut manifest = Manifest {
            format_version: Manifest::FORMAT_VERSION,
            number: 0,
            file: String::new(),
            topic,
            cluster_id,
            topic_id,
            previous: None,
            partitions: self.partitions.into_values().map(|covered| covered.range).collect(),
            rows: self.funnel.lines,
            dead_letters,
            repeated,
            empty,
            sources: sources.collect(),
            funnel: self.funnel,
            closed_by,
            bytes: 0,
            blake3: String::new(),
            created_at: progress::now(),
            hash: String::new(),
        };
        let offsets = serde_json::to_string(&manifest.partitions).unwrap_or_default();
        let properties =
            [("tillstream.topic", manifest.topic.clone()), ("tillstream.offsets", offsets)];
        let finished = self.file.finish(properties);
        let close = |finished: FinishedFile| {
            manifest.bytes = finished.bytes;
            manifest.blake3 = finished.blake3;
            let temporary = self.temporary.clone();
            ClosedBatch::new(self.files, finished.file, temporary, manifest)
        };
        finished.and_then(close).map_err(|error| {
            // The room may be what is missing. The error says more than that of removing the file.
            let _ = durable::remove(&self.temporary);
            BatchError::io(self.temporary)(error)
        })
    }
}
