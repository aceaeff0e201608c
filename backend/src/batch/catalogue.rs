//! The batches of one place, as their manifests tell.

use std::{collections::BTreeMap, path::PathBuf};

use tillstream_durable::{self as durable, FolderLock};
use tillstream_shared::{Manifest, api::Gap};

use super::{
    BatchError, BatchStore, OutageWait, Summary, TopicProgress,
    summary::{CHECKPOINT, REMOVED},
};
use crate::progress;

/// The batches of one place. It holds what they amount to, not their manifests: those are read from there, so
/// that neither memory nor the time of a look grows with history.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub(super) store: BatchStore,
    /// Of all batches, those included that were removed.
    pub(super) summary: Summary,
    /// Of the batches that were removed.
    removed: Summary,
    /// Which file `removed` was read from.
    removed_version: Option<String>,
    /// Newest batch in the checkpoint.
    pub(super) checkpoint: u64,
    /// Manifests that are not named by their number alone.
    older_names: BTreeMap<u64, String>,
}

impl Catalogue {
    /// Reads a place of batches without taking it; a folder that does not exist holds none.
    ///
    /// # Errors
    /// [`BatchError::Io`], [`BatchError::Manifest`], [`BatchError::Inconsistent`].
    pub fn read(store: impl Into<BatchStore>) -> Result<Self, BatchError> {
        let store = store.into();
        let found = manifest_files(&store)?;
        let removed_version = store.version(REMOVED)?;
        let removed = Summary::load(&store, REMOVED)?.unwrap_or_default();
        let mut catalogue = Self {
            store,
            summary: removed.clone(),
            checkpoint: removed.last,
            removed,
            removed_version,
            older_names: BTreeMap::new(),
        };
        let last = found.keys().next_back().copied().unwrap_or_default();
        for number in catalogue.removed.last + 1..=last {
            // A list of files may lack one that was created while it was made.
            if !found.contains_key(&number)
                && catalogue.store.size(&manifest_name(number))?.is_none()
            {
                return Err(catalogue.inconsistent(format!("there is no batch {number}")));
            }
        }
        let is_older = |(number, name): &(u64, String)| *name != manifest_name(*number);
        catalogue.older_names = found.into_iter().filter(is_older).collect();
        if let Some(checkpoint) = Summary::load(&catalogue.store, CHECKPOINT)?
            && checkpoint.last > catalogue.removed.last
            && checkpoint.last <= last
            && catalogue.manifest(checkpoint.last)?.is_some_and(|m| m.hash == checkpoint.hash)
        {
            catalogue.checkpoint = checkpoint.last;
            catalogue.summary = checkpoint;
        }
        catalogue.refresh()?;
        Ok(catalogue)
    }

    /// Takes up the batches that were stored or removed since the last look, and gives the manifests of the
    /// new ones. Takes time in proportion to those alone.
    ///
    /// # Errors
    /// [`BatchError::Io`], [`BatchError::Manifest`], [`BatchError::Inconsistent`].
    pub fn refresh(&mut self) -> Result<Vec<Manifest>, BatchError> {
        self.refresh_removed()?;
        let mut new = Vec::new();
        while let Some(manifest) = self.manifest(self.summary.last + 1)? {
            self.summary.add(&manifest).map_err(|reason| self.inconsistent(reason))?;
            new.push(manifest);
        }
        Ok(new)
    }

    /// Takes up which batches were removed since the last look.
    pub(super) fn refresh_removed(&mut self) -> Result<(), BatchError> {
        let version = self.store.version(REMOVED)?;
        if version != self.removed_version {
            self.removed = Summary::load(&self.store, REMOVED)?.unwrap_or_default();
            self.removed_version = version;
        }
        // Batches that were stored and removed before they were looked at.
        if self.summary.last < self.removed.last {
            self.summary.clone_from(&self.removed);
        }
        Ok(())
    }

    /// Whether the newest batch that is known is still there: otherwise the folder was replaced.
    ///
    /// # Errors
    /// [`BatchError::Io`], [`BatchError::Manifest`].
    pub fn is_current(&self) -> Result<bool, BatchError> {
        if self.summary.last < self.first() {
            return Ok(true);
        }
        Ok(self.newest()?.is_some_and(|newest| newest.hash == self.summary.hash))
    }

    /// The manifest of the newest batch; `None` when there is none, or it was removed.
    ///
    /// # Errors
    /// [`BatchError::Io`], [`BatchError::Manifest`].
    pub fn newest(&self) -> Result<Option<Manifest>, BatchError> {
        self.manifest(self.summary.last)
    }

    /// The manifest of batch `number`; `None` when it does not exist, or was removed.
    ///
    /// # Errors
    /// [`BatchError::Io`], [`BatchError::Manifest`].
    pub fn manifest(&self, number: u64) -> Result<Option<Manifest>, BatchError> {
        read_manifest(&self.store, &self.name_of(number))
    }

    fn name_of(&self, number: u64) -> String {
        let older = self.older_names.get(&number).cloned();
        older.unwrap_or_else(|| manifest_name(number))
    }

    /// The manifests of the batches in `numbers` that are there, ascending, read one by one.
    pub fn manifests(
        &self,
        numbers: std::ops::RangeInclusive<u64>,
    ) -> impl Iterator<Item = Result<Manifest, BatchError>> {
        let (first, last) = numbers.into_inner();
        let present = first.max(self.first())..=last.min(self.last());
        present.filter_map(|number| self.manifest(number).transpose())
    }

