//! The profiles of all batches so far, so that profile models are trained without reading old batches.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use tillstream_shared::{Entity, Manifest, OffsetRange};

use super::cumulative::extend;
use crate::{durable, features::Profiles};

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
}
