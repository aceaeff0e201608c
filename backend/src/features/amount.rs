//! Sums of money that do not depend on the order of their terms.

use serde::{Deserialize, Serialize};

/// Steps of one unit of currency: the resolution is 2⁻⁶⁰.
const STEPS: f64 = (1_u64 << 60) as f64;

/// A sum of amounts from zero up, in fixed point.
///
/// Terms of 0.01 and more are held exactly, smaller ones to 2⁻⁶¹. Sums of integers are exact, so that
/// the same terms give the same bits in any order and in any grouping. At 2⁶⁸ (3e20) the sum stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Amount(u128);

impl Amount {
    /// Adds `term`; nothing where it is negative or no number.
    pub(super) fn add(&mut self, term: f64) {
        // The cast saturates, also for an infinity.
        self.merge(Self((term * STEPS).round() as u128));
    }

    /// Adds another sum.
    pub(super) fn merge(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }

    /// The sum, rounded to the nearest f64.
    pub(super) fn get(self) -> f64 {
        self.0 as f64 / STEPS
    }

    /// The sum without `other`, rounded once.
    pub(super) fn minus(self, other: Self) -> f64 {
        let difference = self.0.abs_diff(other.0) as f64 / STEPS;
        if self.0 < other.0 { -difference } else { difference }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(terms: &[f64]) -> Amount {
        let mut sum = Amount::default();
        terms.iter().for_each(|term| sum.add(*term));
        sum
    }

    #[test]
    fn the_order_of_the_terms_does_not_matter() {
        let terms = [0.1, 1e15, 0.2, 77.7, 1e-3, 3.3e9];
        let mut reversed = terms;
        reversed.reverse();
        assert_eq!(sum(&terms), sum(&reversed));
        let mut halves = sum(&terms[3..]);
        halves.merge(sum(&terms[..3]));
        assert_eq!(halves, sum(&terms));
    }

    #[test]
    fn terms_come_back() {
        for term in [0.0, 0.01, 0.29, 4.95, 12.75, 38_970.0, 168_469.6] {
            assert_eq!(sum(&[term]).get(), term);
        }
        assert_eq!(sum(&[2.5]).minus(sum(&[4.0])), -1.5);
        assert_eq!(sum(&[4.0]).minus(sum(&[2.5])), 1.5);
    }

    #[test]
    fn nothing_overflows() {
        let huge = sum(&[f64::INFINITY, f64::MAX, 1.0]);
        assert_eq!(huge, sum(&[f64::MAX]));
        assert!(huge.get().is_finite());
        assert_eq!(sum(&[f64::NAN, -1.0]), Amount::default());
    }
}
