//! A consumer without Kafka: it does with the store what the real one does.

use std::{collections::BTreeMap, path::Path};

use tillstream::batch::{BatchError, BatchFormat, Catalogue, ConsumerLock, Covered, OpenBatch};
use tillstream_shared::{ClosedBy, Manifest};

use super::messages::{Kind, PARTITIONS, kind, line, provenance};

pub struct Consumer {
    pub catalogue: Catalogue,
    lock: ConsumerLock,
    open: Option<OpenBatch>,
    /// The next message of each partition.
    pub next: BTreeMap<i32, i64>,
}

/// What became of the open batch.
#[derive(Debug)]
pub enum Closed {
    Stored(Box<Manifest>),
    /// It has no lines, and what it covers is noted.
    Noted,
    /// There was none, or another consumer has stored messages of it.
    Nothing,
}

impl Consumer {
    /// Begins after what is stored.
    pub fn start(folder: &Path, format: BatchFormat) -> Self {
        let (catalogue, lock) = Catalogue::open_shared(folder).unwrap();
        Self::begin(catalogue, lock, format)
    }

    /// Begins a new history.
    pub fn start_anew(folder: &Path, format: BatchFormat) -> Self {
        let (catalogue, lock, _) = Catalogue::open_anew(folder).unwrap();
        lock.share().unwrap();
        Self::begin(catalogue, lock, format)
    }

    fn begin(catalogue: Catalogue, lock: ConsumerLock, format: BatchFormat) -> Self {
        let (open, next) = (None, BTreeMap::new());
        let mut consumer = Self { catalogue, lock: lock.with_format(format), open, next };
        consumer.resume();
        consumer
    }

    fn resume(&mut self) {
        for partition in 0..PARTITIONS {
            let next = match self.catalogue.rowless(partition, &provenance()).unwrap() {
                Some(noted) => {
                    self.batch().resume(noted);
                    noted.range.last + 1
                }
                None => self.stored_up_to(partition),
            };
            self.next.insert(partition, next);
        }
    }

    fn batch(&mut self) -> &mut OpenBatch {
        self.open.get_or_insert_with(|| OpenBatch::create(&self.lock).unwrap())
    }

    /// The first offset of a partition that is not stored.
    pub fn stored_up_to(&self, partition: i32) -> i64 {
        self.catalogue.next_offset(&provenance().topic, partition).unwrap_or_default()
    }

    /// Takes the next message of a partition.
    pub fn take(&mut self, partition: i32) {
        let offset = self.next[&partition];
        let batch = self.batch();
        match kind(partition, offset) {
            Kind::Line => {
                batch.add(&line(partition, offset), partition, offset).unwrap();
                batch.add_source(partition, "file/1", offset as u64 + 1);
            }
            Kind::DeadLetter => batch.add_dead_letter(partition, offset),
            Kind::Repeated => batch.add_repeated(partition, offset),
            Kind::Empty => batch.add_empty(partition, offset),
        }
        self.next.insert(partition, offset + 1);
    }

    /// What the open batch covers, when it has no lines and so is to be noted.
    pub fn to_be_noted(&self) -> Vec<Covered> {
        let rowless = self.open.as_ref().filter(|batch| batch.rows() == 0);
        rowless.into_iter().flat_map(OpenBatch::covered).collect()
    }

    /// Stores the open batch, or notes what it covers.
    pub fn close(&mut self) -> Closed {
        let Some(batch) = self.open.take_if(|batch| batch.rows() > 0) else {
            let Some(batch) = &self.open else { return Closed::Nothing };
            self.catalogue.note_rowless(batch, &provenance()).unwrap();
            return Closed::Noted;
        };
        match self.catalogue.close(batch, &provenance(), ClosedBy::Size) {
            Ok(manifest) => Closed::Stored(Box::new(manifest)),
            Err(BatchError::Overtaken { .. }) => {
                self.catalogue.refresh().unwrap();
                self.resume();
                Closed::Nothing
            }
            Err(error) => panic!("{error}"),
        }
    }
}
