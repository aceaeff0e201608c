//! The assignors: who is to read which partitions.

mod range;
mod uniform;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Partitions;

/// A way to share out partitions, run by the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(crate) enum Assignor {
    /// All members get the same number as far as their subscriptions allow it, and keep what they have.
    #[default]
    Uniform,
    /// Neighbouring partitions of each topic go to the same member, those of the same number in different
    /// topics as well.
    Range,
}

impl Assignor {
    /// All that there are, the default first.
    pub(crate) const ALL: [Self; 2] = [Self::Uniform, Self::Range];

    /// Kafka's name of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// The assignor of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// Shares out all partitions of `topics`, which is a number of partitions by topic; the shares are in
    /// the order of `members`.
    pub(super) fn assign(
        self,
        members: &[Subscriber<'_>],
        topics: &BTreeMap<Uuid, i32>,
    ) -> Vec<Partitions> {
        match self {
            Self::Uniform => uniform::assign(members, topics),
            Self::Range => range::assign(members, topics),
        }
    }
}

/// What an assignor knows of a member.
#[derive(Debug)]
pub(super) struct Subscriber<'a> {
    pub(super) id: &'a str,
    pub(super) instance_id: Option<&'a str>,
    /// The topics that it reads.
    pub(super) topics: BTreeSet<Uuid>,
    /// What it was assigned before.
    pub(super) previous: &'a Partitions,
}

/// The members that read each topic, as positions in `members`.
fn subscribers(
    members: &[Subscriber<'_>],
    topics: &BTreeMap<Uuid, i32>,
) -> BTreeMap<Uuid, Vec<usize>> {
    let mut all: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
    for (i, member) in members.iter().enumerate() {
        for topic in member.topics.iter().filter(|topic| topics.contains_key(topic)) {
            all.entry(*topic).or_default().push(i);
        }
    }
    all
}
