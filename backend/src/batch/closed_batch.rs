//! A batch that takes no more lines and has no manifest yet.

use std::{fs::File, io, path::PathBuf};

use tillstream_durable::{self as durable, fault};
use tillstream_shared::Manifest;

use super::{BatchError, BatchStore, consumer_lock::ConsumerFiles};

/// A batch whose lines are on disk. It is not part of the history: its number is open.
#[derive(Debug)]
pub(super) struct ClosedBatch {
    files: ConsumerFiles,
    file: File,
    /// Where the file was written.
    temporary: PathBuf,
    /// The name that it has in the store by now.
    name: Option<String>,
    /// All but what depends on the batch's number.
    manifest: Manifest,
}

impl ClosedBatch {
    /// Flushes `file`, which is at `temporary`, to disk.
    pub(super) fn new(
        files: ConsumerFiles,
        file: File,
        temporary: PathBuf,
        manifest: Manifest,
    ) -> io::Result<Self> {
        // Before the number is chosen: the longer that takes, the more likely another consumer takes the number.
        fault::check_room()?;
        file.sync_all()?;
        Ok(Self { files, file, temporary, name: None, manifest })
    }

    /// What it holds.
    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The names of its consumer's files.
    pub(super) fn files(&self) -> &ConsumerFiles {
        &self.files
    }

    /// Gives the file the name of batch `number`, and its manifest as the one after `previous`, as a value and as
    /// the bytes of its file.
    ///
    /// # Errors
    /// [`BatchError::Io`].
    pub(super) fn publish_as(
        &mut self,
        store: &BatchStore,
        number: u64,
        previous: Option<String>,
    ) -> Result<(Manifest, Vec<u8>), BatchError> {
        let name = self.files.batch(number);
        match &self.name {
            None => store.publish(&self.file, &self.temporary, &name)?,
            Some(before) => store.rename(before, &name)?,
        }
        self.name = Some(name.clone());
        let mut manifest = Manifest { number, file: name, previous, ..self.manifest.clone() };
        let json = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from);
        let json = json.map_err(BatchError::io(&self.temporary))?;
        manifest.hash = blake3::hash(&json).to_hex().to_string();
        Ok((manifest, json))
    }

    /// Uploads the file once more under the name that it has, where the store is one of objects.
    ///
    /// # Errors
    /// [`BatchError::Store`].
    pub(super) fn upload_again(&self, store: &BatchStore) -> Result<(), BatchError> {
        match (store, &self.name) {
            (BatchStore::Objects { .. }, Some(name)) => {
                store.publish(&self.file, &self.temporary, name)
            }
            _ => Ok(()),
        }
    }

    /// Gives the batch up: its messages are still in the topic.
    ///
    /// # Errors
    /// [`BatchError::Io`] when its file cannot be removed; a later start removes it.
    pub(super) fn discard(self, store: &BatchStore) -> Result<(), BatchError> {
        if let Some(name) = &self.name {
            store.remove(name)?;
        }
        self.remove_temporary()
    }

    /// Removes the local file, where the store has another of its own.
    ///
    /// # Errors
    /// [`BatchError::Io`]; a later start removes it.
    pub(super) fn remove_temporary(&self) -> Result<(), BatchError> {
        durable::remove(&self.temporary).map_err(BatchError::io(&self.temporary))
    }
}
