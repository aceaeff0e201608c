//! Which batches and markers of transactions may go, found while walking over the log from its
//! beginning. After Apache Kafka's `CleanedTransactionMetadata`.

use std::collections::{HashMap, HashSet};

use super::super::{batch::BatchHeader, control::Marker, transactions::AbortedTransaction};

/// The transactions around the place in the log that was reached.
#[derive(Debug)]
pub(super) struct TransactionFilter {
    /// Those that begin further on, the next one last.
    aborted: Vec<AbortedTransaction>,
    /// By producer id: whether records of it were seen.
    ongoing_aborted: HashMap<i64, bool>,
    /// Producers with records that were seen.
    ongoing_committed: HashSet<i64>,
    /// Offsets of markers that aborted transactions without any record left.
    emptied_aborts: Vec<i64>,
}

impl TransactionFilter {
    pub(super) fn new(mut aborted: Vec<AbortedTransaction>) -> Self {
        aborted.sort_by_key(|transaction| std::cmp::Reverse(transaction.first_offset));
        Self {
            aborted,
            ongoing_aborted: HashMap::new(),
            ongoing_committed: HashSet::new(),
            emptied_aborts: Vec::new(),
        }
    }

    /// Notes the next batch. Whether its records may go because their transaction was aborted; of a
    /// marker, whether no record of its transaction was seen.
    pub(super) fn read(&mut self, header: &BatchHeader, marker: Option<Marker>) -> bool {
        while let Some(next) = self.aborted.pop_if(|next| next.first_offset < header.end()) {
            self.ongoing_aborted.entry(next.producer_id).or_insert(false);
        }
        let id = header.producer_id;
        match marker {
            Some(Marker::Abort) => {
                let has_records = self.ongoing_aborted.remove(&id).unwrap_or(false);
                if !has_records {
                    self.emptied_aborts.push(header.base_offset);
                }
                !has_records
            }
            Some(Marker::Commit) => !self.ongoing_committed.remove(&id),
            // The marker in it has gone already.
            None if header.is_control() => true,
            None if !header.is_transactional() => false,
            None => match self.ongoing_aborted.get_mut(&id) {
                Some(has_records) => {
                    *has_records = true;
                    true
                }
                None => {
                    self.ongoing_committed.insert(id);
                    false
                }
            },
        }
    }

    /// The offsets of markers seen since the last call that aborted transactions without any record
    /// left: consumers need not be told of these any more.
    pub(super) fn take_emptied_aborts(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.emptied_aborts)
    }
}
