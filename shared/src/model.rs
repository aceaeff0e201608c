//! A trained k-means model and the assignment of a point to one of its clusters.

use serde::{Deserialize, Serialize};

use crate::{
    Cluster, Entity, Evaluation, Excluded, MAX_FEATURES, ModelKind, ModelNumber, OffsetRange,
    Preprocessing, ReportCard, Text, Transition,
    distance::{nearest_centroid, squared_distance},
};

/// Lines that reached training, and why the others did not. Every line is counted once, at the
/// first reason that applies, in the order of the fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funnel {
    /// Lines looked at.
    pub lines: u64,
    /// Left out: no identifier of the entity (a sale without CustomerID).
    pub without_id: u64,
    /// Left out by the filter: quantity not positive.
    pub returns: u64,
    /// Left out by the filter: price not positive.
    pub unpriced: u64,
    /// Lines trained on.
    pub kept: u64,
}

/// A trained model, as stored in its file and served by the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Version of this format.
    pub format_version: u32,
    /// Whether lines or profiles are clustered.
    #[serde(default)]
    pub kind: ModelKind,
    /// What the lines or profiles are about.
    pub entity: Entity,
    /// The model's number, `all` or `live`.
    pub number: ModelNumber,
    /// The batch it was trained on, or the newest of several; none when trained from a file.
    pub batch: Option<u64>,
    /// Hash of the manifest of that batch; none when trained from a file, or by an earlier version.
    #[serde(default)]
    pub manifest: Option<String>,
    /// Numbers of the batches up to `batch` that the model lacks because their files are damaged,
    /// ascending; of a model of one batch none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<u64>,
    /// Names of the features, in the order of every coordinate below.
    pub features: Vec<String>,
    /// From original units to model space.
    pub preprocessing: Preprocessing,
    /// Number of clusters.
    pub k: u32,
    /// Seed of the starts.
    pub seed: u64,
    /// Starts, whose best solutions were recombined.
    #[serde(rename = "restarts")]
    pub n_init: u32,
    /// k x features, in original units.
    pub centroids: Vec<Vec<f64>>,
    /// k x features, in model space; what a point is compared with.
    pub model_centroids: Vec<Vec<f64>>,
    /// Lines (of a profile model customers, products or countries) in each cluster.
    pub sizes: Vec<u64>,
    /// Mean of Quantity x UnitPrice over the lines of each cluster, of a profile model the mean net
    /// spend or revenue; ascending.
    pub mean_values: Vec<f64>,
    /// Sum of squared distances of the lines or profiles to their centroids, in model space.
    pub sse: f64,
    /// How often all points were assigned since the centroids were last chosen anew: by a start, as
    /// offspring, from a sample or by a swap.
    pub iterations: u32,
    /// The cleaning funnel.
    pub funnel: Funnel,
    /// Offsets of the batch, one range per partition; for a model of several batches from the first
    /// to the last.
    pub offsets: Vec<OffsetRange>,
    /// Identity, name and description of every cluster, in the order of their numbers.
    #[serde(default)]
    pub clusters: Vec<Cluster>,
    /// The model that the clusters were matched with; none for the first of its row.
    #[serde(default)]
    pub previous: Option<ModelNumber>,
    /// Identities given out so far, from the first model of the row to this one.
    #[serde(default)]
    pub identities: u32,
    /// What became of the clusters of `previous`.
    #[serde(default)]
    pub transitions: Vec<Transition>,
    /// How good the clusters are.
    #[serde(default)]
    pub evaluation: Option<Evaluation>,
    /// Why k is what it is, when it was chosen and not given.
    #[serde(default)]
    pub report: Option<ReportCard>,
    /// Of a `live` model: how it forgets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decay: Option<Decay>,
    /// When it was trained, RFC 3339 in UTC.
    pub trained_at: String,
}

/// How much a `live` model still remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decay {
    /// What halves the weight of the past: a number of batches or of lines, such as `10batches`.
    pub half_life: String,
    /// The lines that each cluster still stands for, earlier ones discounted.
    pub weights: Vec<f64>,
}

/// The cluster of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assignment {
    /// From 1 to k, by ascending mean line value.
    pub cluster: u32,
    /// Euclidean distance to its centroid, in model space.
    pub distance: f64,
}

