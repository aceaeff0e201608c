//! The solver as a `linfa` estimator.

use linfa::{
    DatasetBase,
    traits::{Fit, PredictInplace},
};
use ndarray::{Array1, ArrayBase, Data, Ix2};
use tillstream_shared::nearest_centroid;

use super::{k_means::KMeans, params::KMeansValidParams};
use crate::{error::ClusteringError, points::WeightedPoints};

/// Clusters the records of a dataset, n x d. Without weights every record stands for one
/// observation.
///
/// `linfa` keeps weights as `f32`, which holds whole numbers only up to 2^24 = 16,777,216 exactly;
/// beyond that use [`KMeansValidParams::fit_points`].
impl<D: Data<Elem = f64>, T> Fit<ArrayBase<D, Ix2>, T, ClusteringError> for KMeansValidParams {
    type Object = KMeans;

    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
    ) -> Result<Self::Object, ClusteringError> {
        let (n, d) = dataset.records.dim();
        let weights = match dataset.weights() {
            Some(weights) => weights.iter().copied().map(f64::from).collect(),
            None => vec![1.0; n],
        };
        let coordinates = dataset.records.iter().copied().collect();
        self.fit_points(&WeightedPoints::new(d, coordinates, weights)?)
    }
}

/// Gives every record (n x d) the cluster of its nearest centroid, from 0.
impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array1<usize>> for KMeans {
    fn predict_inplace(&self, records: &ArrayBase<D, Ix2>, labels: &mut Array1<usize>) {
        assert_eq!(
            records.ncols(),
            self.centroids.ncols(),
            "records must have the model's features"
        );
        assert_eq!(records.nrows(), labels.len(), "there must be one label for each record");
        for (record, label) in records.rows().into_iter().zip(labels) {
            *label = nearest_centroid(&record, self.centroids.rows()).index;
        }
    }

    fn default_target(&self, records: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(records.nrows())
    }
}
