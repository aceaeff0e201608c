//! How many different identifiers there were: exact while few, estimated beyond.

use serde::{Deserialize, Serialize};

use super::hyperloglog::HyperLogLog;

/// The most identifiers that are held one by one: 32 KiB, twice the size of a [`HyperLogLog`].
///
/// Measured against the real data set this is above every customer's invoices, every product's and
/// every country's customers; only the orders of the United Kingdom are estimated.
pub(super) const MAX_EXACT: usize = 4096;

/// Set when a key is a hash and not the identifier itself.
const HASHED: u64 = 1 << 63;

/// A number that stands for an identifier: for up to 7 bytes the identifier itself, so that no two
/// share a key, for longer ones 63 bits of its BLAKE3 hash. Among [`MAX_EXACT`] long identifiers two share
/// a key with a probability of 2⁻⁴⁰ (birthday bound).
pub(super) fn key(id: &str) -> u64 {
    let mut bytes = [0; 8];
    if id.len() < 8 {
        bytes[0] = id.len() as u8;
        bytes[1..=id.len()].copy_from_slice(id.as_bytes());
        return u64::from_be_bytes(bytes);
    }
    bytes.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..8]);
    u64::from_be_bytes(bytes) | HASHED
}

/// A set of [`key`]s of which only the size is of interest. What it holds depends on the set alone,
/// not on the order in which keys and other sets came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Distinct {
    /// Up to [`MAX_EXACT`] keys, ascending.
    Exact(Vec<u64>),
    /// More of them.
    Estimated(HyperLogLog),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Distinct {
    /// Adds a key.
    pub(super) fn insert(&mut self, key: u64) {
        match self {
            // The lines of one invoice follow each other.
            Self::Exact(keys) if keys.last() == Some(&key) => {}
            Self::Exact(keys) => {
                if let Err(place) = keys.binary_search(&key) {
                    keys.insert(place, key);
                    self.limit();
                }
            }
            Self::Estimated(sketch) => sketch.insert(key),
        }
    }

    /// Adds the keys of another set.
    pub(super) fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Exact(keys), Self::Exact(others)) => {
                keys.extend_from_slice(others);
                // Two ascending runs: the stable sort merges them in one pass.
                keys.sort();
                keys.dedup();
                self.limit();
            }
            (Self::Exact(keys), Self::Estimated(sketch)) => {
                let mut sketch = sketch.clone();
                keys.iter().for_each(|key| sketch.insert(*key));
                *self = Self::Estimated(sketch);
            }
            (Self::Estimated(sketch), Self::Exact(keys)) => {
                keys.iter().for_each(|key| sketch.insert(*key));
            }
            (Self::Estimated(sketch), Self::Estimated(other)) => sketch.merge(other),
        }
    }

    fn limit(&mut self) {
        if let Self::Exact(keys) = self
            && keys.len() > MAX_EXACT
        {
            *self = Self::Estimated(HyperLogLog::of(keys));
        }
    }

    /// The number of different keys, where estimated rounded to a whole number.
    pub(super) fn count(&self) -> f64 {
        match self {
            Self::Exact(keys) => keys.len() as f64,
            Self::Estimated(sketch) => sketch.estimate().round(),
        }
    }

    /// Whether [`Self::count`] is exact.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Self::Exact(_))
    }

    /// Whether it is as this program would have written it.
    pub(super) fn is_valid(&self) -> bool {
        match self {
            Self::Exact(keys) => {
                keys.len() <= MAX_EXACT && keys.iter().is_sorted_by(|left, right| left < right)
            }
            Self::Estimated(sketch) => sketch.is_valid(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(keys: impl IntoIterator<Item = u64>) -> Distinct {
        let mut set = Distinct::default();
        keys.into_iter().for_each(|key| set.insert(key));
        set
    }

    #[test]
    fn short_identifiers_keep_apart() {
        let ids = ["", "0", "\0", "\0\0", "536365", "C536379", "C53637", "1234567", "12345678"];
        let mut keys = ids.map(key).to_vec();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), ids.len());
        assert!(key("536365") < key("536366"), "numbers ascend with their keys");
        assert_eq!(key("4e0ff24c-8d2f"), key("4e0ff24c-8d2f"));
        assert_ne!(key("4e0ff24c-8d2f"), key("4e0ff24c-8d2e"));
    }

    #[test]
    fn it_is_exact_up_to_the_limit() {
        let full = set(0..MAX_EXACT as u64);
        assert!(full.is_exact() && full.count() == MAX_EXACT as f64);
        let beyond = set(0..=MAX_EXACT as u64);
        assert!(!beyond.is_exact() && (beyond.count() / MAX_EXACT as f64 - 1.0).abs() < 0.033);
    }

    #[test]
    fn sets_that_no_program_wrote_are_noticed() {
        assert!(!Distinct::Exact(vec![2, 1]).is_valid());
        assert!(!Distinct::Exact(vec![1, 1]).is_valid());
        assert!(!Distinct::Exact((0..=MAX_EXACT as u64).collect()).is_valid());
        assert!(set(0..10_000).is_valid() && set(0..10).is_valid());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn merging_is_the_union_in_any_order(
            (a, b, c) in (ranges(), ranges(), ranges()),
        ) {
            let merged = |sets: [&std::ops::Range<u64>; 3]| {
                let mut all = Distinct::default();
                sets.iter().for_each(|keys| all.merge(&set((*keys).clone())));
                all
            };
            let at_once = set(a.clone().chain(b.clone()).chain(c.clone()));
            prop_assert_eq!(merged([&a, &b, &c]), at_once.clone());
            prop_assert_eq!(merged([&c, &b, &a]), at_once.clone());
            let mut right = set(b);
            right.merge(&set(c));
            let mut nested = set(a);
            nested.merge(&right);
            prop_assert_eq!(nested, at_once);
        }
    }

    /// On both sides of the limit.
    fn ranges() -> impl Strategy<Value = std::ops::Range<u64>> {
        (0_u64..3000, 0_u64..5000).prop_map(|(start, length)| start..start + length)
    }
}
