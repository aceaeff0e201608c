//! The model that the unit tests begin with.

use tillstream_shared::{
    Entity, Filter, Funnel, Model, ModelKind, ModelNumber, Preprocessing, PreprocessingKind,
    Scaling, Transform,
};

/// A raw model of two clusters with these features.
pub(crate) fn model(kind: ModelKind, features: &[&str]) -> Model {
    let d = features.len();
    let centroids = vec![vec![2.0; d], vec![20.0; d]];
    Model {
        format_version: Model::FORMAT_VERSION,
        kind,
        entity: Entity::Customer,
        number: ModelNumber::Number(1),
        batch: Some(1),
        manifest: None,
        gaps: Vec::new(),
        features: features.iter().map(|name| (*name).to_owned()).collect(),
        preprocessing: Preprocessing {
            kind: PreprocessingKind::Raw,
            filter: Filter::All,
            transform: Transform::Identity,
            scaling: Scaling::None,
            means: vec![0.0; d],
            scales: vec![1.0; d],
            clip: None,
        },
        k: 2,
        seed: 1,
        restarts: 1,
        centroids: centroids.clone(),
        model_centroids: centroids,
        sizes: vec![1, 2],
        mean_values: vec![1.0, 2.0],
        sse: 1.0,
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
        trained_at: "2026-11-24T00:00:00Z".to_owned(),
    }
}
