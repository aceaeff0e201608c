//! The models that follow the stream and forget: streaming k-means, fed batch by batch.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use tillstream_clustering::{HalfLife, StreamingKMeans, evaluate, number_clusters};
use tillstream_durable as durable;
use tillstream_shared::{
    Decay, Entity, Manifest, Model, ModelKind, ModelNumber, OffsetRange, Preprocessing,
};

use super::{
    TrainerOptions,
    build::{LINE_FEATURES, LineFit, named},
};
use crate::{
    features::{LinePoints, WeightedPoint},
    modelling::{ModellingError, line_points, to_model_space, train_line_model},
    progress::now,
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
    /// Of the first batch's clustering.
    restarts: u32,
    seed: u64,
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

    /// The live model of `entity`, as its newest batch shows it: sizes, SSE and mean values are those of
    /// the batch. `None` when there is none.
    pub(super) fn model(
        &self,
        entity: Entity,
        half_life: HalfLife,
    ) -> Option<Result<LineFit, ModellingError>> {
        let follower = self.followers[entity as usize].as_ref()?;
        let points = &self.newest.as_ref()?[entity as usize];
        let fit = follower.seen_on(points, half_life).map(|fit| LineFit {
            model: Model {
                batch: Some(self.last_batch),
                offsets: self.offsets.clone(),
                ..fit.model
            },
            ..fit
        });
        Some(fit)
    }

    /// Reads the file; `None` when there is none.
    ///
    /// # Errors
    /// What the file system reports, and `InvalidData` for a file that is not understood.
    pub(super) fn load(path: &Path) -> io::Result<Option<Self>> {
        let json = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            json => json?,
        };
        let stored: Stored<[Option<Follower>; 3]> = serde_json::from_slice(&json)?;
        let fits = |follower: &Follower| {
            let Preprocessing { means, scales, .. } = &follower.preprocessing;
            let d = [follower.clusters.d(), means.len(), scales.len()];
            d == [LINE_FEATURES.len(); 3] && scales.iter().all(|scale| *scale > 0.0)
        };
        if stored.format_version != FORMAT_VERSION {
            let reason = "it has another format version";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        if !stored.followers.iter().flatten().all(fits) {
            let reason = "preprocessing and clusters do not fit together";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(Some(Self {
            last_batch: stored.last_batch,
            followers: stored.followers,
            ..Self::default()
        }))
    }

    /// Writes the file, in one piece.
    ///
    /// # Errors
    /// What the file system reports.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        let stored = Stored {
            format_version: FORMAT_VERSION,
            last_batch: self.last_batch,
            followers: &self.followers,
        };
        durable::write(path, &serde_json::to_vec(&stored)?)
    }
}

/// Gives a batch to one live model, which begins with the first batch that can be clustered.
fn follow(
    follower: &mut Option<Follower>,
    points: &LinePoints,
    options: &TrainerOptions,
) -> Result<(), ModellingError> {
    if let Some(follower) = follower {
        return follower.update(points, options.half_life);
    }
    let (kept, _) = points.filtered(options.lines.preprocessing.filter());
    let trained = train_line_model(&kept, &options.lines)?;
    let weights = trained.sizes.iter().map(|size| *size as f64).collect();
    *follower = Some(Follower {
        preprocessing: trained.preprocessing,
        restarts: options.lines.n_init,
        seed: options.lines.seed,
        clusters: StreamingKMeans::from_clusters(trained.model_centroids, weights),
    });
    Ok(())
}

impl Follower {
    fn update(&mut self, points: &LinePoints, half_life: HalfLife) -> Result<(), ModellingError> {
        let (kept, _) = points.filtered(self.preprocessing.filter);
        if kept.is_empty() {
            self.clusters.pass(half_life);
            return Ok(());
        }
        let points = to_model_space(&self.preprocessing, &line_points(&kept)?)?;
        self.clusters.update(&points, half_life)?;
        Ok(())
    }

    /// The model as the lines of a batch show it.
    fn seen_on(&self, points: &LinePoints, half_life: HalfLife) -> Result<LineFit, ModellingError> {
        let Self { preprocessing, clusters, .. } = self;
        let (kept, funnel) = points.filtered(preprocessing.filter);
        let model_points = to_model_space(preprocessing, &line_points(&kept)?)?;
        let invert = |centroid: &[f64]| -> Vec<f64> {
            centroid.iter().enumerate().map(|(j, z)| preprocessing.invert(j, *z)).collect()
        };
        let values: Vec<f64> = kept.iter().map(WeightedPoint::value).collect();
        let value_at = |centroid: &[f64]| invert(centroid).iter().product();
        let centroids = clusters.centroids().to_vec();
        let numbered = number_clusters(&model_points, &values, centroids, value_at)?;
        let (k, labels) = (clusters.k(), &numbered.labels);
        let model = named(Model {
            format_version: Model::FORMAT_VERSION,
            kind: ModelKind::Line,
            entity: points.entity(),
            number: ModelNumber::Live,
            batch: None,
            manifest: None,
            gaps: Vec::new(),
            features: LINE_FEATURES.map(str::to_owned).to_vec(),
            preprocessing: preprocessing.clone(),
            k: k as u32,
            seed: self.seed,
            n_init: self.restarts,
            centroids: numbered.centroids.iter().map(|centroid| invert(centroid)).collect(),
            sse: numbered.sse(&model_points),
            sizes: numbered.weights.iter().map(|weight| *weight as u64).collect(),
            mean_values: numbered.mean_values.clone(),
            iterations: u32::try_from(clusters.batches()).unwrap_or(u32::MAX),
            funnel,
            offsets: Vec::new(),
            trained_at: now(),
            clusters: Vec::new(),
            previous: None,
            identities: 0,
            transitions: Vec::new(),
            evaluation: Some(evaluate(&model_points, labels, k)),
            report: None,
            decay: Some(Decay {
                half_life: half_life.to_string(),
                weights: numbered.given.iter().map(|c| clusters.weights()[*c]).collect(),
            }),
            model_centroids: numbered.centroids,
        });
        let labels = numbered.labels.into_iter().map(|label| label + 1).collect();
        Ok(LineFit { model, points: kept, labels })
    }
}
