//! The batches of a folder, as their manifests tell.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tillstream_durable as durable;
use tillstream_shared::{Manifest, api::Gap};

use super::{
    BatchError, Summary, TopicProgress,
    summary::{checkpoint_path, removed_path},
};
use crate::progress;

/// The batches of a folder. It holds what they amount to, not their manifests: those are read from the
/// folder, so that neither memory nor the time of a look grows with history.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub(super) folder: PathBuf,
    /// Of all batches, those included that were removed.
    pub(super) summary: Summary,
    /// Of the batches that were removed.
    removed: Summary,
    /// When the file of `removed` was written.
    removed_at: Option<SystemTime>,
    /// Newest batch in the checkpoint.
    pub(super) checkpoint: u64,
    /// Manifests that are not named by their number alone.
    older_names: BTreeMap<u64, PathBuf>,
}

impl Catalogue {
    /// Reads the folder without taking it; one that does not exist holds no batches.
    ///
    /// # Errors
    /// [`BatchError::Io`], [`BatchError::Manifest`], [`BatchError::Inconsistent`].
    pub fn read(folder: &Path) -> Result<Self, BatchError> {
        let found = manifest_files(folder)?;
        let removed_at = modified_at(&removed_path(folder));
        let removed = Summary::load(&removed_path(folder))?.unwrap_or_default();
        let mut catalogue = Self {
            folder: folder.to_owned(),
            summary: removed.clone(),
            checkpoint: removed.last,
            removed,
            removed_at,
            older_names: BTreeMap::new(),
        };
        let last = found.keys().next_back().copied().unwrap_or_default();
        for number in catalogue.removed.last + 1..=last {
            // A list of files may lack one that was created while it was made.
            if !found.contains_key(&number) && !manifest_path(folder, number).exists() {
                return Err(catalogue.inconsistent(format!("there is no batch {number}")));
            }
        }
        let is_older = |(number, path): &(u64, PathBuf)| *path != manifest_path(folder, *number);
        catalogue.older_names = found.into_iter().filter(is_older).collect();
        if let Some(checkpoint) = Summary::load(&checkpoint_path(folder))?
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
        let removed_at = modified_at(&removed_path(&self.folder));
        if removed_at != self.removed_at {
            self.removed = Summary::load(&removed_path(&self.folder))?.unwrap_or_default();
            self.removed_at = removed_at;
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
        Ok(self.manifest(self.summary.last)?.is_some_and(|newest| newest.hash == self.summary.hash))
    }

    /// The manifest of batch `number`; `None` when it does not exist, or was removed.
    ///
    /// # Errors
    /// [`BatchError::Io`], [`BatchError::Manifest`].
    pub fn manifest(&self, number: u64) -> Result<Option<Manifest>, BatchError> {
        read_manifest(&self.path_of(number))
    }

    fn path_of(&self, number: u64) -> PathBuf {
        let older = self.older_names.get(&number).cloned();
        older.unwrap_or_else(|| manifest_path(&self.folder, number))
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
    pub fn folder(&self) -> &Path {
        &self.folder
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
            files.push(self.folder.join(&manifest.file));
            files.push(self.path_of(manifest.number));
        }
        // The summary first: a batch that is gone without it would be missed.
        let path = removed_path(&self.folder);
        removed.save(&path, &durable::temporary(&path))?;
        self.older_names.retain(|number, _| *number > removed.last);
        self.removed = removed;
        for path in files {
            durable::remove(&path).map_err(BatchError::io(&path))?;
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
            let reason = match fs::metadata(self.folder.join(&manifest.file)) {
                Ok(file) if file.len() == manifest.bytes => continue,
                Ok(file) => {
                    format!("{} has {} bytes, not {}", manifest.file, file.len(), manifest.bytes)
                }
                Err(error) => format!("{}: {error}", manifest.file),
            };
            damaged.push(Gap { batch: manifest.number, reason });
        }
        Ok(damaged)
    }

    /// Moves all batches out of `folder`, into a folder beside it, which is returned; `None` when there
    /// are none. The caller holds the folder's lock.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub fn set_aside(folder: &Path) -> Result<Option<PathBuf>, BatchError> {
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(format!("_replaced_{}", progress::file_stamp()));
        let aside = folder.with_file_name(name);
        let moved = durable::move_contents(folder, &aside).map_err(BatchError::io(folder))?;
        Ok(moved.then_some(aside))
    }

    pub(super) fn inconsistent(&self, reason: String) -> BatchError {
        BatchError::Inconsistent { path: self.folder.clone(), reason }
    }
}

/// Hash of the manifest of batch `number` in `folder`: [`Manifest::hash`]. `None` when it cannot be read, or
/// is not named by its number alone, as manifests of format 1 may be.
#[must_use]
pub fn manifest_hash(folder: &Path, number: u64) -> Option<String> {
    let json = fs::read(manifest_path(folder, number)).ok()?;
    Some(blake3::hash(&json).to_hex().to_string())
}

fn modified_at(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// The manifests in `folder`, by number.
fn manifest_files(folder: &Path) -> Result<BTreeMap<u64, PathBuf>, BatchError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(BatchError::io(folder))?,
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(BatchError::io(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "json")
            && let Some(number) = batch_number(&path)
            && let Some(other) = found.insert(number, path)
        {
            let path = folder.to_owned();
            let reason = format!("{} is not the only batch {number}", other.display());
            return Err(BatchError::Inconsistent { path, reason });
        }
    }
    Ok(found)
}

/// The number in the name of a batch or manifest: `batch_000012.json`, `batch_000012_<time>.csv`.
pub(super) fn batch_number(path: &Path) -> Option<u64> {
    let digits = path.file_stem()?.to_str()?.strip_prefix("batch_")?;
    digits.split('_').next()?.parse().ok()
}

/// Named by its number alone, so that the next one can be looked for without listing the folder.
pub(super) fn manifest_name(number: u64) -> String {
    format!("batch_{number:06}.json")
}

fn manifest_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(manifest_name(number))
}

fn read_manifest(path: &Path) -> Result<Option<Manifest>, BatchError> {
    let wrong = |reason| BatchError::Manifest { path: path.to_owned(), reason };
    let json = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        json => json.map_err(BatchError::io(path))?,
    };
    let mut manifest: Manifest =
        serde_json::from_slice(&json).map_err(|error| wrong(error.to_string()))?;
    if !(1..=Manifest::FORMAT_VERSION).contains(&manifest.format_version) {
        return Err(wrong(format!("format version {}", manifest.format_version)));
    }
    if Some(manifest.number) != batch_number(path) {
        return Err(wrong(format!("it is that of batch {}", manifest.number)));
    }
    manifest.hash = blake3::hash(&json).to_hex().to_string();
    Ok(Some(manifest))
}

#[cfg(test)]
mod tests;
