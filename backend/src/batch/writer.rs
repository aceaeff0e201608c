//! The batch that lines are added to.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use tillstream_durable as durable;
use tillstream_shared::{BatchFunnel, ClosedBy, Line, Manifest, OffsetRange};

use super::BatchError;
use crate::{
    ingest::csv_lines::{write_header, write_line},
    progress,
};

/// Bytes gathered before they go to the file.
const BUFFER: usize = 1 << 18;

/// A batch that is still open: its lines are in a temporary file that nobody reads.
#[derive(Debug)]
pub struct OpenBatch {
    number: u64,
    folder: PathBuf,
    temporary: PathBuf,
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
    row: Vec<u8>,
    funnel: BatchFunnel,
    dead_letters: u64,
    ranges: BTreeMap<i32, OffsetRange>,
    first_line_at: Option<Instant>,
}

impl OpenBatch {
    /// Begins batch `number` in `folder`.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub fn create(folder: &Path, number: u64) -> Result<Self, BatchError> {
        let temporary = durable::temporary(&folder.join("open_batch.csv"));
        let file = File::create(&temporary).map_err(BatchError::io(&temporary))?;
        let mut batch = Self {
            number,
            folder: folder.to_owned(),
            temporary,
            file: BufWriter::with_capacity(BUFFER, file),
            hasher: blake3::Hasher::new(),
            bytes: 0,
            row: Vec::with_capacity(256),
            funnel: BatchFunnel::default(),
            dead_letters: 0,
            ranges: BTreeMap::new(),
            first_line_at: None,
        };
        write_header(&mut batch.row);
        batch.write_row()?;
        Ok(batch)
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

    /// Notes that the message at `offset` of `partition` was no line and is in the dead-letter topic.
    pub fn add_dead_letter(&mut self, partition: i32, offset: i64) {
        self.cover(partition, offset);
        self.dead_letters += 1;
    }

    fn cover(&mut self, partition: i32, offset: i64) {
        let range = OffsetRange { partition, first: offset, last: offset };
        self.ranges.entry(partition).or_insert(range).last = offset;
    }

    fn write_row(&mut self) -> Result<(), BatchError> {
        self.hasher.update(&self.row);
        self.bytes += self.row.len() as u64;
        self.file.write_all(&self.row).map_err(BatchError::io(&self.temporary))
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

    /// When its first line came.
    #[must_use]
    pub fn first_line_at(&self) -> Option<Instant> {
        self.first_line_at
    }

    /// Closes the batch: after this it is on disk under its own name, with its manifest.
    ///
    /// # Errors
    /// [`BatchError::Io`]; the batch then does not exist, and its lines are still in the topic.
    pub fn close(self, topic: &str, closed_by: ClosedBy) -> Result<Manifest, BatchError> {
        let stamp = chrono::Utc::now().format("%Y%m%dT%H%M%SZ");
        let name = format!("batch_{:06}_{stamp}.csv", self.number);
        let path = self.folder.join(&name);
        let file = self.file.into_inner().map_err(|error| error.into_error());
        file.and_then(|file| durable::publish(&file, &self.temporary, &path))
            .map_err(BatchError::io(&path))?;

        let manifest = Manifest {
            format_version: Manifest::FORMAT_VERSION,
            number: self.number,
            file: name,
            topic: topic.to_owned(),
            partitions: self.ranges.into_values().collect(),
            rows: self.funnel.lines,
            dead_letters: self.dead_letters,
            funnel: self.funnel,
            closed_by,
            bytes: self.bytes,
            blake3: self.hasher.finalize().to_hex().to_string(),
            created_at: progress::now(),
        };
        let path = path.with_extension("json");
        serde_json::to_vec_pretty(&manifest)
            .map_err(Into::into)
            .and_then(|json| durable::write(&path, &json))
            .map_err(BatchError::io(&path))?;
        Ok(manifest)
    }
}
