//! The arithmetic of a model, whatever its rows stand for.

use linfa::ParamGuard;
use tillstream_clustering::{
    ChosenK, ClusteringError, KChoice, KMeansParams, WeightedPoints, choose_k, evaluate,
    number_clusters,
};
use tillstream_shared::{Evaluation, Preprocessing, PreprocessingKind, ReportCard};

use super::{error::ModellingError, preprocess::fit_preprocessing};

/// How a model is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelParams {
    /// How the values come to model space, and which rows are admitted.
    pub preprocessing: PreprocessingKind,
    /// The largest absolute value in model space, to which larger ones are cut.
    pub clip: Option<f64>,
    /// Number of clusters, or that it is to be chosen.
    pub k: KChoice,
    /// Starts, whose best solutions are recombined (`--restarts`).
    pub n_init: u32,
    /// Seed of the starts.
    pub seed: u64,
    /// Whether to measure how good the clusters are; on some thousand distinct points that takes longer
    /// than finding them.
    pub evaluate: bool,
}

/// The parts of a model that depend on arithmetic only. Clusters are in the order of their numbers,
/// 1 to k.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// From original units to model space.
    pub preprocessing: Preprocessing,
    /// Number of clusters.
    pub k: u32,
    /// k x d, in original units. Of a `log` model the model-space centroid taken back, which is near
    /// the geometric mean of the cluster, not its arithmetic mean.
    pub centroids: Vec<Vec<f64>>,
    /// k x d, in model space.
    pub model_centroids: Vec<Vec<f64>>,
    /// Observations in each cluster: lines, or customers, products or countries. Rounded where weights
    /// are not whole numbers.
    pub sizes: Vec<u64>,
    /// Mean value of the observations of each cluster, ascending.
    pub mean_values: Vec<f64>,
    /// Sum of squared errors over the observations, in model space.
    pub sse: f64,
    /// How often all points were assigned since the centroids were last chosen anew: by a start, as
    /// offspring, from a sample or by a swap.
    pub iterations: u32,
    /// Cluster of every point, from 1 to k: what `Model::assign` answers for it.
    pub labels: Vec<u32>,
    /// How good the clusters are, where that was to be measured.
    pub evaluation: Option<Evaluation>,
    /// Why there are k of them; none when k was given.
    pub report: Option<ReportCard>,
}

/// Trains a model on `points` (n x d, original units), which the filter of the preprocessing must admit. `values`
/// holds for each point the mean value of one of its observations: quantity · unit price of a line, or
/// the net spend or revenue of a profile. The result depends on the order of the points only in how ties
/// are broken and samples are drawn; give them sorted to have the same bits every time.
///
/// # Errors
/// [`ModellingError`] says what to do; above all [`ClusteringError::TooFewPoints`] when there are
/// fewer than k distinct points, or fewer than 2 where k is to be chosen.
pub fn train_model(
    points: &WeightedPoints,
    values: &[f64],
    params: &ModelParams,
) -> Result<Trained, ModellingError> {
    if values.len() != points.n() {
        let (values, points) = (values.len(), points.n());
        return Err(ClusteringError::Values { values, points }.into());
    }
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(ClusteringError::Value(at).into());
    }
    let ModelParams { preprocessing, clip, k, n_init, seed, .. } = *params;
    let (preprocessing, model_points) = fit_preprocessing(preprocessing, clip, points)?;
    let (fit, mut report) = match k {
        KChoice::Fixed(k) => {
            let params = KMeansParams::new(k as usize).n_init(n_init).seed(seed).check()?;
            (params.fit_points(&model_points)?, None)
        }
        KChoice::Auto => {
            let ChosenK { fit, report } = choose_k(&model_points, n_init, seed)?;
            (fit, Some(report))
        }
    };

    let centroids = fit.centroids.rows().into_iter().map(|row| row.to_vec()).collect();
    let numbered = number_clusters(&model_points, values, centroids, |_| 0.0)?;
    let k = numbered.centroids.len() as u32;
    let evaluation = params.evaluate.then(|| evaluate(&model_points, &numbered.labels, k as usize));
    // The same but for the last digits, since clusters are added in another order now; a model should
    // not contradict its own report even there.
    let rows = report.iter_mut().flat_map(|report| &mut report.rows);
    if let Some(evaluation) = evaluation {
        rows.filter(|row| row.k == k).for_each(|row| row.evaluation = evaluation);
    }
    let centroids = numbered
        .centroids
        .iter()
        .map(|c| c.iter().enumerate().map(|(j, z)| preprocessing.invert(j, *z)).collect())
        .collect();
    Ok(Trained {
        preprocessing,
        k,
        centroids,
        model_centroids: numbered.centroids,
        sizes: numbered.weights.iter().map(|weight| weight.round() as u64).collect(),
        mean_values: numbered.mean_values,
        sse: fit.sse,
        iterations: fit.iterations,
        labels: numbered.labels.into_iter().map(|label| label + 1).collect(),
        evaluation,
        report,
    })
}
