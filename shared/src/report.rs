//! How good clusters are, and why there are so many of them.

use serde::{Deserialize, Serialize};

/// A mean silhouette (Rousseeuw 1987), from -1 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Silhouette {
    /// The mean over all observations.
    pub value: f64,
    /// How many distinct points it was computed from when these were a sample; none when it is exact.
    pub sampled: Option<u64>,
}

/// What is measured on one clustering.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Mean silhouette; none for one cluster or when every point is a cluster of its own.
    pub silhouette: Option<Silhouette>,
    /// Davies-Bouldin index (1979), from 0, smaller is better; none as above.
    pub davies_bouldin: Option<f64>,
    /// Calinski-Harabasz index (1974), larger is better; none as above, and when the SSE is 0.
    pub calinski_harabasz: Option<f64>,
}

/// One k of a [`ReportCard`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Number of clusters.
    pub k: u32,
    /// Sum of squared errors, in model space.
    pub sse: f64,
    /// The indices.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// How sharply the curve of the SSE bends here, from 0 (not at all) to 1.
    pub elbow: f64,
    /// Mean adjusted Rand index between this clustering and those of bootstrap samples; 1 is perfectly
    /// stable.
    pub stability: f64,
    /// Time of the fit, in milliseconds.
    pub fit_ms: f64,
}

/// The k that each criterion prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// Largest silhouette.
    pub silhouette: Option<u32>,
    /// Smallest Davies-Bouldin index.
    pub davies_bouldin: Option<u32>,
    /// Largest Calinski-Harabasz index.
    pub calinski_harabasz: Option<u32>,
    /// Sharpest bend of the SSE; none when there is no elbow.
    pub elbow: Option<u32>,
    /// The largest k that is stable; none when no k is.
    pub stability: Option<u32>,
}

/// How many clusters the points have, as far as it can be said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportCard {
    /// One row for each k, ascending.
    pub rows: Vec<ReportRow>,
    /// The choice of each criterion.
    pub choices: Choices,
    /// The k that the model has.
    pub chosen: u32,
    /// Whether the criteria agree; otherwise there is no clear k.
    pub clear: bool,
    /// One sentence that says so.
    pub verdict: String,
}