/// Why a model cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidModel {
    /// Written by another version of the program.
    #[error("format version {0} is not {expected}", expected = Model::FORMAT_VERSION)]
    FormatVersion(u32),
    /// The length of a list does not match k or the features.
    #[error("`{0}` has the wrong shape")]
    Shape(&'static str),
    /// A NaN, an infinity, or a scale or limit that is not above zero.
    #[error("`{0}` has a number that is not usable")]
    Number(&'static str),
}

impl Model {
    /// The version that this program writes and reads.
    pub const FORMAT_VERSION: u32 = 1;

    /// Checks version, shapes and finiteness.
    ///
    /// # Errors
    /// [`InvalidModel`] names the first field that is wrong.
    pub fn check(&self) -> Result<(), InvalidModel> {
        if self.format_version != Self::FORMAT_VERSION {
            return Err(InvalidModel::FormatVersion(self.format_version));
        }
        let (k, d) = (self.k as usize, self.features.len());
        let shape = |right, field| if right { Ok(()) } else { Err(InvalidModel::Shape(field)) };
        let matrix = |rows: &[Vec<f64>]| rows.len() == k && rows.iter().all(|row| row.len() == d);
        shape(k > 0, "k")?;
        shape(d > 0 && d <= MAX_FEATURES, "features")?;
        shape(matrix(&self.centroids), "centroids")?;
        shape(matrix(&self.model_centroids), "model_centroids")?;
        shape(self.sizes.len() == k, "sizes")?;
        shape(self.mean_values.len() == k, "mean_values")?;
        shape(self.clusters.is_empty() || self.clusters.len() == k, "clusters")?;
        shape(self.preprocessing.means.len() == d, "preprocessing.means")?;
        shape(self.preprocessing.scales.len() == d, "preprocessing.scales")?;

        finite(self.centroids.iter().flatten(), "centroids")?;
        finite(self.model_centroids.iter().flatten(), "model_centroids")?;
        finite(&self.mean_values, "mean_values")?;
        finite([&self.sse], "sse")?;
        finite(&self.preprocessing.means, "preprocessing.means")?;
        finite(&self.preprocessing.scales, "preprocessing.scales")?;
        if self.preprocessing.scales.iter().any(|scale| *scale <= 0.0) {
            return Err(InvalidModel::Number("preprocessing.scales"));
        }
        if self.preprocessing.clip.is_some_and(|limit| !(limit.is_finite() && limit > 0.0)) {
            return Err(InvalidModel::Number("preprocessing.clip"));
        }
        Ok(())
    }

    /// Assigns a point (original units, one value per feature) to a cluster, without allocating.
    /// Of equally near centroids the first is taken.
    ///
    /// # Errors
    /// [`Excluded`] when the model's preprocessing does not admit the point.
    pub fn assign(&self, values: &[f64]) -> Result<Assignment, Excluded> {
        let point = self.preprocessing.apply(values)?;
        let nearest = nearest_centroid(&point, &self.model_centroids);
        Ok(Assignment {
            cluster: nearest.index as u32 + 1,
            distance: nearest.squared_distance.sqrt(),
        })
    }

    /// Euclidean distance of a point (original units) to every centroid, in model space.
    ///
    /// # Errors
    /// [`Excluded`] when the model's preprocessing does not admit the point.
    pub fn distances(&self, values: &[f64]) -> Result<impl Iterator<Item = f64> + '_, Excluded> {
        let point = self.preprocessing.apply(values)?;
        Ok(self.model_centroids.iter().map(move |c| squared_distance(&point, c).sqrt()))
    }

    /// What cluster `cluster` (from 1) stands for, as in the system that this one replaces: of three
    /// clusters the lines of low, medium and high value.
    #[must_use]
    pub fn description(&self, cluster: u32) -> Text {
        let (one, many, dari) = match self.entity {
            Entity::Customer => ("customer", "customers", "pelanggan"),
            Entity::Product => ("product", "products", "produk"),
            Entity::Country => ("country", "countries", "negara"),
        };
        let (en, id) = match (self.k, cluster) {
            (1, _) => (format!("All {many}"), format!("Semua {dari}")),
            (2, 1) | (3, 1) => {
                (format!("Low-value {one} line"), format!("Transaksi {dari} bernilai rendah"))
            }
            (3, 2) => {
                (format!("Medium-value {one} line"), format!("Transaksi {dari} bernilai sedang"))
            }
            (2, 2) | (3, 3) => {
                (format!("High-value {one} line"), format!("Transaksi {dari} bernilai tinggi"))
            }
            (k, _) => (
                format!("{one} line of value rank {cluster} of {k}"),
                format!("Transaksi {dari} peringkat nilai {cluster} dari {k}"),
            ),
        };
        Text { en, id }
    }
}

fn finite<'a>(
    values: impl IntoIterator<Item = &'a f64>,
    field: &'static str,
) -> Result<(), InvalidModel> {
    if values.into_iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(InvalidModel::Number(field))
    }
}
