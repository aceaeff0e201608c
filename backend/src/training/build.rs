//! From lines or profiles to a model that is not published yet.

use tillstream_clustering::WeightedPoints;
use tillstream_shared::{Cluster, Entity, Funnel, Model, ModelKind, ModelNumber};

use crate::{
    features::{LinePoints, ProfileTable, WeightedPoint},
    modelling::{
        ModelParams, ModellingError, Trained, name_clusters, train_line_model, train_model,
    },
    progress::now,
};

/// Names of the features of line models.
pub(super) const LINE_FEATURES: [&str; 2] = ["Quantity", "UnitPrice"];

/// A line model with the points it was trained on and their clusters, from 1.
pub(super) struct LineFit {
    pub(super) model: Model,
    pub(super) points: Vec<WeightedPoint>,
    pub(super) labels: Vec<u32>,
}

/// Trains a line model without a batch, as number 1.
///
/// # Errors
/// [`ModellingError`].
pub(super) fn line_model(
    points: &LinePoints,
    params: &ModelParams,
) -> Result<LineFit, ModellingError> {
    let (kept, funnel) = points.filtered(params.preprocessing.filter());
    let mut trained = train_line_model(&kept, params)?;
    let labels = std::mem::take(&mut trained.labels);
    let features = LINE_FEATURES.map(str::to_owned).to_vec();
    let model = model(trained, ModelKind::Line, points.entity(), features, funnel, params);
    Ok(LineFit { model, points: kept, labels })
}

/// Trains a profile model without a batch, as number 1, and gives the clusters of the rows, from 1.
///
/// # Errors
/// [`ModellingError`].
pub(super) fn profile_model(
    table: &ProfileTable,
    params: &ModelParams,
) -> Result<(Model, Vec<u32>), ModellingError> {
    let points = WeightedPoints::unweighted(table.features.len(), table.rows.clone())?;
    let mut trained = train_model(&points, &table.values, params)?;
    let labels = std::mem::take(&mut trained.labels);
    let features = table.features.clone();
    let model = model(trained, ModelKind::Profile, table.entity, features, table.funnel, params);
    Ok((model, labels))
}

/// The model with its clusters named, as the first of its row.
pub(super) fn named(model: Model) -> Model {
    let names = (1..=model.k).zip(name_clusters(&model));
    let cluster = |(number, (name, sentence))| Cluster { number, identity: number, name, sentence };
    let clusters = names.map(cluster).collect();
    Model { clusters, identities: model.k, ..model }
}

fn model(
    trained: Trained,
    kind: ModelKind,
    entity: Entity,
    features: Vec<String>,
    funnel: Funnel,
    params: &ModelParams,
) -> Model {
    named(Model {
        format_version: Model::FORMAT_VERSION,
        kind,
        entity,
        number: ModelNumber::Number(1),
        batch: None,
        manifest: None,
        gaps: Vec::new(),
        features,
        preprocessing: trained.preprocessing,
        k: trained.k,
        seed: params.seed,
        n_init: params.n_init,
        centroids: trained.centroids,
        model_centroids: trained.model_centroids,
        sizes: trained.sizes,
        mean_values: trained.mean_values,
        sse: trained.sse,
        iterations: trained.iterations,
        funnel,
        offsets: Vec::new(),
        trained_at: now(),
        clusters: Vec::new(),
        previous: None,
        identities: 0,
        transitions: Vec::new(),
        evaluation: trained.evaluation,
        report: trained.report,
        decay: None,
    })
}
