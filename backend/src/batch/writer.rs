//! The batch that lines are added to.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use serde::{Deserialize, Serialize};
use tillstream_durable::{self as durable, fault};
use tillstream_shared::{BatchFunnel, ClosedBy, Line, Manifest, OffsetRange, SourceLine};

use super::{BatchError, rowless::Rowless};
use crate::{
    ingest::csv_lines::{write_header, write_line},
    progress,
};

/// Bytes gathered before they go to the file.
const BUFFER: usize = 1 << 18;

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
    folder: PathBuf,
    temporary: PathBuf,
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
    row: Vec<u8>,
    funnel: BatchFunnel,
    dead_letters: u64,
    repeated: u64,
    empty: u64,
    ranges: BTreeMap<i32, OffsetRange>,
    sources: BTreeMap<i32, BTreeMap<String, u64>>,
    first_line_at: Option<Instant>,
}

impl OpenBatch {
    /// Begins a batch in `folder`.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub fn create(folder: &Path) -> Result<Self, BatchError> {
        let temporary = durable::temporary(&folder.join("open_batch.csv"));
        let file = File::create(&temporary).map_err(BatchError::io(&temporary))?;
        let mut batch = Self {
            folder: folder.to_owned(),
            temporary,
            file: BufWriter::with_capacity(BUFFER, file),
            hasher: blake3::Hasher::new(),
            bytes: 0,
            row: Vec::with_capacity(256),
            funnel: BatchFunnel::default(),
            dead_letters: 0,
            repeated: 0,
            empty: 0,
            ranges: BTreeMap::new(),
            sources: BTreeMap::new(),
            first_line_at: None,
        };
        write_header(&mut batch.row);
        batch.write_row()?;
        Ok(batch)
    }

    /// Takes over what was noted of a batch without lines.
    pub(super) fn resume(&mut self, rowless: Rowless) {
        self.ranges =
            rowless.partitions.into_iter().map(|range| (range.partition, range)).collect();
        self.dead_letters = rowless.dead_letters;
        self.repeated = rowless.repeated;
        self.empty = rowless.empty;
    }

    /// What is to be noted of a batch without lines.
    pub(super) fn rowless(&self, previous: &str, provenance: &Provenance) -> Rowless {
        let partitions = self.ranges.values().copied().collect();
        Rowless::new(previous, provenance, partitions, self.dead_letters, self.repeated, self.empty)
    }

    /// Appends the line found at `offset` of `partition`.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub fn add(&mut self, line: &Line<'_>, partition: i32, offset: i64) -> Result<(), BatchError> {
        self.row.clear();
        write_line(&mut self.row, line);
        self.write_row()?;
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
        self.cover(partition, offset);
        self.dead_letters += 1;
    }

    /// Notes that the message at `offset` of `partition` repeats a stored line, and is skipped.
    pub fn add_repeated(&mut self, partition: i32, offset: i64) {
        self.cover(partition, offset);
        self.repeated += 1;
    }

    /// Notes that the message at `offset` of `partition` has no payload, and is skipped.
    pub fn add_empty(&mut self, partition: i32, offset: i64) {
        self.cover(partition, offset);
        self.empty += 1;
    }

    fn cover(&mut self, partition: i32, offset: i64) {
        let range = OffsetRange { partition, first: offset, last: offset };
        self.ranges.entry(partition).or_insert(range).last = offset;
    }

    fn write_row(&mut self) -> Result<(), BatchError> {
        self.hasher.update(&self.row);
        self.bytes += self.row.len() as u64;
        fault::check_room()
            .and_then(|()| self.file.write_all(&self.row))
            .map_err(BatchError::io(&self.temporary))
    }

    /// Lines so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.funnel.lines
    }

    /// Dead letters so far.
    #[must_use]
    pub fn dead_letters(&self) -> u64 {
        self.dead_letters
    }

    /// Messages so far that repeat a stored line.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Messages so far without a payload.
    #[must_use]
    pub fn empty(&self) -> u64 {
        self.empty
    }

    /// The offsets that it covers.
    pub fn ranges(&self) -> impl Iterator<Item = OffsetRange> {
        self.ranges.values().copied()
    }

    /// The first offset of each of its partitions that it does not cover.
    pub fn next_offsets(&self) -> impl Iterator<Item = (i32, i64)> {
        self.ranges().map(|range| (range.partition, range.last + 1))
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

    /// Closes the batch as `number`: after this it is on disk under its own name, with its manifest at
    /// `manifest_path`.
    ///
    /// # Errors
    /// [`BatchError::Io`]; the batch then does not exist, and its lines are still in the topic.
    pub(super) fn close(
        self,
        number: u64,
        manifest_path: &Path,
        provenance: &Provenance,
        previous: Option<String>,
        closed_by: ClosedBy,
    ) -> Result<Manifest, BatchError> {
        let name = format!("batch_{number:06}_{}.csv", progress::file_stamp());
        let path = self.folder.join(&name);
        let file = self.file.into_inner().map_err(|error| error.into_error());
        let published = file.and_then(|file| durable::publish(&file, &self.temporary, &path));
        if let Err(error) = published {
            // The room may be what is missing. The error says more than that of removing the file.
            let _ = durable::remove(&self.temporary);
            return Err(BatchError::io(&path)(error));
        }

        let Provenance { cluster_id, topic, topic_id } = provenance.clone();
        let sources = self.sources.into_iter().flat_map(|(partition, sources)| {
            let line = move |(source, line)| SourceLine { partition, source, line };
            sources.into_iter().map(line)
        });
        let mut manifest = Manifest {
            format_version: Manifest::FORMAT_VERSION,
            number,
            file: name,
            topic,
            cluster_id,
            topic_id,
            previous,
            partitions: self.ranges.into_values().collect(),
            rows: self.funnel.lines,
            dead_letters: self.dead_letters,
            repeated: self.repeated,
            empty: self.empty,
            sources: sources.collect(),
            funnel: self.funnel,
            closed_by,
            bytes: self.bytes,
            blake3: self.hasher.finalize().to_hex().to_string(),
            created_at: progress::now(),
            hash: String::new(),
        };
        let json = serde_json::to_vec_pretty(&manifest).map_err(Into::into);
        let json = json.map_err(BatchError::io(manifest_path))?;
        if let Err(error) = durable::write(manifest_path, &json) {
            if !manifest_path.exists() {
                let _ = durable::remove(&path);
            }
            return Err(BatchError::io(manifest_path)(error));
        }
        manifest.hash = blake3::hash(&json).to_hex().to_string();
        Ok(manifest)
    }
}
