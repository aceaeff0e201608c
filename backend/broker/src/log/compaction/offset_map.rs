//! The newest offset of each key.

use std::collections::HashMap;

/// The first 16 bytes of a key's BLAKE3 hash stand for it: two keys do not share them.
type KeyHash = [u8; 16];

/// The newest offset of each key in a part of the log.
#[derive(Debug)]
pub(super) struct OffsetMap {
    offsets: HashMap<KeyHash, i64>,
    /// Records from this offset on are not in the map.
    pub(super) end: i64,
}

impl OffsetMap {
    /// An empty map of the log from `start` on.
    pub(super) fn new(start: i64) -> Self {
        Self { offsets: HashMap::new(), end: start }
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Notes a record behind all that are there.
    pub(super) fn put(&mut self, key: &[u8], offset: i64) {
        self.offsets.insert(hash(key), offset);
    }

    /// Whether no newer record with the key of the one at `offset` is known.
    pub(super) fn is_newest(&self, key: &[u8], offset: i64) -> bool {
        self.offsets.get(&hash(key)).is_none_or(|newest| offset >= *newest)
    }
}

fn hash(key: &[u8]) -> KeyHash {
    let mut short = KeyHash::default();
    short.copy_from_slice(&blake3::hash(key).as_bytes()[..16]);
    short
}
