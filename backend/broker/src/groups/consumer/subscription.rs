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

/// A pattern that members have subscribed to.
#[derive(Debug)]
struct Subscribed {
    pattern: NamePattern,
    /// The names that match; none until they were looked at.
    matching: Option<BTreeSet<String>>,
}

/// What the members of a group have subscribed to, all together.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    names: BTreeSet<String>,
    patterns: BTreeMap<String, Subscribed>,
    /// The topics that the patterns were matched with: that is done once, not with every heartbeat.
    matched: Vec<String>,
}

impl Subscriptions {
    /// Notes that members have come, gone or changed their subscription.
    pub(super) fn update<'a>(&mut self, members: impl Iterator<Item = &'a ConsumerMember>) {
        let mut known = std::mem::take(&mut self.patterns);
        self.names.clear();
        for member in members {
            self.names.extend(member.topic_names.iter().cloned());
            if let Some(pattern) = &member.topic_pattern {
                let text = pattern.as_str().to_owned();
                let new = || Subscribed { pattern: pattern.clone(), matching: None };
                let subscribed = known.remove(&text).unwrap_or_else(new);
                self.patterns.entry(text).or_insert(subscribed);
            }
        }
    }

    /// The topics among them that exist.
    pub(super) fn resolve(&mut self, topics: &impl TopicIndex) -> SubscribedTopics {
        if !self.patterns.is_empty() && !topics.names().eq(self.matched.iter()) {
            self.matched = topics.names().map(str::to_owned).collect();
            self.patterns.values_mut().for_each(|subscribed| subscribed.matching = None);
        }
        for Subscribed { pattern, matching } in self.patterns.values_mut() {
            let all = self.matched.iter();
            matching.get_or_insert_with(|| all.filter(|n| pattern.matches(n)).cloned().collect());
        }
        let by_pattern =
            self.patterns.values().filter_map(|subscribed| subscribed.matching.as_ref());
        let names = self.names.iter().chain(by_pattern.flatten());
        names.filter_map(|name| Some((name.clone(), topics.find(name)?))).collect()
    }

    /// The ids of the topics among `topics` that a member reads.
    pub(super) fn topics_of(
        &self,
        member: &ConsumerMember,
        topics: &SubscribedTopics,
    ) -> BTreeSet<Uuid> {
        let pattern = member.topic_pattern.as_ref();
        let subscribed = pattern.and_then(|pattern| self.patterns.get(pattern.as_str()));
        let by_pattern = subscribed.and_then(|subscribed| subscribed.matching.as_ref());
        let names = member.topic_names.iter().chain(by_pattern.into_iter().flatten());
        names.filter_map(|name| topics.get(name)).map(|(id, _)| *id).collect()
    }
}
