//! The state machine of one transactional id: who its producer is, and how far its transaction is.
//!
//! No clock, log or disk in here: time is passed in, and every change returns the state to be stored.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::phase::Phase;
use crate::{groups::OffsetsByTopic, log::Marker};

/// How long the end of a transaction may take before it is tried again, in milliseconds.
const RETRY_MS: u64 = 5000;

/// A producer id and its epoch, which grows when a newer producer takes over and, in the second protocol,
/// with every transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProducerEpoch {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateError {
    /// The producer id is not that of the transactional id.
    InvalidProducerIdMapping,
    /// A newer producer has taken over.
    ProducerFenced,
    /// Not possible in this phase.
    InvalidTxnState,
}

/// What is known of one transactional id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransactionState {
    pub(crate) producer: ProducerEpoch,
    /// The producer's epoch before it was given a new one, in case it did not hear the answer.
    previous: Option<ProducerEpoch>,
    /// The id that the producer has when the transaction is over, if its epochs are used up; absent in
    /// files of versions that had no epoch for each transaction.
    #[serde(default)]
    next_id: Option<i64>,
    /// How long a transaction may stay open.
    pub(crate) timeout_ms: u64,
    pub(crate) phase: Phase,
    /// When the phase began, milliseconds since 1970.
    since_ms: u64,
    /// When the last transaction began, if the producer has begun one; absent in files of versions that
    /// did not tell it.
    #[serde(default)]
    pub(crate) started_ms: Option<u64>,
    /// The partitions of the transaction, by topic.
    pub(crate) partitions: BTreeMap<String, BTreeSet<i32>>,
    /// The offsets to be committed with the transaction, by group.
    pub(crate) offsets: BTreeMap<String, OffsetsByTopic>,
}

impl TransactionState {
    /// The first producer of a transactional id.
    pub(crate) fn new(producer_id: i64, timeout_ms: u64, now_ms: u64) -> Self {
        Self {
            producer: ProducerEpoch { id: producer_id, epoch: 0 },
            previous: None,
            next_id: None,
            timeout_ms,
            phase: Phase::Empty,
            since_ms: now_ms,
            started_ms: None,
            partitions: BTreeMap::new(),
            offsets: BTreeMap::new(),
        }
    }

    /// Whether the epochs of the producer id are used up; the last one is kept for fencing.
    pub(crate) fn is_epoch_exhausted(&self) -> bool {
        self.producer.epoch >= i16::MAX - 1
    }

    /// Checks who a producer that asks for a new epoch says it is.
    pub(crate) fn check_claim(&self, claimed: ProducerEpoch) -> Result<(), StateError> {
        if claimed == self.producer || Some(claimed) == self.previous {
            return Ok(());
        }
        Err(StateError::ProducerFenced)
    }

    /// A new epoch for a producer that takes over, or a new id where one is given. No transaction may
    /// be open.
    pub(crate) fn renew(
        &self,
        claimed: Option<ProducerEpoch>,
        timeout_ms: u64,
        new_id: Option<i64>,
        now_ms: u64,
    ) -> Self {
        // The answer to an earlier request may have been lost.
        let asks_again = claimed.is_some() && claimed == self.previous;
        let ProducerEpoch { id, epoch } = self.producer;
        let producer = match new_id {
            _ if asks_again => self.producer,
            Some(id) => ProducerEpoch { id, epoch: 0 },
            None => ProducerEpoch { id, epoch: epoch + 1 },
        };
        Self { producer, previous: claimed, ..Self::new(id, timeout_ms, now_ms) }
    }

    fn check_producer(&self, producer: ProducerEpoch) -> Result<(), StateError> {
        if producer.id != self.producer.id {
            return Err(StateError::InvalidProducerIdMapping);
        }
        if producer.epoch != self.producer.epoch {
            return Err(StateError::ProducerFenced);
        }
        Ok(())
    }

    /// The transaction to which more can be added: the open one, or else a new one.
    fn begin(&self, producer: ProducerEpoch, now_ms: u64) -> Result<Self, StateError> {
        self.check_producer(producer)?;
        if self.is_prepared() {
            return Err(StateError::InvalidTxnState);
        }
        let mut next = self.clone();
        if self.phase != Phase::Ongoing {
            next.previous = None;
            next.phase = Phase::Ongoing;
            next.since_ms = now_ms;
            next.started_ms = Some(now_ms);
        }
        Ok(next)
    }

    /// Adds partitions, beginning a transaction if none is open.
    pub(crate) fn add_partitions(
        &self,
        producer: ProducerEpoch,
        partitions: impl IntoIterator<Item = (String, i32)>,
        now_ms: u64,
    ) -> Result<Self, StateError> {
        let mut next = self.begin(producer, now_ms)?;
        for (topic, partition) in partitions {
            next.partitions.entry(topic).or_default().insert(partition);
        }
        Ok(next)
    }

    /// Adds the offsets of a group, beginning a transaction if none is open.
    pub(crate) fn add_group(
        &self,
        producer: ProducerEpoch,
        group: &str,
        now_ms: u64,
    ) -> Result<Self, StateError> {
        let mut next = self.begin(producer, now_ms)?;
        next.offsets.entry(group.to_owned()).or_default();
        Ok(next)
    }

