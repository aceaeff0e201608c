//! The clusters that follow the stream and forget: streaming k-means, fed batch by batch.

use serde::{Deserialize, Serialize};
use tillstream_clustering::{HalfLife, StreamingKMeans};
use tillstream_shared::Preprocessing;

use crate::{
    features::LinePoints,
    modelling::{ModelParams, ModellingError, line_points, to_model_space, train_line_model},
};

/// Features of a line.
const FEATURES: usize = 2;

/// The clusters of one live model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveClusters {
    /// That of the first batch, frozen: the clusters move in a space that stays.
    pub preprocessing: Preprocessing,
    /// Of the first batch's clustering.
    pub n_init: u32,
    /// Of the first batch's clustering.
    pub seed: u64,
    /// In the order in which the first batch's clusters were numbered.
    pub clusters: StreamingKMeans,
}

impl LiveClusters {
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

    /// Whether preprocessing and clusters fit together.
    pub(super) fn is_valid(&self) -> bool {
        let Preprocessing { means, scales, .. } = &self.preprocessing;
        [self.clusters.d(), means.len(), scales.len()] == [FEATURES; 3]
            && scales.iter().all(|scale| *scale > 0.0)
    }
}

/// Gives a batch to the live clusters of one entity, which begin with the first batch that can be clustered.
pub(super) fn feed(
    live: &mut Option<LiveClusters>,
    points: &LinePoints,
    params: &ModelParams,
    half_life: HalfLife,
) -> Result<(), ModellingError> {
    if let Some(live) = live {
        return live.update(points, half_life);
    }
    let (kept, _) = points.filtered(params.preprocessing.filter());
    let trained = train_line_model(&kept, params)?;
    let weights = trained.sizes.iter().map(|size| *size as f64).collect();
    *live = Some(LiveClusters {
        preprocessing: trained.preprocessing,
        n_init: params.n_init,
        seed: params.seed,
        clusters: StreamingKMeans::from_clusters(trained.model_centroids, weights),
    });
    Ok(())
}
