//! What all batches so far amount to, so that models of many batches are trained without reading old
//! batches again.
//!
//! **Architecture invariant:** points and profiles depend on the set of batches that were absorbed, not on
//! their order; live clusters depend on both. Nothing here makes models.

mod file;
mod live;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use tillstream_clustering::HalfLife;
use tillstream_shared::{Entity, Line, Manifest, OffsetRange, api::Gap};

pub use live::LiveClusters;

use crate::{
    features::{LinePoints, Profiles},
    modelling::{ModelParams, ModellingError},
};

/// Where the state of the models in the folder `models` lies.
#[must_use]
pub fn state_path(models: &Path) -> PathBuf {
    models.join("training_state.bin")
}

/// A batch, told from any other by the hash of its manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchId {
    /// From 1; 0 for none.
    pub number: u64,
    /// [`Manifest::hash`]; empty for none.
    pub manifest: String,
}

impl BatchId {
    /// That of the batch of `manifest`.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        Self { number: manifest.number, manifest: manifest.hash.clone() }
    }
}

/// What the lines of one batch amount to, for every entity in the order of [`Entity::ALL`].
#[derive(Debug, Clone)]
pub struct BatchContent {
    /// For line models.
    pub points: [LinePoints; 3],
    /// For profile models.
    pub profiles: [Profiles; 3],
}

impl Default for BatchContent {
    fn default() -> Self {
        Self { points: Entity::ALL.map(LinePoints::new), profiles: Entity::ALL.map(Profiles::new) }
    }
}

impl BatchContent {
    /// Adds one line.
    pub fn add(&mut self, line: &Line<'_>) {
        self.points.iter_mut().for_each(|points| points.add(line));
        self.profiles.iter_mut().for_each(|profiles| profiles.add(line));
    }
}

/// The newest batch that was absorbed: the one that models of many batches name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestBatch {
    /// Which one.
    pub id: BatchId,
    /// Its offsets.
    pub offsets: Vec<OffsetRange>,
}

/// What all batches up to one amount to.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingState {
    /// The newest batch that was absorbed or left out.
    pub last: BatchId,
    /// The newest batch that was absorbed.
    pub newest: Option<NewestBatch>,
    /// Batches that were left out because their files are damaged, and what is wrong with each.
    pub gaps: BTreeMap<u64, String>,
    /// Batches that the live models were never fed, and never will be: the stream has moved on.
    pub live_gaps: BTreeSet<u64>,
    /// Line models, by batch, that were trained and could not be stored.
    pub unstored: BTreeSet<(u64, Entity)>,
    /// From the first offset of the first batch to the last of the newest, by partition.
    pub offsets: Vec<OffsetRange>,
    /// The points of every entity, in the order of [`Entity::ALL`].
    pub points: [LinePoints; 3],
    /// The profiles of every entity, in the same order.
    pub profiles: [Profiles; 3],
    /// The live clusters of every entity, in the same order; none until a batch could be clustered.
    pub live: [Option<LiveClusters>; 3],
}

impl Default for TrainingState {
    fn default() -> Self {
        let BatchContent { points, profiles } = BatchContent::default();
        Self {
            last: BatchId::default(),
            newest: None,
            gaps: BTreeMap::new(),
            live_gaps: BTreeSet::new(),
            unstored: BTreeSet::new(),
            offsets: Vec::new(),
            points,
            profiles,
            live: [const { None }; 3],
        }
    }
}

impl TrainingState {
    /// Takes up the next batch; gives the entities whose live clusters could not take it, and why.
    pub fn absorb(
        &mut self,
        manifest: &Manifest,
        batch: &BatchContent,
        params: &ModelParams,
        half_life: HalfLife,
    ) -> Vec<(Entity, ModellingError)> {
        self.merge(batch);
        for range in &manifest.partitions {
            match self.offsets.iter_mut().find(|known| known.partition == range.partition) {
                Some(known) => known.last = range.last,
                None => self.offsets.push(*range),
            }
        }
        let mut failed = Vec::new();
        for (live, points) in self.live.iter_mut().zip(&batch.points) {
            if let Err(error) = live::feed(live, points, params, half_life) {
                failed.push((points.entity(), error));
            }
        }
        self.last = BatchId::of(manifest);
        let (id, offsets) = (self.last.clone(), manifest.partitions.clone());
        self.newest = Some(NewestBatch { id, offsets });
        failed
    }

    /// Leaves out the next batch, which is damaged.
    pub fn leave_out(&mut self, manifest: &Manifest, reason: String) {
        self.gaps.insert(manifest.number, reason);
        self.live_gaps.insert(manifest.number);
        self.last = BatchId::of(manifest);
    }

    /// Takes up a batch that was left out and is whole again. Points and profiles are then those that they
    /// would be had it never been damaged; the live clusters do without it.
    pub fn absorb_late(&mut self, manifest: &Manifest, batch: &BatchContent) {
        self.merge(batch);
        for range in &manifest.partitions {
            match self.offsets.iter_mut().find(|known| known.partition == range.partition) {
                Some(known) => known.first = known.first.min(range.first),
                None => self.offsets.push(*range),
            }
        }
        self.gaps.remove(&manifest.number);
    }

    fn merge(&mut self, batch: &BatchContent) {
        for (all, new) in self.points.iter_mut().zip(&batch.points) {
            all.merge(new);
        }
        for (all, new) in self.profiles.iter_mut().zip(&batch.profiles) {
            all.merge(new);
        }
    }

    /// Forgets the gaps after the newest batch that was absorbed: nothing has passed them, so that they are
    /// tried again like batches that are new.
    pub fn reopen_last_gaps(&mut self) {
        self.last = self.newest.as_ref().map(|newest| newest.id.clone()).unwrap_or_default();
        self.gaps.split_off(&(self.last.number + 1));
        self.live_gaps.split_off(&(self.last.number + 1));
    }

    /// The gaps, for the status.
    pub fn gaps(&self) -> impl Iterator<Item = Gap> {
        self.gaps.iter().map(|(batch, reason)| Gap { batch: *batch, reason: reason.clone() })
    }
}

#[cfg(test)]
mod tests;
