//! The clusters of one customer, product or country over the models, and what changed.

use tillstream_shared::api::Membership;

/// Models one after the other in which it stayed in the same cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Number of the first of these models.
    pub first: u64,
    /// Number of the last.
    pub last: u64,
    /// The membership in the last of them, whose name is the newest.
    pub newest: Membership,
}

/// Groups `history` (oldest first) by the clusters' identities: a cluster that only got another
/// number is still the same.
#[must_use]
pub fn runs(history: &[Membership]) -> Vec<Run> {
    let same = |a: &Membership, b: &Membership| a.identity == b.identity;
    let run = |chunk: &[Membership]| {
        let (first, newest) = (chunk.first()?, chunk.last()?);
        Some(Run { first: first.model, last: newest.model, newest: newest.clone() })
    };
    history.chunk_by(same).filter_map(run).collect()
}

#[cfg(test)]
mod tests {
    use tillstream_shared::Text;

    use super::*;

    fn membership(model: u64, cluster: u32, identity: u32) -> Membership {
        Membership {
            model,
            cluster,
            identity,
            name: Text::default(),
            trained_at: "2026-11-24T00:00:00Z".to_owned(),
        }
    }

    #[test]
    fn a_run_follows_the_identity_and_not_the_number() {
        let history =
            [membership(1, 2, 2), membership(2, 3, 2), membership(4, 1, 1), membership(5, 3, 2)];
        let found: Vec<_> =
            runs(&history).iter().map(|run| (run.first, run.last, run.newest.cluster)).collect();
        assert_eq!(found, [(1, 2, 3), (4, 4, 1), (5, 5, 3)]);
        assert_eq!(runs(&[]), []);
    }
}
