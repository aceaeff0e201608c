//! Models for tests, here and in the crates above.

use crate::{
    Entity, Funnel, Model, ModelKind, ModelNumber, Preprocessing, PreprocessingKind, Scaling,
};

/// The features of line models.
pub const LINE_FEATURES: [&str; 2] = ["Quantity", "UnitPrice"];

/// Model number 1 with the preprocessing `raw`: model space is that of the original units. `clusters`
/// holds the size and the centroid of each, one value for each feature; it passes [`Model::check`]. For
/// anything else use `Model { …, ..raw_model(…) }`.
#[must_use]
pub fn raw_model(
    kind: ModelKind,
    entity: Entity,
    features: &[&str],
    clusters: &[(u64, &[f64])],
) -> Model {
    model(kind, entity, features, clusters, PreprocessingKind::Raw)
}

/// Model number 1 whose features are scaled: `clusters` holds the size and the model-space centroid of
/// each, which is taken back by a mean of 2, a standard deviation of 1 and a signed log1p.
#[must_use]
pub fn scaled_model(
    kind: ModelKind,
    entity: Entity,
    features: &[&str],
    clusters: &[(u64, &[f64])],
) -> Model {
    model(kind, entity, features, clusters, PreprocessingKind::Signed)
}

fn model(
    kind: ModelKind,
    entity: Entity,
    features: &[&str],
    clusters: &[(u64, &[f64])],
    preprocessing: PreprocessingKind,
) -> Model {
    let scaling = preprocessing.scaling();
    let mean = if scaling == Scaling::None { 0.0 } else { 2.0 };
    let preprocessing = Preprocessing {
        kind: preprocessing,
        filter: preprocessing.filter(),
        transform: preprocessing.transform(),
        scaling,
        means: vec![mean; features.len()],
        scales: vec![1.0; features.len()],
        clip: None,
    };
    let original = |centroid: &[f64]| -> Vec<f64> {
        centroid.iter().enumerate().map(|(j, z)| preprocessing.invert(j, *z)).collect()
    };
    let lines = clusters.iter().map(|(size, _)| size).sum();
    Model {
        format_version: Model::FORMAT_VERSION,
        kind,
        entity,
        number: ModelNumber::Number(1),
        batch: Some(1),
        manifest: None,
        gaps: Vec::new(),
        features: features.iter().map(|name| (*name).to_owned()).collect(),
        k: clusters.len() as u32,
        seed: 1,
        n_init: 10,
        centroids: clusters.iter().map(|(_, centroid)| original(centroid)).collect(),
        model_centroids: clusters.iter().map(|(_, centroid)| centroid.to_vec()).collect(),
        sizes: clusters.iter().map(|(size, _)| *size).collect(),
        mean_values: (1..=clusters.len()).map(|value| value as f64).collect(),
        sse: 0.0,
        iterations: 4,
        funnel: Funnel { lines, kept: lines, ..Funnel::default() },
        offsets: Vec::new(),
        clusters: Vec::new(),
        previous: None,
        identities: 0,
        transitions: Vec::new(),
        evaluation: None,
        report: None,
        decay: None,
        trained_at: "2026-11-24T00:00:00Z".to_owned(),
        preprocessing,
    }
}
