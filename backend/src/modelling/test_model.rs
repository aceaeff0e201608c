//! A small model for unit tests.

use tillstream_shared::{
    Entity, Filter, Funnel, Model, ModelKind, ModelNumber, Preprocessing, PreprocessingKind,
    Scaling, Transform,
};

/// A model whose scaled features have the mean 0 and the deviation 1 before log1p is undone.
pub(crate) fn model(
    kind: ModelKind,
    entity: Entity,
    features: &[&str],
    clusters: &[(u64, &[f64])],
) -> Model {
    let d = features.len();
    let preprocessing = Preprocessing {
        kind: PreprocessingKind::Log,
        filter: Filter::All,
        transform: Transform::SignedLog1p,
        scaling: Scaling::Standard,
        means: vec![2.0; d],
        scales: vec![1.0; d],
        clip: None,
    };
    let original = |c: &[f64]| c.iter().map(|z| preprocessing.invert(0, *z)).collect();
    Model {
        format_version: Model::FORMAT_VERSION,
        kind,
        entity,
        number: ModelNumber::Number(1),
        batch: None,
        manifest: None,
        gaps: Vec::new(),
        features: features.iter().map(|name| (*name).to_owned()).collect(),
        k: clusters.len() as u32,
        seed: 1,
        restarts: 1,
        centroids: clusters.iter().map(|(_, c)| original(c)).collect(),
        model_centroids: clusters.iter().map(|(_, c)| c.to_vec()).collect(),
        sizes: clusters.iter().map(|(size, _)| *size).collect(),
        mean_values: vec![0.0; clusters.len()],
        sse: 0.0,
        iterations: 1,
        funnel: Funnel::default(),
        offsets: Vec::new(),
        clusters: Vec::new(),
        previous: None,
        identities: 0,
        transitions: Vec::new(),
        evaluation: None,
        report: None,
        decay: None,
        trained_at: String::new(),
        preprocessing,
    }
}
