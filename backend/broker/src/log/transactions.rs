//! The transactions of one partition: which are open, and which were aborted.
//!
//! No clock or disk in here. All of it but the enlistments is found again by walking over the log.

use std::collections::HashMap;

use super::{batch::BatchHeader, control::Marker};

/// Why a batch cannot be appended as far as transactions are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransactionCheckError {
    /// The producer has been replaced by a newer one of the same transactional id.
    InvalidEpoch,
    /// The partition is not part of a transaction of the producer; or it is, and the batch is not.
    InvalidState,
}

/// A transaction that was aborted, with records in this partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AbortedTransaction {
    pub(crate) producer_id: i64,
    /// Offset of its first record.
    pub(crate) first_offset: i64,
    /// Offset of the marker that aborted it.
    pub(super) marker_offset: i64,
}

#[cfg(test)]
impl AbortedTransaction {
    pub(crate) fn new(producer_id: i64, first_offset: i64) -> Self {
        Self { producer_id, first_offset, marker_offset: first_offset }
    }
}

/// A transaction that this partition is part of.
#[derive(Debug, Clone, Copy)]
struct Ongoing {
    epoch: i16,
    /// Offset of its first record; none as long as it has none.
    first_offset: Option<i64>,
}

/// A transaction whose marker is not known to be on disk yet.
#[derive(Debug, Clone, Copy)]
struct Ending {
    first_offset: i64,
    marker_offset: i64,
}

/// The transactions of one partition.
#[derive(Debug, Default)]
pub(super) struct PartitionTransactions {
    /// By producer id; a producer has at most one transaction at a time.
    ongoing: HashMap<i64, Ongoing>,
    ending: Vec<Ending>,
    /// In the order of their markers.
    aborted: Vec<AbortedTransaction>,
}

impl PartitionTransactions {
    /// Lets a producer append transactional batches until a marker ends its transaction.
    pub(super) fn enlist(&mut self, producer_id: i64, epoch: i16) {
        let new = Ongoing { epoch, first_offset: None };
        self.ongoing.entry(producer_id).or_insert(new).epoch = epoch;
    }

    /// Whether the producer may append transactional batches of that epoch.
    pub(super) fn is_enlisted(&self, producer_id: i64, epoch: i16) -> bool {
        self.ongoing.get(&producer_id).is_some_and(|ongoing| ongoing.epoch == epoch)
    }

    /// Whether the partition is part of a transaction of the producer.
    pub(super) fn is_ongoing(&self, producer_id: i64) -> bool {
        self.ongoing.contains_key(&producer_id)
    }

    /// Offset of the first record of the producer's open transaction.
    pub(super) fn first_offset(&self, producer_id: i64) -> Option<i64> {
        self.ongoing.get(&producer_id)?.first_offset
    }

    /// Producers, with their epochs, that have records in a transaction that has not ended.
    pub(super) fn open(&self) -> Vec<(i64, i16)> {
        let begun = self.ongoing.iter().filter(|(_, ongoing)| ongoing.first_offset.is_some());
        begun.map(|(id, ongoing)| (*id, ongoing.epoch)).collect()
    }

    /// Checks a producer's batch before it is appended.
    pub(super) fn check(&self, header: &BatchHeader) -> Result<(), TransactionCheckError> {
        match self.ongoing.get(&header.producer_id) {
            Some(ongoing) if header.is_transactional() => {
                if header.producer_epoch < ongoing.epoch {
                    Err(TransactionCheckError::InvalidEpoch)
                } else if header.producer_epoch > ongoing.epoch {
                    Err(TransactionCheckError::InvalidState)
                } else {
                    Ok(())
                }
            }
            Some(Ongoing { first_offset: Some(_), .. }) => Err(TransactionCheckError::InvalidState),
            None if header.is_transactional() => Err(TransactionCheckError::InvalidState),
            _ => Ok(()),
        }
    }

    /// Notes a batch that is now in the log at `base`; `marker` is what a control batch says.
    pub(super) fn update(&mut self, header: &BatchHeader, marker: Option<Marker>, base: i64) {
        let Some(marker) = marker else {
            if header.is_transactional() && !header.is_control() {
                let epoch = header.producer_epoch;
                let new = Ongoing { epoch, first_offset: None };
                let ongoing = self.ongoing.entry(header.producer_id).or_insert(new);
                ongoing.first_offset.get_or_insert(base);
            }
            return;
        };
        let ended = self.ongoing.remove(&header.producer_id);
        let Some(first_offset) = ended.and_then(|ongoing| ongoing.first_offset) else { return };
        self.ending.push(Ending { first_offset, marker_offset: base });
        if marker == Marker::Abort {
            let producer_id = header.producer_id;
            self.aborted.push(AbortedTransaction {
                producer_id,
                first_offset,
                marker_offset: base,
            });
        }
    }

