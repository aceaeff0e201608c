//! Which models there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeBounds,
};

use tillstream_shared::{Entity, ModelKind, ModelNumber};

use super::store::{Listing, ModelKey};

/// The numbers of the models of every kind and entity: all that is kept of each, so that memory hardly
/// grows with history.
#[derive(Debug, Default)]
pub(super) struct Index {
    numbers: BTreeMap<(ModelKind, Entity), BTreeSet<u64>>,
    /// `all` and `live`.
    aliases: BTreeSet<ModelKey>,
    /// Files that could not be used, and why.
    pub(super) unusable: BTreeMap<String, String>,
}

impl Index {
    /// What is in the folder now. Files that are gone are no longer unusable.
    pub(super) fn replace(&mut self, listing: Listing) {
        let Listing { numbers, aliases, unknown } = listing;
        self.numbers = numbers;
        self.aliases = aliases;
        let mut unusable = std::mem::take(&mut self.unusable);
        unusable.retain(|name, _| {
            ModelKey::of_file(name).map_or(unknown.contains(name), |key| self.contains(key))
        });
        self.unusable = unusable;
    }

    pub(super) fn contains(&self, key: ModelKey) -> bool {
        match key.number {
            ModelNumber::Number(number) => {
                self.of(key.kind, key.entity).is_some_and(|numbers| numbers.contains(&number))
            }
            ModelNumber::All | ModelNumber::Live => self.aliases.contains(&key),
        }
    }

    pub(super) fn insert(&mut self, key: ModelKey) {
        match key.number {
            ModelNumber::Number(number) => {
                self.numbers.entry((key.kind, key.entity)).or_default().insert(number);
            }
            ModelNumber::All | ModelNumber::Live => drop(self.aliases.insert(key)),
        }
    }

    pub(super) fn remove(&mut self, key: ModelKey) {
        if let ModelNumber::Number(number) = key.number
            && let Some(numbers) = self.numbers.get_mut(&(key.kind, key.entity))
        {
            numbers.remove(&number);
        }
        self.aliases.remove(&key);
        self.unusable.remove(&key.to_string());
    }

    /// Notes that the file `name` cannot be used; gives the sentence for it, unless it was noted before.
    pub(super) fn set_unusable(&mut self, name: &str, reason: &str) -> Option<String> {
        let notice = format!("{name} is left out: {reason}");
        let before = self.unusable.insert(name.to_owned(), notice.clone());
        (before.as_ref() != Some(&notice)).then_some(notice)
    }

    /// The `limit` highest numbers of `range`, descending.
    pub(super) fn newest(
        &self,
        kind: ModelKind,
        entity: Entity,
        range: impl RangeBounds<u64>,
        limit: usize,
    ) -> Vec<u64> {
        let numbers = self.of(kind, entity).into_iter();
        numbers
            .flat_map(|numbers| {
                numbers.range((range.start_bound(), range.end_bound())).rev().take(limit)
            })
            .copied()
            .collect()
    }

    /// How many usable models there are for which `matches` holds.
    pub(super) fn count(&self, matches: impl Fn(ModelKind, Entity) -> bool) -> u64 {
        let numbers = self.numbers.iter().filter(|((kind, entity), _)| matches(*kind, *entity));
        let numbered: usize = numbers.map(|(_, numbers)| numbers.len()).sum();
        let aliases = self.aliases.iter().filter(|key| matches(key.kind, key.entity)).count();
        let unusable = self.unusable.keys().filter_map(|name| ModelKey::of_file(name));
        let unusable =
            unusable.filter(|key| matches(key.kind, key.entity) && self.contains(*key)).count();
        (numbered + aliases - unusable) as u64
    }

    /// How many `live` models there are.
    pub(super) fn live(&self) -> u64 {
        let live = self.aliases.iter().filter(|key| key.number == ModelNumber::Live);
        live.filter(|key| !self.unusable.contains_key(&key.to_string())).count() as u64
    }

    fn of(&self, kind: ModelKind, entity: Entity) -> Option<&BTreeSet<u64>> {
        self.numbers.get(&(kind, entity))
    }
}