    /// What all batches amount to, those included that were removed.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// What is stored of a topic.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&TopicProgress> {
        self.summary.topics.get(name)
    }

    /// Where they lie.
    #[must_use]
    pub fn store(&self) -> &BatchStore {
        &self.store
    }

    /// From now on `wait` waits for an object store that does not answer.
    pub fn wait_for_outages(&mut self, wait: OutageWait) {
        self.store = self.store.waited_for(wait);
    }

    /// Number of the oldest batch that was not removed.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.removed.last + 1
    }

    /// Number of the newest batch; 0 for none.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.summary.last
    }

    /// Removes the oldest batches up to `number`. What they amount to stays known.
    ///
    /// # Errors
    /// [`BatchError`]; a call that is repeated goes on where this one ended.
    pub fn remove_through(&mut self, number: u64) -> Result<(), BatchError> {
        let mut removed = self.removed.clone();
        let mut files = Vec::new();
        for manifest in self.manifests(self.first()..=number) {
            let manifest = manifest?;
            removed.add(&manifest).map_err(|reason| self.inconsistent(reason))?;
            files.push(self.name_of(manifest.number));
            files.push(manifest.file);
        }
        // The summary first: a batch that is gone without it would be missed.
        removed.save(&self.store, REMOVED, &format!("{REMOVED}{}", durable::TEMPORARY))?;
        self.older_names.retain(|number, _| *number > removed.last);
        self.removed = removed;
        for name in files {
            self.store.remove(&name)?;
        }
        Ok(())
    }

    /// Batches from the checkpoint on whose file is missing or has another size than its manifest says.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn damaged(&self) -> Result<Vec<Gap>, BatchError> {
        let mut damaged = Vec::new();
        for manifest in self.manifests(self.checkpoint.max(1)..=self.last()) {
            let manifest = manifest?;
            let reason = match self.store.size(&manifest.file)? {
                Some(size) if size == manifest.bytes => continue,
                Some(size) => {
                    format!("{} has {size} bytes, not {}", manifest.file, manifest.bytes)
                }
                None => format!("{} is missing", manifest.file),
            };
            damaged.push(Gap { batch: manifest.number, reason });
        }
        Ok(damaged)
    }

    /// Moves all batches away, in one step: the folder gets another name, which is returned, and an empty one takes
    /// its place. `None` when there are none.
    ///
    /// # Errors
    /// [`BatchError::Lock`]; [`BatchError::NotMoved`] for an object store that holds batches.
    pub(super) fn set_aside(
        store: &BatchStore,
        lock: FolderLock,
    ) -> Result<(FolderLock, Option<PathBuf>), BatchError> {
        let BatchStore::Folder(folder) = store else {
            return if manifest_files(store)?.is_empty() {
                Ok((lock, None))
            } else {
                Err(BatchError::NotMoved { url: store.to_string() })
            };
        };
        if lock.is_empty().map_err(BatchError::io(folder))? {
            return Ok((lock, None));
        }
        let (lock, aside) = lock.move_away(|folder| {
            let mut name = folder.file_name().unwrap_or_default().to_owned();
            name.push(format!("_replaced_{}", progress::file_stamp()));
            durable::unused(&folder.with_file_name(name))
        })?;
        Ok((lock, Some(aside)))
    }

    pub(super) fn inconsistent(&self, reason: String) -> BatchError {
        BatchError::Inconsistent { path: self.store.place(), reason }
    }
}

/// The names of the manifests, by number.
fn manifest_files(store: &BatchStore) -> Result<BTreeMap<u64, String>, BatchError> {
    let mut found = BTreeMap::new();
    for name in store.list()? {
        if name.ends_with(".json")
            && let Some(number) = batch_number(&name)
            && let Some(other) = found.insert(number, name)
        {
            let reason = format!("{other} is not the only batch {number}");
            return Err(BatchError::Inconsistent { path: store.place(), reason });
        }
    }
    Ok(found)
}

/// The number in the name of a batch or manifest: `batch_000012.json`, `batch_000012_<time>.csv`.
pub(super) fn batch_number(name: &str) -> Option<u64> {
    let (stem, _) = name.strip_prefix("batch_")?.split_once('.')?;
    stem.split('_').next()?.parse().ok()
}

/// Named by its number alone, so that the next one can be looked for without a list of all.
pub(super) fn manifest_name(number: u64) -> String {
    format!("batch_{number:06}.json")
}

fn read_manifest(store: &BatchStore, name: &str) -> Result<Option<Manifest>, BatchError> {
    let wrong = |reason| BatchError::Manifest { path: store.path_of(name), reason };
    let Some(json) = store.read(name)? else { return Ok(None) };
    let mut manifest: Manifest =
        serde_json::from_slice(&json).map_err(|error| wrong(error.to_string()))?;
    if !(1..=Manifest::FORMAT_VERSION).contains(&manifest.format_version) {
        return Err(wrong(format!("format version {}", manifest.format_version)));
    }
    if Some(manifest.number) != batch_number(name) {
        return Err(wrong(format!("it is that of batch {}", manifest.number)));
    }
    manifest.hash = blake3::hash(&json).to_hex().to_string();
    Ok(Some(manifest))
}

#[cfg(test)]
mod tests;
