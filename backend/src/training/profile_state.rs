//! The profiles of all batches so far, so that profile models are trained without reading old batches.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use tillstream_durable as durable;
use tillstream_shared::{Entity, Manifest, OffsetRange};

use super::cumulative::extend;
use crate::features::Profiles;

/// Version of the file's format.
const FORMAT_VERSION: u32 = 1;

/// What all batches up to one tell of every customer, product and country.
#[derive(Debug)]
pub(super) struct ProfileState {
    /// Number of the newest batch that is in; 0 for none.
    pub(super) last_batch: u64,
    /// Whether a batch came in since the state was stored.
    pub(super) changed: bool,
    /// From the first offset of the first batch to the last of the newest, by partition.
    pub(super) offsets: Vec<OffsetRange>,
    /// In the order of [`Entity::ALL`].
    pub(super) profiles: [Profiles; 3],
}

#[derive(Serialize, Deserialize)]
struct Stored {
    format_version: u32,
    last_batch: u64,
    offsets: Vec<OffsetRange>,
    profiles: [Vec<u8>; 3],
}

impl Default for ProfileState {
    fn default() -> Self {
        Self {
            last_batch: 0,
            changed: false,
            offsets: Vec::new(),
            profiles: Entity::ALL.map(Profiles::new),
        }
    }
}

impl ProfileState {
    /// Adds the profiles of the next batch.
    pub(super) fn add(&mut self, manifest: &Manifest, profiles: &[Profiles; 3]) {
        for (all, new) in self.profiles.iter_mut().zip(profiles) {
            all.merge(new);
        }
        extend(&mut self.offsets, &manifest.partitions);
        self.last_batch = manifest.number;
        self.changed = true;
    }

    /// Reads the file; `None` when there is none.
    ///
    /// # Errors
    /// What the file system reports, and `InvalidData` for a file that is not understood.
    pub(super) fn load(path: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes?,
        };
        let stored: Stored = postcard::from_bytes(&bytes).map_err(invalid)?;
        if stored.format_version != FORMAT_VERSION {
            return Err(invalid("it has another format version"));
        }
        let mut profiles = Vec::new();
        for (bytes, entity) in stored.profiles.iter().zip(Entity::ALL) {
            let of = Profiles::from_bytes(bytes).map_err(invalid)?;
            if of.entity() != entity {
                return Err(invalid("its entities are in another order"));
            }
            profiles.push(of);
        }
        let profiles = profiles.try_into().map_err(|_| invalid("it holds not three entities"))?;
        let Stored { last_batch, offsets, .. } = stored;
        Ok(Some(Self { last_batch, changed: false, offsets, profiles }))
    }

    /// Writes the file, in one piece.
    ///
    /// # Errors
    /// What the file system reports.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        let [customer, product, country] = &self.profiles;
        let profiles = [customer.to_bytes()?, product.to_bytes()?, country.to_bytes()?];
        let stored = Stored {
            format_version: FORMAT_VERSION,
            last_batch: self.last_batch,
            offsets: self.offsets.clone(),
            profiles,
        };
        durable::write(path, &postcard::to_allocvec(&stored).map_err(io::Error::other)?)
    }
}

fn invalid(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tillstream_shared::Line;

    use super::*;
    use crate::training::cumulative::tests::manifest;

    fn state() -> ProfileState {
        let mut state = ProfileState::default();
        let line = Line {
            invoice_no: "1".into(),
            stock_code: "A".into(),
            description: "".into(),
            quantity: 3,
            invoice_date: "2010-12-01 08:26:00".into(),
            unit_price: 0.1,
            customer_id: Some("17850".into()),
            country: "France".into(),
        };
        for (number, first, last) in [(1, 0, 9), (2, 10, 19)] {
            let profiles = Entity::ALL.map(|entity| {
                let mut profiles = Profiles::new(entity);
                profiles.add(&line);
                profiles
            });
            state.add(&manifest(number, first, last), &profiles);
        }
        state
    }

    #[test]
    fn it_comes_back_as_it_was_stored() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("profiles.bin");
        assert!(ProfileState::load(&path).unwrap().is_none());
        let state = state();
        state.save(&path).unwrap();
        let loaded = ProfileState::load(&path).unwrap().unwrap();
        assert_eq!((loaded.last_batch, loaded.changed), (2, false));
        assert_eq!(loaded.offsets, [OffsetRange { partition: 0, first: 0, last: 19 }]);
        assert_eq!(loaded.profiles, state.profiles);
    }

    #[test]
    fn a_file_that_is_not_understood_is_an_error() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("profiles.bin");
        state().save(&path).unwrap();
        let good = fs::read(&path).unwrap();
        let mut other_version = good.clone();
        other_version[0] = 9;
        let mut swapped = state();
        swapped.profiles.swap(0, 1);
        swapped.save(&path).unwrap();
        let swapped = fs::read(&path).unwrap();
        for bad in [other_version, swapped, good[..good.len() / 2].to_vec(), Vec::new()] {
            fs::write(&path, bad).unwrap();
            let error = ProfileState::load(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        }
    }
}
