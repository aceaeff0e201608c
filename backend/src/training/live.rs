//! The models that follow the stream and forget.

use tillstream_clustering::{HalfLife, evaluate, number_clusters};
use tillstream_shared::{Decay, Model, ModelKind, ModelNumber};

use super::build::{LINE_FEATURES, LineFit, named};
use crate::{
    features::{LinePoints, WeightedPoint},
    modelling::{ModellingError, line_points, to_model_space},
    progress::now,
    training_state::LiveClusters,
};

/// The live model as the points of its newest batch show it: sizes, SSE and mean values are those of the
/// batch.
///
/// # Errors
/// [`ModellingError`], such as for a batch without a point that the model admits.
pub(super) fn live_model(
    live: &LiveClusters,
    points: &LinePoints,
    half_life: HalfLife,
) -> Result<LineFit, ModellingError> {
    let LiveClusters { preprocessing, n_init, seed, clusters } = live;
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
        seed: *seed,
        n_init: *n_init,
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
