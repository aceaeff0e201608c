//! Where the centroids of two models lie with respect to each other.

use tillstream_shared::{Model, Preprocessing, squared_distance};

/// Beyond this many root mean squared distances from its centroids a model has seen hardly any points.
const MAX_RMS_DISTANCES: f64 = 3.0;

/// Distances between the centroids of a previous model and those of a new one.
pub(super) struct Geometry {
    /// Previous x new, in the new model's space; infinite where the spaces cannot be compared.
    distances: Vec<Vec<f64>>,
    /// Of every new centroid the nearest previous one, in the previous model's space, and whether
    /// it is in reach.
    nearest: Vec<(usize, bool)>,
}

impl Geometry {
    pub(super) fn new(previous: &Model, new: &Model) -> Self {
        let comparable = previous.features == new.features;
        let between = |a: &[f64], b: &[f64]| {
            let squared = squared_distance(a, b);
            if comparable && squared.is_finite() { squared.sqrt() } else { f64::INFINITY }
        };
        let converted = previous.model_centroids.iter();
        let converted = converted.map(|c| convert(c, &previous.preprocessing, &new.preprocessing));
        let distances = converted
            .map(|p| new.model_centroids.iter().map(|c| between(&p, c)).collect())
            .collect();

        let old = &previous.model_centroids;
        let spread = (previous.sse / previous.sizes.iter().sum::<u64>().max(1) as f64).sqrt();
        let nearest = new.model_centroids.iter().map(|centroid| {
            let centroid = convert(centroid, &new.preprocessing, &previous.preprocessing);
            let (p, distance) = nearest(old.iter().map(|p| between(p, &centroid)));
            let others = old.iter().enumerate().filter(|(other, _)| *other != p);
            let neighbour = nearest_distance(others.map(|(_, other)| between(&old[p], other)));
            (p, distance <= (MAX_RMS_DISTANCES * spread).max(neighbour / 2.0))
        });
        Self { distances, nearest: nearest.collect() }
    }

    /// Euclidean distance of two centroids in the new model's space.
    pub(super) fn distance(&self, p: usize, c: usize) -> f64 {
        self.distances[p][c]
    }

    /// The previous centroid that is nearest to that of `c`.
    pub(super) fn nearest(&self, c: usize) -> usize {
        self.nearest[c].0
    }

    /// Whether the previous model has seen points around the centroid of `c`.
    pub(super) fn reaches(&self, c: usize) -> bool {
        self.nearest[c].1
    }
}

/// The index of the smallest distance, of equal ones the first, and the distance.
fn nearest(distances: impl Iterator<Item = f64>) -> (usize, f64) {
    let first = (0, f64::INFINITY);
    distances.enumerate().fold(first, |best, next| if next.1 < best.1 { next } else { best })
}

/// The smallest distance, or 0 when there is none.
fn nearest_distance(distances: impl Iterator<Item = f64>) -> f64 {
    distances.reduce(f64::min).unwrap_or(0.0)
}

/// Converts a point of one model space to another: a linear function where the transforms are the
/// same, by way of original units otherwise. A coordinate that does not exist there becomes NaN.
fn convert(point: &[f64], from: &Preprocessing, to: &Preprocessing) -> Vec<f64> {
    let coordinate = |(j, z): (usize, &f64)| {
        let transformed = if from.transform == to.transform {
            z * from.scales[j] + from.means[j]
        } else {
            to.transform.forward(from.invert(j, *z))
        };
        let (mean, scale) = (to.means.get(j)?, to.scales.get(j)?);
        let z = (transformed - mean) / scale;
        Some(to.clip.map_or(z, |limit| z.clamp(-limit, limit)))
    };
    point.iter().enumerate().map(|each| coordinate(each).unwrap_or(f64::NAN)).collect()
}

#[cfg(test)]
mod tests {
    use tillstream_shared::{Filter, PreprocessingKind, Scaling, Transform};

    use super::*;

    fn space(transform: Transform, mean: f64, scale: f64) -> Preprocessing {
        Preprocessing {
            kind: PreprocessingKind::Log,
            filter: Filter::Positive,
            transform,
            scaling: Scaling::Standard,
            means: vec![mean],
            scales: vec![scale],
            clip: None,
        }
    }

    #[test]
    fn a_point_is_the_same_in_every_space() {
        let log = space(Transform::Log1p, 2.0, 0.5);
        let other = space(Transform::Log1p, 1.0, 4.0);
        let raw = space(Transform::Identity, 0.0, 1.0);
        for value in [0.5, 3.0, 1e6] {
            let at = |space: &Preprocessing| space.apply(&[value]).unwrap()[0];
            for (from, to) in [(&log, &other), (&log, &raw), (&raw, &other)] {
                let converted = convert(&[at(from)], from, to)[0];
                assert!((converted - at(to)).abs() <= 1e-9 * at(to).abs().max(1.0), "{converted}");
            }
        }
        assert!(convert(&[-5.0], &raw, &log)[0].is_nan(), "there is no logarithm of -4");
    }
}