    /// Keeps offsets of a group that was added, until the transaction is committed.
    pub(crate) fn add_offsets(
        &self,
        producer: ProducerEpoch,
        group: &str,
        offsets: OffsetsByTopic,
    ) -> Result<Self, StateError> {
        self.check_producer(producer)?;
        let mut next = self.clone();
        let pending = next.offsets.get_mut(group).filter(|_| self.phase == Phase::Ongoing);
        let pending = pending.ok_or(StateError::InvalidTxnState)?;
        for (topic, partitions) in offsets {
            pending.entry(topic).or_default().extend(partitions);
        }
        Ok(next)
    }

    /// Decides how the transaction ends; none if it has ended like that already.
    pub(crate) fn end(
        &self,
        producer: ProducerEpoch,
        marker: Marker,
        now_ms: u64,
    ) -> Result<Option<Self>, StateError> {
        self.check_producer(producer)?;
        match (self.phase, marker) {
            (Phase::Ongoing, _) => Ok(Some(self.prepare(marker, now_ms))),
            (Phase::CompleteCommit, Marker::Commit) | (Phase::CompleteAbort, Marker::Abort) => {
                Ok(None)
            }
            _ => Err(StateError::InvalidTxnState),
        }
    }

    /// The same in the second protocol (KIP-890), in which the producer goes on with the next epoch, or
    /// with a new id where one is given, so that what is still on its way from it is known to be late. A
    /// transaction that is aborted need not have begun.
    pub(crate) fn end_epoch(
        &self,
        producer: ProducerEpoch,
        marker: Marker,
        new_id: Option<i64>,
        now_ms: u64,
    ) -> Result<Option<Self>, StateError> {
        let ended = match marker {
            Marker::Commit => Phase::CompleteCommit,
            Marker::Abort => Phase::CompleteAbort,
        };
        let is_over = matches!(self.phase, Phase::CompleteCommit | Phase::CompleteAbort);
        if is_over && self.previous == Some(producer) {
            return if self.phase == ended { Ok(None) } else { Err(StateError::InvalidTxnState) };
        }
        self.check_producer(producer)?;
        let has_begun = self.phase == Phase::Ongoing;
        if self.is_prepared() || (!has_begun && marker == Marker::Commit) {
            return Err(StateError::InvalidTxnState);
        }
        let mut next = self.prepare(marker, now_ms);
        next.started_ms = self.started_ms.filter(|_| has_begun).or(Some(now_ms));
        next.previous = Some(producer);
        next.producer.epoch = producer.epoch.saturating_add(1);
        next.next_id = new_id;
        Ok(Some(next))
    }

    /// Shuts the producer out and aborts its open transaction.
    pub(crate) fn fence(&self, now_ms: u64) -> Self {
        let mut next = self.prepare(Marker::Abort, now_ms);
        next.producer.epoch = self.producer.epoch.saturating_add(1);
        next.previous = None;
        next
    }

    fn prepare(&self, marker: Marker, now_ms: u64) -> Self {
        let phase = match marker {
            Marker::Commit => Phase::PrepareCommit,
            Marker::Abort => Phase::PrepareAbort,
        };
        Self { phase, since_ms: now_ms, ..self.clone() }
    }

    /// How a transaction that is decided ends.
    pub(crate) fn decision(&self) -> Option<Marker> {
        match self.phase {
            Phase::PrepareCommit => Some(Marker::Commit),
            Phase::PrepareAbort => Some(Marker::Abort),
            _ => None,
        }
    }

    fn is_prepared(&self) -> bool {
        self.decision().is_some()
    }

    /// The transaction once all markers and offsets are on disk.
    pub(crate) fn complete(&self, now_ms: u64) -> Self {
        let phase = match self.phase {
            Phase::PrepareCommit => Phase::CompleteCommit,
            _ => Phase::CompleteAbort,
        };
        let producer = self.next_id.map_or(self.producer, |id| ProducerEpoch { id, epoch: 0 });
        Self {
            producer,
            next_id: None,
            phase,
            since_ms: now_ms,
            partitions: BTreeMap::new(),
            offsets: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// Whether a partition is part of the open transaction of a producer.
    pub(crate) fn has_partition(
        &self,
        producer: ProducerEpoch,
        topic: &str,
        partition: i32,
    ) -> Result<bool, StateError> {
        self.check_producer(producer)?;
        Ok(self.partitions.get(topic).is_some_and(|numbers| numbers.contains(&partition)))
    }

    /// When the transaction is to be aborted, or its end to be tried again; milliseconds since 1970.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        match self.phase {
            Phase::Ongoing => Some(self.since_ms.saturating_add(self.timeout_ms)),
            Phase::PrepareCommit | Phase::PrepareAbort => Some(self.since_ms + RETRY_MS),
            Phase::Empty | Phase::CompleteCommit | Phase::CompleteAbort => None,
        }
    }

    /// Whether nothing was heard of the id for `retention_ms`.
    pub(crate) fn is_unused(&self, retention_ms: u64, now_ms: u64) -> bool {
        self.deadline_ms().is_none() && now_ms.saturating_sub(self.since_ms) > retention_ms
    }

    /// Whether an offset of that partition is waiting for the transaction to end.
    pub(crate) fn has_pending_offset(&self, group: &str, topic: &str, partition: i32) -> bool {
        let topics = self.offsets.get(group);
        topics.and_then(|topics| topics.get(topic)).is_some_and(|p| p.contains_key(&partition))
    }
}
