//! The optimal one-to-one assignment (Kuhn 1955, Munkres 1957).

use pathfinding::{kuhn_munkres::kuhn_munkres, matrix::Matrix};

/// Steps into which the largest distance is divided: the Hungarian method is exact, and sure to
/// end, on whole numbers.
const STEPS: i64 = 1 << 32;

/// The supported pairs (row, column) of the assignment that has the most of them and, of these, the
/// smallest sum of distances. Distances are from 0 up; an infinite one counts as the largest.
///
/// ```
/// use tillstream_clustering::optimal_assignment;
///
/// let distances = [[0.0, 1.0], [1.0, 5.0]];
/// let mut pairs = optimal_assignment(2, 2, |row, column| distances[row][column], |_, _| true);
/// pairs.sort_unstable();
/// assert_eq!(pairs, [(0, 1), (1, 0)]);
/// ```
pub fn optimal_assignment(
    rows: usize,
    columns: usize,
    distance: impl Fn(usize, usize) -> f64,
    supported: impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let (few, many) = (rows.min(columns), rows.max(columns));
    // The method needs at most as many rows as columns.
    let pair = |few, many| if rows <= columns { (few, many) } else { (many, few) };
    let all = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let largest = all.map(|(row, column)| distance(row, column)).filter(|d| d.is_finite());
    let largest = largest.fold(f64::MIN_POSITIVE, f64::max);
    // One supported pair outweighs all distances together.
    let bonus = STEPS * (few as i64 + 1);
    let weights = Matrix::from_fn(few, many, |(a, b)| {
        let (row, column) = pair(a, b);
        let steps = (distance(row, column) / largest).min(1.0) * STEPS as f64;
        let bonus = if supported(row, column) { bonus } else { 0 };
        bonus - steps as i64
    });
    let (_, assigned) = kuhn_munkres(&weights);
    let pairs = assigned.into_iter().enumerate().map(|(a, b)| pair(a, b));
    pairs.filter(|&(row, column)| supported(row, column)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(mut pairs: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn the_smallest_sum_wins_in_both_orientations() {
        let distances = [[0.0, 1.0, 9.0], [1.0, 5.0, 9.0]];
        let wide = optimal_assignment(2, 3, |r, c| distances[r][c], |_, _| true);
        assert_eq!(sorted(wide), [(0, 1), (1, 0)]);
        let tall = optimal_assignment(3, 2, |r, c| distances[c][r], |_, _| true);
        assert_eq!(sorted(tall), [(0, 1), (1, 0)]);
    }

    #[test]
    fn support_comes_before_distance() {
        let distances = [[0.0, 5.0], [5.0, f64::INFINITY]];
        let pairs = optimal_assignment(2, 2, |r, c| distances[r][c], |r, c| r != c);
        assert_eq!(sorted(pairs), [(0, 1), (1, 0)]);
        assert_eq!(optimal_assignment(2, 2, |_, _| 0.0, |r, c| (r, c) == (1, 0)), [(1, 0)]);
        assert!(optimal_assignment(2, 2, |_, _| f64::INFINITY, |_, _| false).is_empty());
    }
}
