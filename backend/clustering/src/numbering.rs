//! Numbers the clusters of a model by ascending mean value.

use tillstream_shared::{nearest_centroid, squared_distance};

use crate::{error::ClusteringError, points::WeightedPoints, sum::Sum};

/// Clusters in the order of their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbered {
    /// k x d, in model space.
    pub centroids: Vec<Vec<f64>>,
    /// Cluster of every point, from 0: its nearest centroid, of equally near ones the first.
    pub labels: Vec<u32>,
    /// Sum of the weights of each cluster.
    pub weights: Vec<f64>,
    /// Mean value of the observations of each cluster, ascending.
    pub mean_values: Vec<f64>,
    /// For each cluster the index of its centroid among those given.
    pub given: Vec<usize>,
}

impl Numbered {
    /// Sum of squared distances of the observations to their centroids. `points` are those that were
    /// numbered.
    #[must_use]
    pub fn sse(&self, points: &WeightedPoints) -> f64 {
        let term = |((point, weight), label): ((&[f64], f64), &u32)| {
            weight * squared_distance(point, &self.centroids[*label as usize])
        };
        points.iter().zip(&self.labels).map(term).collect::<Sum>().get()
    }
}

/// Gives `points` (model space) to the nearest of `centroids` (k x d) and numbers these by ascending
/// mean of `values` (one for each point), of equal ones by ascending centroid. A cluster without points
/// has the value that `value_at` gives its centroid.
///
/// # Errors
/// [`ClusteringError::TooLarge`] when a mean value overflows.
pub fn number_clusters(
    points: &WeightedPoints,
    values: &[f64],
    centroids: Vec<Vec<f64>>,
    value_at: impl Fn(&[f64]) -> f64,
) -> Result<Numbered, ClusteringError> {
    let weights = points.weights();
    let labels = assign(points, &centroids);
    let mut given: Vec<usize> = (0..centroids.len()).collect();
    let mut numbered = tally(weights, values, centroids, labels, &value_at)?;
    // A point exactly between two centroids belongs to the first, so that a new order may move it,
    // and the means with it; hence the repetition, which hardly ever goes beyond the first round.
    for _ in 0..8 {
        let mut order: Vec<usize> = (0..numbered.centroids.len()).collect();
        order.sort_by(|&a, &b| {
            let by_value = numbered.mean_values[a].total_cmp(&numbered.mean_values[b]);
            let centroids = numbered.centroids[a].iter().zip(&numbered.centroids[b]);
            by_value.then_with(|| {
                centroids.map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne()).unwrap_or(a.cmp(&b))
            })
        });
        if order.is_sorted() {
            break;
        }
        let centroids: Vec<_> =
            order.iter().map(|&c| std::mem::take(&mut numbered.centroids[c])).collect();
        given = order.into_iter().map(|c| given[c]).collect();
        let labels = assign(points, &centroids);
        numbered = tally(weights, values, centroids, labels, &value_at)?;
    }
    Ok(Numbered { given, ..numbered })
}

/// The label of every point: its nearest centroid.
fn assign(points: &WeightedPoints, centroids: &[Vec<f64>]) -> Vec<u32> {
    points.iter().map(|(point, _)| nearest_centroid(point, centroids).index as u32).collect()
}

fn tally(
    weights: &[f64],
    values: &[f64],
    centroids: Vec<Vec<f64>>,
    labels: Vec<u32>,
    value_at: impl Fn(&[f64]) -> f64,
) -> Result<Numbered, ClusteringError> {
    let mut sizes = vec![Sum::default(); centroids.len()];
    let mut sums = vec![Sum::default(); centroids.len()];
    for ((weight, value), label) in weights.iter().zip(values).zip(&labels) {
        let cluster = *label as usize;
        sizes[cluster].add(*weight);
        sums[cluster].add(weight * value);
    }
    let weights: Vec<f64> = sizes.into_iter().map(Sum::get).collect();
    let mean = |((sum, weight), centroid): ((Sum, &f64), &Vec<f64>)| {
        if *weight > 0.0 { sum.get() / weight } else { value_at(centroid) }
    };
    let mean_values: Vec<f64> = sums.into_iter().zip(&weights).zip(&centroids).map(mean).collect();
    if !mean_values.iter().all(|value| value.is_finite()) {
        return Err(ClusteringError::TooLarge);
    }
    Ok(Numbered { centroids, labels, weights, mean_values, given: Vec::new() })
}
