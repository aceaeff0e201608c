//! The hashes that identify batches, for those who ask again and again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{BatchStore, catalogue::manifest_name};

/// An answer of an object store is good for so long: a manifest is never replaced, but a person may replace a
/// whole place by another.
const FRESH: Duration = Duration::from_secs(60);
/// Answers that are kept.
const KEPT: usize = 4096;

/// The hashes of the manifests in one place.
#[derive(Debug)]
pub struct ManifestHashes {
    store: BatchStore,
    known: Mutex<HashMap<u64, (Instant, Option<String>)>>,
}

impl ManifestHashes {
    /// Those in `store`.
    #[must_use]
    pub fn new(store: impl Into<BatchStore>) -> Self {
        Self { store: store.into(), known: Mutex::default() }
    }

    /// [`Manifest::hash`](tillstream_shared::Manifest::hash) of batch `number`. `None` when it cannot be read, or
    /// is not named by its number alone, as manifests of format 1 may be.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<String> {
        if let BatchStore::Folder(_) = self.store {
            return self.read(number);
        }
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, hash)) = known().get(&number)
            && at.elapsed() < FRESH
        {
            return hash.clone();
        }
        // Not under the lock: an answer may take its time.
        let hash = self.read(number);
        let mut known = known();
        if known.len() >= KEPT {
            known.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        if known.len() < KEPT {
            known.insert(number, (Instant::now(), hash.clone()));
        }
        hash
    }

    fn read(&self, number: u64) -> Option<String> {
        let json = self.store.read(&manifest_name(number)).ok()??;
        Some(blake3::hash(&json).to_hex().to_string())
    }
}
