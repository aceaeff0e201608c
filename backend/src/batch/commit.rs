//! Storing batches: how a closed batch becomes the next one of its folder, which several consumers may store into.
//!
//! Manifests are the one log that orders all batches, as each names the one before by its hash. A batch is stored by
//! creating the manifest of the next number, which succeeds for one consumer alone. Another one then takes up what
//! was stored, sees whether its batch still begins where its partitions end, and tries the number after. So whether
//! a line is stored depends on this folder alone, and never on who believes to own a partition.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use tillstream_durable::{Creation, FolderLock};
use tillstream_shared::{ClosedBy, Manifest};

use super::{
    BatchError, BatchStore, Catalogue, ConsumerLock, OpenBatch, Provenance,
    catalogue::manifest_name,
    closed_batch::ClosedBatch,
    consumer_lock::ConsumerFiles,
    rowless::{Covered, Rowless},
    summary::CHECKPOINT,
};

/// A summary of all batches is written after so many new ones, which bounds what a start reads.
const CHECKPOINT_EVERY: u64 = 1_000;

/// After so long without a manifest, an object may have been removed as left over.
const LONG_OUTAGE: Duration = Duration::from_secs(60 * 60);

impl Catalogue {
    /// Takes the folder for one consumer alone, removes what crashes left unfinished, and reads what is new.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn open(store: impl Into<BatchStore>) -> Result<(Self, ConsumerLock), BatchError> {
        let store = store.into();
        let lock = FolderLock::take(store.local())?;
        Self::open_with(store, lock)
    }

    /// Like [`Self::open`], for one of several consumers that share the folder.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn open_shared(store: impl Into<BatchStore>) -> Result<(Self, ConsumerLock), BatchError> {
        let store = store.into();
        let lock = FolderLock::take_shared(store.local())?;
        Self::open_with(store, lock)
    }

    /// Like [`Self::open`], but moves the batches that are there out of the folder first; gives the folder
    /// where they are now, if there were any.
    ///
    /// # Errors
    /// [`BatchError`]; [`BatchError::NotMoved`] for an object store that holds batches.
    pub fn open_anew(
        store: impl Into<BatchStore>,
    ) -> Result<(Self, ConsumerLock, Option<PathBuf>), BatchError> {
        let store = store.into();
        let lock = FolderLock::take(store.local())?;
        let (lock, aside) = Self::set_aside(&store, lock)?;
        let (catalogue, lock) = Self::open_with(store, lock)?;
        Ok((catalogue, lock, aside))
    }

    fn open_with(store: BatchStore, lock: FolderLock) -> Result<(Self, ConsumerLock), BatchError> {
        store.check_writable()?;
        let mut catalogue = Self::read(store)?;
        let lock = ConsumerLock::take(lock)?;
        catalogue.remove_leftovers()?;
        catalogue.write_checkpoint_if_due(lock.files())?;
        Ok((catalogue, lock))
    }

    /// Notes what a batch covers that has no lines yet, so that it need not be read again, by whichever consumer.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub fn note_rowless(
        &self,
        batch: &OpenBatch,
        provenance: &Provenance,
    ) -> Result<(), BatchError> {
        for covered in batch.covered() {
            let next = self.next_offset(&provenance.topic, covered.range.partition);
            Rowless::new(next, provenance, covered).save(&self.store, batch.files())?;
        }
        Ok(())
    }

    /// What was noted of a partition by [`Self::note_rowless`] and follows what is stored of it.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub fn rowless(
        &self,
        partition: i32,
        provenance: &Provenance,
    ) -> Result<Option<Covered>, BatchError> {
        let next = self.next_offset(&provenance.topic, partition);
        Rowless::load(&self.store, partition, next, provenance)
    }

    /// The first offset of a partition that no batch covers; `None` when no batch has any.
    #[must_use]
    pub fn next_offset(&self, topic: &str, partition: i32) -> Option<i64> {
        self.topic(topic)?.next_offsets.get(&partition).copied()
    }

    /// Closes `batch`, which then is the newest one.
    ///
    /// # Errors
    /// [`BatchError`]; the batch then does not exist, and its lines are still in the topic.
    /// [`BatchError::Overtaken`] when another consumer has stored some of them.
    pub fn close(
        &mut self,
        batch: OpenBatch,
        provenance: &Provenance,
        closed_by: ClosedBy,
    ) -> Result<Manifest, BatchError> {
        let mut batch = batch.close(provenance, closed_by)?;
        let manifest = loop {
            self.refresh()?;
            if let Err(error) = self.check_follows(batch.manifest()) {
                batch.discard(&self.store)?;
                return Err(error);
            }
            match self.try_commit(&mut batch) {
                Ok(Some(manifest)) => break manifest,
                Ok(None) => {}
                Err(error) => {
                    // On a full disk the file takes the room that is missing.
                    if error.is_disk_full() && self.manifest(self.summary.last + 1)?.is_none() {
                        batch.discard(&self.store)?;
                    }
                    return Err(error);
                }
            }
        };
        self.summary.add(&manifest).map_err(|reason| self.inconsistent(reason))?;
        if let BatchStore::Objects { .. } = self.store {
            batch.remove_temporary()?;
        }
        if let Err(error) = self.write_checkpoint_if_due(batch.files()) {
            tracing::warn!("{error}; trying again after the next batch");
        }
        Ok(manifest)
    }

    /// Makes `batch` the next one; `None` when another consumer has stored the next one.
    pub(super) fn try_commit(
        &mut self,
        batch: &mut ClosedBatch,
    ) -> Result<Option<Manifest>, BatchError> {
        let number = self.summary.last + 1;
        let previous = Some(self.summary.hash.clone()).filter(|hash| !hash.is_empty());
        let (manifest, json) = batch.publish_as(&self.store, number, previous)?;
        let name = manifest_name(number);
        let temporary = batch.files().temporary(&name);
        let begun = Instant::now();
        match self.store.create(&name, &temporary, &json)? {
            Creation::Created => {}
            // On a network, the answer to a request that succeeded may be lost, and the request repeated.
            Creation::Exists if self.manifest(number)?.as_ref() == Some(&manifest) => {}
            Creation::Exists => return Ok(None),
        }
        if begun.elapsed() >= LONG_OUTAGE {
            batch.upload_again(&self.store)?;
        }
        self.refresh_removed()?;
        if number < self.first() {
            // That number was stored and removed since the look: there was room for the manifest, and nobody will
            // ever read it.
            self.store.remove(&name)?;
            return Ok(None);
        }
        Ok(Some(manifest))
    }

    /// Checks that a batch that is not stored begins where what is stored of its partitions ends, or after a gap in
    /// the topic: a consumer takes all messages from where it began, and stores each batch before it begins another.
    fn check_follows(&self, manifest: &Manifest) -> Result<(), BatchError> {
        let Some(stored) = self.topic(&manifest.topic) else { return Ok(()) };
        let differs = |stored: &Option<String>, own: &Option<String>| {
            stored.is_some() && own.is_some() && stored != own
        };
        if differs(&stored.cluster_id, &manifest.cluster_id)
            || differs(&stored.topic_id, &manifest.topic_id)
        {
            return Err(BatchError::OtherTopic { path: self.store.place() });
        }
        for range in &manifest.partitions {
            let next = stored.next_offsets.get(&range.partition).copied().unwrap_or_default();
            if range.first < next {
                return Err(BatchError::Overtaken { partition: range.partition, next });
            }
        }
        Ok(())
    }

    fn write_checkpoint_if_due(&mut self, files: &ConsumerFiles) -> Result<(), BatchError> {
        if self.summary.last >= self.checkpoint + CHECKPOINT_EVERY {
            self.write_checkpoint(files)?;
        }
        Ok(())
    }

    pub(super) fn write_checkpoint(&mut self, files: &ConsumerFiles) -> Result<(), BatchError> {
        self.summary.save(&self.store, CHECKPOINT, &files.temporary(CHECKPOINT))?;
        self.checkpoint = self.summary.last;
        Ok(())
    }
}
