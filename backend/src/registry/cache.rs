//! What was read of model files, the values used last.

use std::collections::HashMap;

use super::store::{ModelKey, Stamp};

/// At most so many values, one for each model's file, and which file each was read from.
#[derive(Debug)]
pub(super) struct Cache<V> {
    capacity: usize,
    clock: u64,
    entries: HashMap<ModelKey, Entry<V>>,
}

#[derive(Debug)]
struct Entry<V> {
    stamp: Option<Stamp>,
    used: u64,
    value: V,
}

impl<V: Clone> Cache<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, clock: 0, entries: HashMap::new() }
    }

    /// The value of `key`, and the stamp of its file when it was read.
    pub(super) fn get(&mut self, key: ModelKey) -> Option<(V, Option<Stamp>)> {
        self.clock += 1;
        let entry = self.entries.get_mut(&key)?;
        entry.used = self.clock;
        Some((entry.value.clone(), entry.stamp))
    }

    /// Puts in a value. When there are too many, the half that was not used for longest goes.
    pub(super) fn insert(&mut self, key: ModelKey, stamp: Option<Stamp>, value: V) {
        self.clock += 1;
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&key) {
            let mut used: Vec<_> = self.entries.values().map(|entry| entry.used).collect();
            let (_, middle, _) = used.select_nth_unstable(self.capacity / 2);
            let middle = *middle;
            self.entries.retain(|_, entry| entry.used >= middle);
        }
        self.entries.insert(key, Entry { stamp, used: self.clock, value });
    }

    pub(super) fn remove(&mut self, key: ModelKey) {
        self.entries.remove(&key);
    }

    /// The keys, and the stamps of their files when they were read.
    pub(super) fn stamps(&self) -> Vec<(ModelKey, Option<Stamp>)> {
        self.entries.iter().map(|(key, entry)| (*key, entry.stamp)).collect()
    }
}

#[cfg(test)]
mod tests {
    use tillstream_shared::{Entity, ModelKind, ModelNumber};

    use super::*;

    fn key(number: u64) -> ModelKey {
        let number = ModelNumber::Number(number);
        ModelKey { kind: ModelKind::Line, entity: Entity::Customer, number }
    }

    #[test]
    fn what_was_used_last_stays() {
        let mut cache = Cache::new(4);
        for number in 1..=4 {
            cache.insert(key(number), None, number);
        }
        assert_eq!(cache.get(key(1)), Some((1, None)));
        cache.insert(key(4), None, 40);
        assert_eq!(cache.stamps().len(), 4, "a key that is there takes no room");
        cache.insert(key(5), None, 5);
        let found: Vec<_> = (1..=5).filter(|number| cache.get(key(*number)).is_some()).collect();
        assert_eq!(found, [1, 4, 5]);
        cache.remove(key(1));
        assert_eq!(cache.get(key(1)), None);
    }
}
