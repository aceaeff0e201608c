//! Distances between points, the same in training, on the server and in the page.

/// Squared Euclidean distance, summed from the first coordinate to the last over as many as both have.
#[inline]
#[must_use]
pub fn squared_distance<'a, 'b>(
    point: impl IntoIterator<Item = &'a f64>,
    centroid: impl IntoIterator<Item = &'b f64>,
) -> f64 {
    point.into_iter().zip(centroid).fold(0.0, |sum, (x, c)| sum + (x - c) * (x - c))
}

/// The centroid that is nearest to a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// Its index among the centroids, from 0.
    pub index: usize,
    /// Squared Euclidean distance to it.
    pub squared_distance: f64,
}

/// Finds the nearest of `centroids`, of equally near ones the first. Index 0 at an infinite distance when
/// there are none, or no distance is a number.
#[inline]
#[must_use]
pub fn nearest_centroid<'a, 'b>(
    point: impl IntoIterator<Item = &'a f64> + Copy,
    centroids: impl IntoIterator<Item: IntoIterator<Item = &'b f64>>,
) -> Nearest {
    let mut nearest = Nearest { index: 0, squared_distance: f64::INFINITY };
    for (index, centroid) in centroids.into_iter().enumerate() {
        let squared_distance = squared_distance(point, centroid);
        if squared_distance < nearest.squared_distance {
            nearest = Nearest { index, squared_distance };
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equally_near_centroids_is_taken() {
        let centroids = [[9.0, 0.0], [0.0, 1.0], [1.0, 0.0]];
        let nearest = nearest_centroid(&[0.0, 0.0], &centroids);
        assert_eq!(nearest, Nearest { index: 1, squared_distance: 1.0 });
        let unknown = nearest_centroid(&[f64::NAN, 0.0], &centroids);
        assert_eq!(unknown, Nearest { index: 0, squared_distance: f64::INFINITY });
    }
}
