//! A sparse index of one segment: where to begin looking for an offset or a timestamp.

/// An index never has more entries than this; beyond, every second one is dropped, so that the
/// memory a log needs is bounded per segment, not per batch.
const MAX_ENTRIES: usize = 1024;
/// The distance of entries in bytes while a segment is small.
const INITIAL_INTERVAL_BYTES: u64 = 4096;

/// A batch that the index knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its base offset.
    pub(crate) offset: i64,
    /// Where it begins in the file, in bytes.
    pub(crate) position: u64,
    /// The latest timestamp of all batches before it in the segment; ascending, unlike their own.
    latest_before: i64,
}

/// A sparse index of the batches of one segment.
#[derive(Debug, Clone)]
pub(crate) struct SparseIndex {
    entries: Vec<Entry>,
    distance: u64,
    latest: i64,
}

impl SparseIndex {
    /// The index of an empty segment.
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), distance: INITIAL_INTERVAL_BYTES, latest: i64::MIN }
    }

    /// Adds the batch appended at `position`.
    pub(crate) fn add(&mut self, offset: i64, position: u64, max_timestamp: i64) {
        let due = self.entries.last().is_none_or(|last| position - last.position >= self.distance);
        if due {
            if self.entries.len() == MAX_ENTRIES {
                let mut keep = false;
                self.entries.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.distance *= 2;
            }
            self.entries.push(Entry { offset, position, latest_before: self.latest });
        }
        self.latest = self.latest.max(max_timestamp);
    }

    /// The last indexed batch that begins at or before `offset`; none if the segment is empty.
    pub(crate) fn before_offset(&self, offset: i64) -> Option<Entry> {
        let after = self.entries.partition_point(|entry| entry.offset <= offset);
        self.entries.get(after.saturating_sub(1)).copied()
    }

    /// The last indexed batch before which no batch reaches `timestamp`; none if the segment is empty.
    pub(crate) fn before_timestamp(&self, timestamp: i64) -> Option<Entry> {
        let after = self.entries.partition_point(|entry| entry.latest_before < timestamp);
        self.entries.get(after.saturating_sub(1)).copied()
    }

    /// The latest timestamp in the segment; `i64::MIN` if it is empty.
    pub(crate) fn latest(&self) -> i64 {
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stay_bounded_and_lookups_stay_right() {
        let mut index = SparseIndex::new();
        let batches = 200_000_u64;
        for i in 0..batches {
            index.add(i as i64 * 10, i * 1000, i as i64);
        }
        assert!(index.entries.len() <= MAX_ENTRIES, "{}", index.entries.len());
        for i in (0..batches).step_by(777) {
            let entry = index.before_offset(i as i64 * 10 + 9).unwrap();
            assert!(entry.offset <= i as i64 * 10 + 9);
            assert!(i * 1000 - entry.position <= 2 * index.distance);
            let entry = index.before_timestamp(i as i64).unwrap();
            assert!(entry.position <= i * 1000, "nothing before may reach the timestamp");
            assert!(i * 1000 - entry.position <= 2 * index.distance);
        }
    }

    #[test]
    fn timestamps_out_of_order_are_found_from_the_first_that_reaches_them() {
        let mut index = SparseIndex::new();
        for (i, timestamp) in [5, 90, 10, 20, 95].into_iter().enumerate() {
            index.add(i as i64, i as u64 * 4096, timestamp);
        }
        assert_eq!(index.before_timestamp(50).unwrap().position, 4096);
        assert_eq!(index.before_timestamp(91).unwrap().position, 4 * 4096);
        assert_eq!(index.before_timestamp(1).unwrap().position, 0);
        assert_eq!(index.latest(), 95);
    }

    #[test]
    fn an_empty_segment_has_no_entry() {
        assert_eq!(SparseIndex::new().before_offset(3), None);
        assert_eq!(SparseIndex::new().before_timestamp(3), None);
    }
}
