//! How far the partitions of a topic are read, and where they end.

use std::collections::BTreeMap;

use super::{Offsets, statistics::PartitionStatistics, watermarks::Watermarks};
use crate::progress::PartitionPosition;

/// Positions in all partitions that are assigned.
#[derive(Debug, Default)]
pub(super) struct Positions(BTreeMap<i32, Position>);

/// A position in one partition.
#[derive(Debug, Clone, Copy)]
struct Position {
    /// Beyond the last message that was taken, and beyond what is never handed over: control records, aborted
    /// transactions and gaps that compaction left.
    read: i64,
    /// The end, as last heard.
    end: i64,
    /// Timestamp of the last message that was taken, in milliseconds since 1970.
    newest_read: Option<i64>,
    /// Whether the client has reached the end since it was told where to read from. Before, what it knows may be of
    /// an earlier time.
    reached_end: bool,
}

impl Positions {
    /// Adds a partition that is read from `next` on, again if it is read already.
    pub(super) fn add(&mut self, partition: i32, next: i64, watermarks: Watermarks) {
        let (newest_read, reached_end) = (None, false);
        let position = Position { read: next, end: watermarks.end, newest_read, reached_end };
        self.0.insert(partition, position);
    }

    /// Removes a partition that is not read any more.
    pub(super) fn remove(&mut self, partition: i32) {
        self.0.remove(&partition);
    }

    /// Removes all partitions, and gives them.
    pub(super) fn take_all(&mut self) -> Vec<i32> {
        std::mem::take(&mut self.0).into_keys().collect()
    }

    /// Notes that the message at `offset` is taken, whose timestamp is `time` if it has one; false when its
    /// partition is not read.
    pub(super) fn take(&mut self, partition: i32, offset: i64, time: Option<i64>) -> bool {
        if let Some(position) = self.0.get_mut(&partition) {
            position.newest_read = time;
        }
        self.pass(partition, offset + 1);
        self.contains(partition)
    }

    /// Notes that the client has reached the end of a partition.
    pub(super) fn reach_end(&mut self, partition: i32) {
        if let Some(position) = self.0.get_mut(&partition) {
            position.reached_end = true;
        }
    }

    /// Notes that there is nothing to take below `offset`.
    pub(super) fn pass(&mut self, partition: i32, offset: i64) {
        if let Some(position) = self.0.get_mut(&partition) {
            position.read = position.read.max(offset);
            position.end = position.end.max(offset);
        }
    }

    /// Takes up what the client knows of its partitions.
    pub(super) fn update(&mut self, statistics: &BTreeMap<i32, PartitionStatistics>) {
        for (&partition, statistics) in statistics {
            let Some(position) = self.0.get_mut(&partition) else { continue };
            position.end = position.end.max(statistics.ls_offset);
            if position.reached_end {
                self.pass(partition, statistics.passed());
            }
        }
    }

    /// What the status shows.
    pub(super) fn report(&self) -> Vec<PartitionPosition> {
        let position = |(partition, position): (&i32, &Position)| PartitionPosition {
            partition: *partition,
            next: position.read,
            end: position.end,
            newest_read: position.newest_read,
        };
        self.0.iter().map(position).collect()
    }

    /// The partitions of `ends` of which not everything below is read here.
    pub(super) fn behind(&self, ends: &Offsets) -> Vec<i32> {
        let is_behind = |(partition, end): &(&i32, &i64)| {
            self.0.get(partition).is_none_or(|position| position.read < **end)
        };
        ends.iter().filter(is_behind).map(|(partition, _)| *partition).collect()
    }

    /// Whether the partition is read.
    pub(super) fn contains(&self, partition: i32) -> bool {
        self.0.contains_key(&partition)
    }

    /// The offset in every partition below which nothing is left to read.
    pub(super) fn read_offsets(&self) -> impl Iterator<Item = (i32, i64)> {
        self.0.iter().map(|(partition, position)| (*partition, position.read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions() -> Positions {
        let mut positions = Positions::default();
        positions.add(0, 10, Watermarks { low: 0, end: 20 });
        positions.add(1, 5, Watermarks { low: 5, end: 5 });
        positions
    }

    fn read(positions: &Positions) -> Vec<(i32, i64)> {
        positions.read_offsets().collect()
    }

    fn lag(positions: &Positions) -> i64 {
        positions.report().iter().map(|position| position.end - position.next).sum()
    }

    #[test]
    fn the_lag_is_what_is_not_read() {
        let mut positions = positions();
        assert_eq!(lag(&positions), 10);
        positions.take(0, 10, Some(7));
        assert_eq!((lag(&positions), read(&positions)), (9, vec![(0, 11), (1, 5)]));
        positions.take(1, 5, None);
        assert_eq!(lag(&positions), 9, "a message beyond the end that was heard moves the end");
        let times: Vec<_> =
            positions.report().iter().map(|position| position.newest_read).collect();
        assert_eq!(times, [Some(7), None]);
    }

    #[test]
    fn the_end_is_reached_beyond_records_that_are_never_handed_over() {
        let mut positions = positions();
        let ends = Offsets::from([(0, 20), (1, 5)]);
        positions.take(0, 18, None);
        assert_eq!(positions.behind(&ends), [0]);
        positions.pass(0, 20);
        assert!(positions.behind(&ends).is_empty());
        assert_eq!((lag(&positions), read(&positions)[0]), (0, (0, 20)));
        assert_eq!(positions.behind(&Offsets::from([(2, 1)])), [2], "a partition not read here");
    }

    #[test]
    fn statistics_count_when_all_that_was_fetched_is_taken() {
        let mut positions = positions();
        let statistics = |fetchq_cnt| {
            let statistics =
                PartitionStatistics { fetchq_cnt, app_offset: 15, eof_offset: 22, ls_offset: 25 };
            BTreeMap::from([(0, statistics)])
        };
        positions.update(&statistics(3));
        assert_eq!(lag(&positions), 25 - 10, "it may be of before the partition was assigned");
        positions.reach_end(0);
        positions.update(&statistics(3));
        assert_eq!(lag(&positions), 25 - 15);
        positions.update(&statistics(0));
        assert_eq!((lag(&positions), read(&positions)[0]), (25 - 22, (0, 22)));
    }
}
