//! The state of the clusters between two batches.

use serde::{Deserialize, Serialize};

use super::half_life::HalfLife;

/// Centroids that follow a stream, in the model space of its first batch: the preprocessing is
/// fitted there once and stays as it is. Can be stored and read again with serde, to the bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct StreamingKMeans {
    /// k x d.
    pub(super) centroids: Vec<Vec<f64>>,
    /// n of every cluster: lines, the earlier ones decayed.
    pub(super) weights: Vec<f64>,
    /// Batches seen, the first and empty ones included.
    pub(super) batches: u64,
}

/// What is read, before it is checked.
#[derive(Deserialize)]
struct Stored {
    centroids: Vec<Vec<f64>>,
    weights: Vec<f64>,
    batches: u64,
}

/// Why a stored state cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidState {
    /// No cluster, or lists whose lengths do not go together.
    #[error("the centroids and weights of the streaming model do not go together")]
    Shape,
    /// A NaN, an infinity, a coordinate whose square overflows, or a negative weight.
    #[error("the streaming model holds a number that is not usable")]
    Number,
}

impl TryFrom<Stored> for StreamingKMeans {
    type Error = InvalidState;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { centroids, weights, batches } = stored;
        let d = centroids.first().map_or(0, Vec::len);
        if d == 0 || centroids.len() != weights.len() || centroids.iter().any(|c| c.len() != d) {
            return Err(InvalidState::Shape);
        }
        let usable = |x: &f64| (8.0 * d as f64 * x * x).is_finite();
        if !centroids.iter().flatten().all(usable)
            || !weights.iter().all(|w| w.is_finite() && *w >= 0.0)
        {
            return Err(InvalidState::Number);
        }
        Ok(Self { centroids, weights, batches })
    }
}

impl StreamingKMeans {
    /// Starts from the k centroids (k x d, model space) and k weights of the first batch's clusters.
    ///
    /// # Panics
    /// When there is no centroid, or not one weight for each.
    #[must_use]
    pub fn from_clusters(centroids: Vec<Vec<f64>>, weights: Vec<f64>) -> Self {
        assert!(!centroids.is_empty(), "there must be a cluster");
        assert_eq!(centroids.len(), weights.len(), "there must be one weight for each centroid");
        Self { centroids, weights, batches: 1 }
    }

    /// Number of clusters.
    #[must_use]
    pub fn k(&self) -> usize {
        self.centroids.len()
    }

    /// Number of features.
    #[must_use]
    pub fn d(&self) -> usize {
        self.centroids[0].len()
    }

    /// k x d, in model space.
    #[must_use]
    pub fn centroids(&self) -> &[Vec<f64>] {
        &self.centroids
    }

    /// Lines of every cluster, the earlier ones decayed.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Batches seen, the first and empty ones included.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// Lets a batch without lines pass: the weights decay (not at all for a half-life in lines),
    /// the centroids stay.
    pub fn pass(&mut self, half_life: HalfLife) {
        let alpha = half_life.decay(0.0);
        self.weights.iter_mut().for_each(|weight| *weight *= alpha);
        self.batches += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<StreamingKMeans, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_was_stored_is_read_again_and_invalid_state_is_refused() {
        let json = r#"{"centroids":[[0.1,2.0],[3.0,-4.0]],"weights":[1.5,0.0],"batches":7}"#;
        let state = read(json).unwrap();
        assert_eq!((state.k(), state.d(), state.batches()), (2, 2, 7));
        assert_eq!(serde_json::to_string(&state).unwrap(), json);
        for (bad, reason) in [
            (json.replace("[3.0,-4.0]", "[3.0]"), "do not go together"),
            (json.replace("[1.5,0.0]", "[1.5]"), "do not go together"),
            (json.replace("[0.1,2.0],[3.0,-4.0]", ""), "do not go together"),
            (json.replace("[0.1,2.0],[3.0,-4.0]", "[],[]"), "do not go together"),
            (json.replace("0.1", "1e200"), "not usable"),
            (json.replace("1.5", "-1.5"), "not usable"),
            (json.replace("1.5", "null"), "null"),
        ] {
            let error = read(&bad).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
