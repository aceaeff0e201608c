//! Whether a new model is good enough to become champion.

use tillstream_shared::{Judgement, Model};

/// What the gate asks of a candidate. See `GateLimits::default` for the usual limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateLimits {
    /// The smallest mean silhouette, from -1 to 1.
    pub min_silhouette: f64,
    /// How far the mean silhouette may be below that of the champion.
    pub max_silhouette_drop: f64,
    /// The smallest adjusted Rand index between the assignments by the candidate and by the champion.
    pub min_stability: f64,
    /// The smallest share of the observations that a cluster may have, from 0 to 1.
    pub min_share: f64,
}

/// Judges `candidate` by quality, stability and the size of its smallest cluster. `stability` is the
/// adjusted Rand index between the assignments by the candidate and by the champion, on the candidate's
/// points; without a champion there is nothing to be stable against. The silhouettes are those of
/// [`Model::evaluation`]. One cluster has no silhouette and is not judged by it.
#[must_use]
pub fn judge(
    candidate: &Model,
    stability: Option<f64>,
    champion: Option<&Model>,
    limits: &GateLimits,
) -> Judgement {
    let mut reasons = Vec::new();
    let silhouette = silhouette(candidate);
    match silhouette {
        // So written, and below, that a NaN does not pass.
        Some(value) if !(value >= limits.min_silhouette) => reasons.push(format!(
            "The mean silhouette {value:.3} is below the minimum {:.3}.",
            limits.min_silhouette
        )),
        None if candidate.k > 1 => reasons.push(format!(
            "The model has {} clusters and no mean silhouette to hold against the minimum {:.3}.",
            candidate.k, limits.min_silhouette
        )),
        _ => {}
    }
    if let (Some(value), Some(best)) = (silhouette, champion.and_then(self::silhouette))
        && best - value > limits.max_silhouette_drop
    {
        reasons.push(format!(
            "The mean silhouette {value:.3} is more than {:.3} below the champion's {best:.3}.",
            limits.max_silhouette_drop
        ));
    }
    if let Some(stability) = stability
        && !(stability >= limits.min_stability)
    {
        reasons.push(format!(
            "The adjusted Rand index {stability:.3} against the champion is below the minimum {:.3}.",
            limits.min_stability
        ));
    }
    let smallest_share = smallest_share(candidate);
    if !(smallest_share >= limits.min_share) {
        reasons.push(format!(
            "The smallest cluster has {:.3}% of the observations, below the minimum {:.3}%.",
            100.0 * smallest_share,
            100.0 * limits.min_share
        ));
    }
    Judgement { silhouette, stability, smallest_share, reasons }
}

fn silhouette(model: &Model) -> Option<f64> {
    model.evaluation?.silhouette.map(|silhouette| silhouette.value)
}

fn smallest_share(model: &Model) -> f64 {
    let total: u64 = model.sizes.iter().sum();
    let smallest = model.sizes.iter().min().copied().unwrap_or(0);
    smallest as f64 / total.max(1) as f64
}
impl Default for GateLimits {
    fn default() -> Self {
        Self { min_silhouette: 0.3, max_silhouette_drop: 0.1, min_stability: 0.5, min_share: 0.02 }
    }
}
