//! How far the consumer is behind.

use std::sync::Mutex;

use tillstream_shared::api::PartitionLag;

use super::lock;

/// Partitions that the status lists.
const MAX_LISTED: usize = 32;

/// How far a partition is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionPosition {
    /// Its number.
    pub partition: i32,
    /// The first offset that is not read.
    pub next: i64,
    /// The offset after its last message, as last heard.
    pub end: i64,
    /// The timestamp of the message that was read last, in milliseconds since 1970; `None` before the first one, and
    /// when it has none.
    pub newest_read: Option<i64>,
}

impl PartitionPosition {
    fn messages(&self) -> u64 {
        self.end.saturating_sub(self.next).try_into().unwrap_or(0)
    }

    /// Seconds at `now` (milliseconds since 1970) since the newest message that was read, or none if it is the last.
    fn seconds(&self, now: i64) -> Option<u64> {
        if self.messages() == 0 {
            return Some(0);
        }
        let age = now.saturating_sub(self.newest_read?);
        Some(age.max(0).unsigned_abs() / 1000)
    }
}

/// The partitions that a consumer reads, once there is one.
#[derive(Debug, Default)]
pub struct Lag(Mutex<Option<Vec<PartitionPosition>>>);

/// What the status says of it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct LagStatus {
    pub(super) messages: Option<u64>,
    pub(super) seconds: Option<u64>,
    pub(super) partition_count: u64,
    pub(super) partitions: Vec<PartitionLag>,
}

impl Lag {
    /// Replaces what is known of all partitions.
    pub fn set(&self, partitions: Vec<PartitionPosition>) {
        *lock(&self.0) = Some(partitions);
    }

    /// Messages that are not read yet, in all partitions, once known.
    #[must_use]
    pub fn messages(&self) -> Option<u64> {
        lock(&self.0).as_ref().map(|partitions| total(partitions))
    }

    /// The lag at `now`, milliseconds since 1970.
    pub(super) fn status(&self, now: i64) -> LagStatus {
        let Some(partitions) = lock(&self.0).clone() else { return LagStatus::default() };
        let mut listed: Vec<_> = partitions
            .iter()
            .map(|position| PartitionLag {
                partition: position.partition,
                next: position.next,
                end: position.end,
                messages: position.messages(),
                seconds: position.seconds(now),
            })
            .collect();
        let seconds = listed.iter().filter_map(|partition| partition.seconds).max();
        listed.sort_by_key(|lag| (std::cmp::Reverse(lag.messages), lag.partition));
        listed.truncate(MAX_LISTED);
        listed.sort_by_key(|lag| lag.partition);
        LagStatus {
            messages: Some(total(&partitions)),
            seconds,
            partition_count: partitions.len() as u64,
            partitions: listed,
        }
    }
}

fn total(partitions: &[PartitionPosition]) -> u64 {
    partitions.iter().map(PartitionPosition::messages).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(partition: i32, next: i64, end: i64, newest_read: Option<i64>) -> PartitionPosition {
        PartitionPosition { partition, next, end, newest_read }
    }

    #[test]
    fn seconds_are_the_age_of_what_was_read_last() {
        let now = 1_000_000;
        assert_eq!(at(0, 5, 9, Some(now - 2500)).seconds(now), Some(2));
        assert_eq!(at(0, 9, 9, Some(now - 2500)).seconds(now), Some(0), "nothing is left to read");
        assert_eq!(at(0, 9, 9, None).seconds(now), Some(0));
        assert_eq!(at(0, 5, 9, None).seconds(now), None, "no message has told a time");
        assert_eq!(at(0, 5, 9, Some(now + 60_000)).seconds(now), Some(0), "the producer's clock");
        assert_eq!(at(0, 5, 9, Some(i64::MIN)).seconds(now), Some(i64::MAX as u64 / 1000));
    }

    #[test]
    fn nothing_is_known_without_a_consumer() {
        assert_eq!(Lag::default().status(0), LagStatus::default());
    }

    #[test]
    fn the_status_lists_the_partitions_with_most() {
        let lag = Lag::default();
        lag.set((0..1000).map(|n| at(n, 0, i64::from(n) % 500, Some(1000))).collect());
        assert_eq!(lag.messages(), Some(2 * (0..500).sum::<u64>()));
        let status = lag.status(8000);
        assert_eq!((status.messages, status.seconds), (lag.messages(), Some(7)));
        assert_eq!(status.partition_count, 1000);
        let listed: Vec<_> = status.partitions.iter().map(|lag| lag.partition).collect();
        let most: Vec<_> = (484..500).chain(984..1000).collect();
        assert_eq!(listed, most);
        assert_eq!(status.partitions[0].messages, 484);
    }
}