    /// The offset before which every transaction has ended, given the offset before which everything
    /// is on disk.
    pub(super) fn last_stable_offset(&mut self, high_watermark: i64) -> i64 {
        self.ending.retain(|ending| ending.marker_offset >= high_watermark);
        let ending = self.ending.iter().map(|ending| ending.first_offset);
        let ongoing = self.ongoing.values().filter_map(|ongoing| ongoing.first_offset);
        ending.chain(ongoing).fold(high_watermark, i64::min)
    }

    /// The aborted transactions that may have records from `from` to before `end`.
    pub(super) fn aborted_between(&self, from: i64, end: i64) -> Vec<AbortedTransaction> {
        let first = self.aborted.partition_point(|aborted| aborted.marker_offset < from);
        let aborted = self.aborted[first..].iter();
        aborted.filter(|aborted| aborted.first_offset < end).copied().collect()
    }

    /// Forgets the aborted transactions with markers at these offsets: none of their records is left.
    pub(super) fn forget_aborted(&mut self, marker_offsets: &[i64]) {
        self.aborted.retain(|aborted| !marker_offsets.contains(&aborted.marker_offset));
    }

    /// Forgets the aborted transactions whose records are all before `log_start`.
    pub(super) fn forget_before(&mut self, log_start: i64) {
        self.aborted.retain(|aborted| aborted.marker_offset >= log_start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(producer_id: i64, epoch: i16, attributes: i16) -> BatchHeader {
        BatchHeader {
            base_offset: 0,
            size: 61,
            crc: 0,
            attributes,
            last_offset_delta: 0,
            base_timestamp: 0,
            max_timestamp: 0,
            producer_id,
            producer_epoch: epoch,
            base_sequence: 0,
            count: 1,
        }
    }

    fn data(producer_id: i64, epoch: i16) -> BatchHeader {
        header(producer_id, epoch, super::super::batch::TRANSACTIONAL)
    }

    #[test]
    fn only_enlisted_producers_of_the_right_epoch_append_in_a_transaction() {
        let mut transactions = PartitionTransactions::default();
        assert_eq!(transactions.check(&data(1, 0)), Err(TransactionCheckError::InvalidState));
        transactions.enlist(1, 1);
        assert_eq!(transactions.check(&data(1, 0)), Err(TransactionCheckError::InvalidEpoch));
        assert_eq!(transactions.check(&data(1, 2)), Err(TransactionCheckError::InvalidState));
        assert_eq!(transactions.check(&data(1, 1)), Ok(()));
        assert_eq!(transactions.check(&header(1, 1, 0)), Ok(()), "nothing is open yet");
        transactions.update(&data(1, 1), None, 10);
        assert_eq!(transactions.check(&header(1, 1, 0)), Err(TransactionCheckError::InvalidState));
        assert_eq!(transactions.check(&header(2, 0, 0)), Ok(()), "others are not concerned");
        transactions.update(&data(1, 1), Some(Marker::Commit), 11);
        assert_eq!(transactions.check(&data(1, 1)), Err(TransactionCheckError::InvalidState));
    }

    #[test]
    fn the_last_stable_offset_waits_for_every_transaction_and_for_the_disk() {
        let mut transactions = PartitionTransactions::default();
        assert_eq!(transactions.last_stable_offset(5), 5);
        transactions.update(&data(1, 0), None, 5);
        transactions.update(&data(2, 0), None, 7);
        assert_eq!(transactions.last_stable_offset(9), 5);
        transactions.update(&data(1, 0), Some(Marker::Commit), 9);
        assert_eq!(transactions.last_stable_offset(9), 5, "the marker is not on disk");
        assert_eq!(transactions.last_stable_offset(10), 7);
        transactions.update(&data(2, 0), Some(Marker::Abort), 10);
        assert_eq!(transactions.last_stable_offset(11), 11);
        assert_eq!(transactions.open(), []);
    }

    #[test]
    fn aborted_transactions_are_listed_where_they_overlap() {
        let mut transactions = PartitionTransactions::default();
        for (producer, first) in [(1, 0), (2, 2)] {
            transactions.update(&data(producer, 0), None, first);
        }
        transactions.update(&data(1, 0), Some(Marker::Abort), 4);
        transactions.update(&data(2, 0), Some(Marker::Abort), 5);
        transactions.update(&data(3, 0), None, 6);
        transactions.update(&data(3, 0), Some(Marker::Commit), 7);
        transactions.enlist(4, 0);
        transactions.update(&data(4, 0), Some(Marker::Abort), 8);
        let listed = |t: &PartitionTransactions, from, end| {
            let all = t.aborted_between(from, end);
            all.iter().map(|a| (a.producer_id, a.first_offset)).collect::<Vec<_>>()
        };
        assert_eq!(listed(&transactions, 0, 9), [(1, 0), (2, 2)], "one without records is none");
        assert_eq!(listed(&transactions, 0, 2), [(1, 0)]);
        assert_eq!(listed(&transactions, 5, 9), [(2, 2)]);
        assert_eq!(listed(&transactions, 6, 9), []);
        transactions.forget_before(5);
        assert_eq!(listed(&transactions, 0, 9), [(2, 2)]);
    }
}
