//! Which cluster of a new model is which of the previous one, and what became of the others.
//!
//! k-means numbers its clusters anew every time. An *identity* stays: the clusters of a new model
//! are matched one to one with those of the previous model, and a matched cluster keeps the
//! identity. k may differ between the two.
//!
//! # What is compared
//!
//! Let n(p, c) be the lines or entities that are in cluster p by the previous model and in c by the
//! new one, n(p) all that are in p (with those that have left since) and n(c) all that are in c
//! (with those that have arrived); see [`Overlap`]. As in MONIC (Spiliopoulou, Ntoutsi, Theodoridis
//! & Schult, "MONIC: modeling and monitoring cluster transitions", KDD 2006) the overlap decides,
//! here with a threshold of one half. A pair (p, c) is *supported* when n(p, c) > 0 and at least half
//! of p went into c, n(p, c) >= n(p) / 2, or at least half of c came from p, n(p, c) >= n(c) / 2. A
//! pair of which nothing was seen at all, n(p) = n(c) = 0, is supported when no previous centroid is
//! nearer to that of c than that of p.
//!
//! A previous *line* model has to put every line somewhere, even where it never saw one. So a
//! cluster of lines that lies out of the previous model's reach is supported by none: when d is the
//! distance from its centroid to the nearest previous one, in the previous model's space, d > 3 R
//! for the root mean squared distance R = sqrt(SSE / lines) of the previous model, and d is more
//! than half of the distance from that nearest centroid to its own nearest neighbour. The members
//! of profile models are known by their identifiers; there the overlap alone decides.
//!
//! # The assignment
//!
//! Of all one-to-one assignments with the most supported pairs the one with the smallest sum of
//! Euclidean distances between centroids, in the new model's space, found by the Hungarian method
//! (Kuhn 1955, Munkres 1957). The pairs in it that are supported are the same clusters.
//!
//! # The events
//!
//! - *continued*: the two clusters of such a pair.
//! - *split*: a new cluster without a partner at least half of which came from one previous
//!   cluster. That one goes on elsewhere: otherwise the two would be a pair.
//! - *born*: every other new cluster without a partner.
//! - *merged*: a previous cluster without a partner at least half of which went into one new
//!   cluster, which another one continues, for the same reason.
//! - *died*: every other previous cluster without a partner.

mod geometry;
mod overlap;

pub use overlap::{InvalidMembership, Overlap, line_overlap, membership_overlap};

use tillstream_clustering::optimal_assignment;
use tillstream_shared::{Model, ModelKind, Transition, TransitionKind};

use geometry::Geometry;

/// The identities of a new model's clusters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matching {
    /// One for each cluster of the new model, in the order of their numbers; from 1.
    pub identities: Vec<u32>,
    /// Identities given out so far; goes into [`Model::identities`].
    pub identities_used: u32,
    /// What happened: first every cluster of the new model in order, then the previous clusters
    /// that are no more.
    pub transitions: Vec<Transition>,
}

impl Matching {
    /// The identities of the first model of a row, 1 to `k`.
    #[must_use]
    pub fn first(k: u32) -> Self {
        Self { identities: (1..=k).collect(), identities_used: k, transitions: Vec::new() }
    }
}

/// Gives the clusters of `new` the identities of those of `previous` that they continue, and the
/// others new ones that no cluster had before. The clusters of a `previous` without identities
/// count as 1 to k. The numbers of the previous clusters do not matter, only their identities.
///
/// # Panics
/// When `overlap` is not that of the two models.
#[must_use]
pub fn match_clusters(previous: &Model, new: &Model, overlap: &Overlap) -> Matching {
    let shape = (previous.k as usize, new.k as usize);
    assert_eq!(overlap.shape(), shape, "the overlap must be that of the two models");
    let before = identities(previous);
    let geometry = Geometry::new(previous, new);
    let reached = |c: usize| new.kind == ModelKind::Profile || geometry.reaches(c);
    let mut partners = Partners { previous: vec![None; shape.0], new: vec![None; shape.1] };

    // In the order of identities, so that of equally good assignments the same one is taken
    // whatever the numbers are.
    let mut order: Vec<usize> = (0..shape.0).collect();
    order.sort_by_key(|&p| before[p]);
    let supported = |row: usize, c: usize| {
        let p = order[row];
        let seen = overlap.previous_total(p) > 0 || overlap.new_total(c) > 0;
        let related = overlap.mostly_into(p, c) || overlap.mostly_from(p, c);
        reached(c) && if seen { related } else { geometry.nearest(c) == p }
    };
    let distance = |row: usize, c: usize| geometry.distance(order[row], c);
    for (row, c) in optimal_assignment(shape.0, shape.1, distance, supported) {
        partners.previous[order[row]] = Some(c);
        partners.new[c] = Some(order[row]);
    }

    let mut used = previous.identities.max(before.iter().copied().max().unwrap_or(0));
    let mut identities = Vec::with_capacity(shape.1);
    let mut transitions = Vec::with_capacity(shape.0 + shape.1);
    for c in 0..shape.1 {
        let origin = (0..shape.0).find(|&p| reached(c) && overlap.mostly_from(p, c));
        let (event, from) = match (partners.new[c], origin) {
            (Some(p), _) => (TransitionKind::Continued, Some(p)),
            (None, Some(p)) => (TransitionKind::Split, Some(p)),
            (None, None) => (TransitionKind::Born, None),
        };
        let identity = partners.new[c].map_or(used + 1, |p| before[p]);
        used = used.max(identity);
        identities.push(identity);
        transitions.push(Transition {
            event,
            identity,
            from: from.map(number),
            to: Some(number(c)),
        });
    }
    for &p in order.iter().filter(|p| partners.previous[**p].is_none()) {
        let into = (0..shape.1).find(|&c| reached(c) && overlap.mostly_into(p, c));
        let event = if into.is_some() { TransitionKind::Merged } else { TransitionKind::Died };
        let from = Some(number(p));
        transitions.push(Transition { event, identity: before[p], from, to: into.map(number) });
    }
    Matching { identities, identities_used: used, transitions }
}

/// Index of the partner of every cluster that has one.
struct Partners {
    previous: Vec<Option<usize>>,
    new: Vec<Option<usize>>,
}

fn identities(model: &Model) -> Vec<u32> {
    if model.clusters.is_empty() {
        return (1..=model.k).collect();
    }
    model.clusters.iter().map(|cluster| cluster.identity).collect()
}

/// The number of the cluster at `index`.
fn number(index: usize) -> u32 {
    index as u32 + 1
}
