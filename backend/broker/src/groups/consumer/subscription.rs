//! What members have subscribed to, and which topics that means.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::member::ConsumerMember;
use crate::{pattern::NamePattern, topics::Topic};

/// The topics that there are.
pub(crate) trait TopicIndex {
    /// Id and number of partitions of a topic.
    fn find(&self, name: &str) -> Option<(Uuid, i32)>;
    /// The names of all.
    fn names(&self) -> impl Iterator<Item = &str>;
}

impl TopicIndex for BTreeMap<String, Topic> {
    fn find(&self, name: &str) -> Option<(Uuid, i32)> {
        self.get(name).map(|topic| (topic.id, topic.partitions.len() as i32))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.keys().map(String::as_str)
    }
}

/// Name to id and number of partitions of topics.
pub(super) type SubscribedTopics = BTreeMap<String, (Uuid, i32)>;

/// What the members of a group have subscribed to, all together.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    names: BTreeSet<String>,
    patterns: BTreeMap<String, NamePattern>,
}

impl Subscriptions {
    pub(super) fn of<'a>(members: impl Iterator<Item = &'a ConsumerMember>) -> Self {
        let mut all = Self::default();
        for member in members {
            all.names.extend(member.topic_names.iter().cloned());
            let pattern = member.topic_pattern.iter();
            all.patterns
                .extend(pattern.map(|pattern| (pattern.as_str().to_owned(), pattern.clone())));
        }
        all
    }

    /// The topics among them that exist.
    pub(super) fn resolve(&self, topics: &impl TopicIndex) -> SubscribedTopics {
        let matching = |name: &&str| self.patterns.values().any(|pattern| pattern.matches(name));
        // Without a pattern, other topics need not be looked at.
        let by_pattern = topics.names().take_while(|_| !self.patterns.is_empty()).filter(matching);
        let names = self.names.iter().map(String::as_str).chain(by_pattern);
        names.filter_map(|name| Some((name.to_owned(), topics.find(name)?))).collect()
    }
}

/// The ids of the topics among `topics` that a member reads.
pub(super) fn topics_of(member: &ConsumerMember, topics: &SubscribedTopics) -> BTreeSet<Uuid> {
    let by_name = member.topic_names.iter().filter_map(|name| topics.get(name));
    let named = by_name.map(|(id, _)| *id);
    let Some(pattern) = &member.topic_pattern else { return named.collect() };
    let matching = topics.iter().filter(|(name, _)| pattern.matches(name));
    named.chain(matching.map(|(_, (id, _))| *id)).collect()
}
