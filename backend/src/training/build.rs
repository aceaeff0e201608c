//! From lines or profiles to a model that is not published yet.

use tillstream_shared::{Entity, Funnel, Model, ModelKind, ModelNumber};

use super::TrainerOptions;
use crate::{
    clustering::{ClusteringError, Trained, WeightedPoints, train_line_model, train_model},
    features::{LinePoints, ProfileTable, WeightedPoint},
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
/// [`ClusteringError`].
pub(super) fn line_model(
    points: &LinePoints,
    options: &TrainerOptions,
) -> Result<LineFit, ClusteringError> {
    let (kept, funnel) = points.filtered(options.preprocessing.filter());
    let TrainerOptions { k, preprocessing, clip, restarts, seed, .. } = *options;
    let mut trained = train_line_model(&kept, preprocessing, clip, k, restarts, seed)?;
    let labels = std::mem::take(&mut trained.labels);
    let features = LINE_FEATURES.map(str::to_owned).to_vec();
    let model = model(trained, ModelKind::Line, points.entity(), features, funnel, options);
    Ok(LineFit { model, points: kept, labels })
}

/// Trains a profile model without a batch, as number 1, and gives the clusters of the rows, from 1.
///
/// # Errors
/// [`ClusteringError`].
pub(super) fn profile_model(
    table: &ProfileTable,
    options: &TrainerOptions,
) -> Result<(Model, Vec<u32>), ClusteringError> {
    let TrainerOptions { k, profile_preprocessing, clip, restarts, seed, .. } = *options;
    let points = WeightedPoints::unweighted(table.features.len(), table.rows.clone())?;
    let mut trained =
        train_model(&points, &table.values, profile_preprocessing, clip, k, restarts, seed)?;
    let labels = std::mem::take(&mut trained.labels);
    let features = table.features.clone();
    let model =
        model(trained, ModelKind::Profile, table.entity, features, table.funnel, options);
    Ok((model, labels))
}

fn model(
    trained: Trained,
    kind: ModelKind,
    entity: Entity,
    features: Vec<String>,
    funnel: Funnel,
    options: &TrainerOptions,
) -> Model {
    Model {
        format_version: Model::FORMAT_VERSION,
        kind,
        entity,
        number: ModelNumber::Number(1),
        batch: None,
        features,
        preprocessing: trained.preprocessing,
        k: trained.k,
        seed: options.seed,
        restarts: options.restarts,
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
        evaluation: Some(trained.evaluation),
        report: trained.report,
        decay: None,
    }
}
