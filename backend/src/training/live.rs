//! The models that follow the stream and forget: streaming k-means, fed batch by batch.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use tillstream_shared::{Decay, Entity, Manifest, Model, ModelNumber, OffsetRange, Preprocessing};

use super::{
    TrainerOptions,
    build::{LineFit, line_model},
};
use crate::{
    clustering::{ClusteringError, StreamingKMeans, WeightedPoints, number_clusters},
    durable,
    features::LinePoints,
};

/// Version of the file's format.
const FORMAT_VERSION: u32 = 1;

/// The live models of all entities.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// Number of the newest batch that is in; 0 for none.
    pub(super) last_batch: u64,
    /// Whether a batch came in since the state was stored.
    pub(super) changed: bool,
    /// Offsets of the newest batch.
    offsets: Vec<OffsetRange>,
    /// In the order of [`Entity::ALL`].
    followers: [Option<Follower>; 3],
    /// The points of the newest batch; `None` until the first batch of this process.
    newest: Option<[LinePoints; 3]>,
}

/// One live model.
#[derive(Debug, Serialize, Deserialize)]
struct Follower {
    /// That of the first batch, frozen: the clusters move in a space that stays.
    preprocessing: Preprocessing,
    clusters: StreamingKMeans,
}

#[derive(Serialize, Deserialize)]
struct Stored<F> {
    format_version: u32,
    last_batch: u64,
    followers: F,
}

impl Live {
    /// Feeds the next batch to all live models; gives a sentence for each that could not take it.
    pub(super) fn add(
        &mut self,
        manifest: &Manifest,
        points: [LinePoints; 3],
        options: &TrainerOptions,
    ) -> Vec<String> {
        let mut notices = Vec::new();
        for (follower, points) in self.followers.iter_mut().zip(&points) {
            if let Err(error) = follow(follower, points, options) {
                let (entity, batch) = (points.entity(), manifest.number);
                notices.push(format!("the live {entity} model leaves out batch {batch}: {error}"));
            }
        }
        self.last_batch = manifest.number;
        self.offsets.clone_from(&manifest.partitions);
        self.newest = Some(points);
        self.changed = true;
        notices
    }

    /// The live model of `entity`, seen on its newest batch; `None` when there is none yet.
    pub(super) fn model(
        &self,
        entity: Entity,
        options: &TrainerOptions,
    ) -> Option<Result<LineFit, ClusteringError>> {
        let follower = self.followers[entity as usize].as_ref()?;
        let points = &self.newest.as_ref()?[entity as usize];
        Some(self.seen_on(points, follower, options))
    }
}
