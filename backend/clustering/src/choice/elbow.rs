//! How sharply the curve of the SSE bends.
//!
//! Points without clusters still lose SSE with every centroid: in d dimensions it falls about as
//! k^(-2/d) (W. Krzanowski, Y. Lai, "A Criterion for Determining the Number of Groups in a Data Set
//! Using Sum-of-Squares Clustering", Biometrics 44, 1988, who multiply it by k^(2/d) before they compare
//! the steps of the curve). That law is a straight line when both axes are logarithmic, whatever d is;
//! so steps are compared there, and correlated features, which make fewer dimensions of d, need no care.

/// The elbow at `k`, from 0 (the curve falls on as it fell before) to 1 (it does not fall any more):
/// 1 - after / before, with the slope of ln SSE over ln k after and before `k`. `sses` holds the SSE
/// from k = 1 on, as far as there are distinct points; with as many clusters as these it is 0.
pub(super) fn strength(sses: &[f64], k: usize) -> f64 {
    if sses[k - 1] == 0.0 {
        return if sses[k - 2] > 0.0 { 1.0 } else { 0.0 };
    }
    let slope = |from: usize| -> Option<f64> {
        let (left, right) = (sses.get(from - 1)?, sses.get(from)?);
        Some((left / right).ln() / ((from + 1) as f64 / from as f64).ln())
    };
    match (slope(k - 1), slope(k)) {
        (Some(before), Some(after)) if before > 0.0 && after.is_finite() => {
            (1.0 - after / before).clamp(0.0, 1.0)
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_has_no_elbow() {
        for exponent in [-2.0, -1.0, -0.25] {
            let sses: Vec<f64> = (1..12).map(|k| f64::from(k).powf(exponent)).collect();
            for k in 2..=10 {
                assert!(strength(&sses, k) < 1e-12, "{exponent} {k}");
            }
        }
    }

    #[test]
    fn the_elbow_is_where_the_curve_stops_falling() {
        let sses = [100.0, 60.0, 20.0, 18.0, 16.5];
        assert!(strength(&sses, 3) > 0.8);
        assert!(strength(&sses, 2) < 1e-12 && strength(&sses, 4) < 0.2);
        assert_eq!(strength(&[8.0, 2.0, 2.0], 2), 1.0);
    }

    #[test]
    fn a_curve_that_ends_has_no_elbow_at_its_end() {
        assert_eq!(strength(&[8.0, 2.0], 2), 0.0);
        assert_eq!(strength(&[8.0, 2.0, 0.0], 2), 0.0);
        assert_eq!(strength(&[8.0, 2.0, 0.0], 3), 1.0, "three distinct points");
    }
}
