//! Whether a new model is good enough to become champion.

use tillstream_shared::{Judgement, Model};

/// What the gate asks of a candidate.
///
/// The defaults are for line models of three clusters of batches of 10,000 lines. Of the `log` models
/// of the real data set's 55 batches they pass 54 (customers), 55 (products) and 55 (countries).
/// Models of raw values fail, by their smallest cluster. Smaller batches and more clusters vary more
/// from one to the next, and want lower limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateLimits {
    /// The smallest mean silhouette, from -1 to 1. By default 0.25, below which Kaufman & Rousseeuw
    /// ("Finding Groups in Data", 1990) find no substantial structure.
    pub min_silhouette: f64,
    /// How far the mean silhouette may be below that of the champion on the same points; by default
    /// 0.1.
    pub max_silhouette_drop: f64,
    /// The smallest adjusted Rand index between the assignments by the candidate and by the
    /// champion or the model before; by default 0.6.
    pub min_stability: f64,
    /// The smallest share of the observations that a cluster may have, from 0 to 1; by default
    /// 0.01.
    pub min_share: f64,
}

impl Default for GateLimits {
    fn default() -> Self {
        Self { min_silhouette: 0.25, max_silhouette_drop: 0.1, min_stability: 0.6, min_share: 0.01 }
    }
}

/// How the champion does on the points of a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChallengerComparison {
    /// Mean silhouette of the champion's clusters on the candidate's points; none where they are all
    /// in one.
    pub champion_silhouette: Option<f64>,
    /// Adjusted Rand index between the assignments of the candidate's points by the candidate and by
    /// the champion, or by the model before the candidate where that agrees better: one odd model is
    /// held back, and a change that lasts is let through.
    pub stability: f64,
}

/// Judges `candidate` by quality, stability and the size of its smallest cluster. Without a champion
/// there is no `comparison`, and nothing to be stable against. The candidate's silhouette is that of its
/// [`Model::evaluation`]. One cluster has no silhouette and is not judged by it.
#[must_use]
pub fn judge(
    candidate: &Model,
    comparison: Option<ChallengerComparison>,
    limits: &GateLimits,
) -> Judgement {
    let stability = comparison.map(|comparison| comparison.stability);
    let champion_silhouette = comparison.and_then(|comparison| comparison.champion_silhouette);
    let mut reasons = Vec::new();
    let silhouette = silhouette(candidate);
    match silhouette {
        Some(value) if below(value, limits.min_silhouette) => reasons.push(format!(
            "The mean silhouette {value:.3} is below the minimum {:.3}.",
            limits.min_silhouette
        )),
        None if candidate.k > 1 => reasons.push(format!(
            "The model has {} clusters and no mean silhouette to hold against the minimum {:.3}.",
            candidate.k, limits.min_silhouette
        )),
        _ => {}
    }
    if let (Some(value), Some(best)) = (silhouette, champion_silhouette)
        && best - value > limits.max_silhouette_drop
    {
        reasons.push(format!(
            "The mean silhouette {value:.3} is more than {:.3} below the champion's {best:.3}.",
            limits.max_silhouette_drop
        ));
    }
    if let Some(stability) = stability
        && below(stability, limits.min_stability)
    {
        reasons.push(format!(
            "The adjusted Rand index {stability:.3} against the champion and the model before is below \
             the minimum {:.3}.",
            limits.min_stability
        ));
    }
    let smallest_share = smallest_share(candidate);
    if below(smallest_share, limits.min_share) {
        reasons.push(format!(
            "The smallest cluster has {:.3}% of the observations, below the minimum {:.3}%.",
            100.0 * smallest_share,
            100.0 * limits.min_share
        ));
    }
    Judgement { silhouette, stability, smallest_share, reasons }
}

/// What cannot be compared does not pass either.
fn below(value: f64, minimum: f64) -> bool {
    value.is_nan() || value < minimum
}

fn silhouette(model: &Model) -> Option<f64> {
    model.evaluation?.silhouette.map(|silhouette| silhouette.value)
}

fn smallest_share(model: &Model) -> f64 {
    let total: u64 = model.sizes.iter().sum();
    let smallest = model.sizes.iter().min().copied().unwrap_or(0);
    smallest as f64 / total.max(1) as f64
}

#[cfg(test)]
mod tests {
    use tillstream_shared::{Entity, Evaluation, ModelKind, Silhouette, testing::scaled_model};

    use super::*;

    fn model(silhouette: Option<f64>, sizes: &[u64]) -> Model {
        let clusters: Vec<(u64, &[f64])> = sizes.iter().map(|size| (*size, &[0.0][..])).collect();
        let evaluation = Evaluation {
            silhouette: silhouette.map(|value| Silhouette { value, sampled: None }),
            davies_bouldin: None,
            calinski_harabasz: None,
        };
        Model {
            evaluation: Some(evaluation),
            ..scaled_model(ModelKind::Line, Entity::Customer, &["Quantity"], &clusters)
        }
    }

    fn judged(candidate: &Model, stability: Option<f64>, champion: Option<f64>) -> Judgement {
        let contest = stability
            .map(|stability| ChallengerComparison { champion_silhouette: champion, stability });
        judge(candidate, contest, &GateLimits::default())
    }

    #[test]
    fn a_good_model_passes_with_and_without_a_champion() {
        let good = model(Some(0.41), &[20, 30, 50]);
        let first = judged(&good, None, None);
        assert_eq!((first.silhouette, first.stability), (Some(0.41), None));
        assert_eq!((first.smallest_share, first.reasons.len()), (0.2, 0));
        assert!(judged(&good, Some(0.95), Some(0.5)).reasons.is_empty());
        assert!(judged(&good, Some(0.6), Some(0.2)).reasons.is_empty());
    }

    #[test]
    fn every_reason_names_both_figures() {
        let bad = judged(&model(Some(0.2), &[1, 499]), Some(0.1), Some(0.45));
        assert_eq!(
            bad.reasons,
            [
                "The mean silhouette 0.200 is below the minimum 0.250.",
                "The mean silhouette 0.200 is more than 0.100 below the champion's 0.450.",
                "The adjusted Rand index 0.100 against the champion and the model before is below the \
                 minimum 0.600.",
                "The smallest cluster has 0.200% of the observations, below the minimum 1.000%.",
            ]
        );
    }

    #[test]
    fn what_was_not_measured_does_not_pass() {
        assert_eq!(judged(&model(None, &[50, 50]), None, None).reasons.len(), 1);
        let mut unjudged = model(None, &[50, 50]);
        unjudged.evaluation = None;
        assert!(judged(&unjudged, None, None).reasons[0].contains("no mean silhouette"));
        assert_eq!(judged(&model(Some(f64::NAN), &[50, 50]), None, None).reasons.len(), 1);
        assert_eq!(judged(&model(Some(0.5), &[50, 50]), Some(f64::NAN), None).reasons.len(), 1);
        assert_eq!(judged(&model(Some(0.5), &[0, 0]), None, None).reasons.len(), 1);
        assert!(judged(&model(None, &[100]), None, None).reasons.is_empty(), "one cluster");
    }
}
