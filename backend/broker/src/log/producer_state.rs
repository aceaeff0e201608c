//! Idempotent producing: the last sequence numbers of each producer in one partition, and its
//! transactions.

use std::collections::{HashMap, VecDeque};

use super::{batch::BatchHeader, control::Marker, transactions::PartitionTransactions};

/// As many batches as an idempotent producer may have in flight.
const MAX_CACHED_BATCHES: usize = 5;
/// Producers kept per partition; beyond, the one that appended longest ago is evicted.
const MAX_PRODUCERS: usize = 4096;

/// Why a batch does not continue what its producer sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SequenceError {
    /// A newer producer with the same id has been seen.
    InvalidEpoch,
    /// Batches are missing in between.
    OutOfOrder,
}

/// How a batch relates to those of its producer that are in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SequenceCheck {
    /// It is the next one.
    InSequence,
    /// It is there already, at these offsets.
    Duplicate {
        /// Offset of its first record.
        base: i64,
        /// Offset behind its last record.
        end: i64,
    },
}

#[derive(Debug, Clone, Copy)]
struct BatchMetadata {
    first: i32,
    last: i32,
    base: i64,
    end: i64,
}

/// The last batch of a producer in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastBatch {
    /// It has sequence numbers; the offset behind it.
    Data { end: i64 },
    /// There is nothing but markers of its epoch.
    Marker { epoch: i16 },
}

#[derive(Debug)]
struct Producer {
    epoch: i16,
    batches: VecDeque<BatchMetadata>,
    last_timestamp: i64,
    /// Whether a marker has ended a transaction of it here.
    has_marker: bool,
    /// Whether a marker has given it this epoch, of which the first batch is still to come.
    begins: bool,
}

/// What is known of a producer that has appended to a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActiveProducer {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
    /// The sequence number of its last record; none if only a marker is known.
    pub(crate) last_sequence: Option<i32>,
    /// Milliseconds since 1970.
    pub(crate) last_timestamp: i64,
    pub(crate) has_marker: bool,
    /// Offset of the first record of its open transaction.
    pub(crate) transaction_start: Option<i64>,
}

/// The producers of one partition.
#[derive(Debug, Default)]
pub(crate) struct ProducerStates {
    producers: HashMap<i64, Producer>,
    pub(super) transactions: PartitionTransactions,
}

/// Sequence numbers run from 0 to `i32::MAX` and begin again.
fn advance(sequence: i32, by: i32) -> i32 {
    ((i64::from(sequence) + i64::from(by)) % (i64::from(i32::MAX) + 1)) as i32
}

impl ProducerStates {
    /// Checks a batch before it is appended. A producer of which nothing is known any more (its
    /// batches were deleted) may begin with any number, as with Kafka.
    pub(crate) fn check_sequence(
        &self,
        header: &BatchHeader,
    ) -> Result<SequenceCheck, SequenceError> {
        let Some(producer) = self.producers.get(&header.producer_id) else {
            return Ok(SequenceCheck::InSequence);
        };
        if header.producer_epoch < producer.epoch {
            return Err(SequenceError::InvalidEpoch);
        }
        if header.producer_epoch > producer.epoch {
            return if header.base_sequence == 0 {
                Ok(SequenceCheck::InSequence)
            } else {
                Err(SequenceError::OutOfOrder)
            };
        }
        let last = advance(header.base_sequence, header.last_offset_delta);
        let same =
            |cached: &&BatchMetadata| cached.first == header.base_sequence && cached.last == last;
        if let Some(cached) = producer.batches.iter().find(same) {
            return Ok(SequenceCheck::Duplicate { base: cached.base, end: cached.end });
        }
        match producer.batches.back() {
            Some(cached) if advance(cached.last, 1) != header.base_sequence => {
                Err(SequenceError::OutOfOrder)
            }
            None if producer.begins && header.base_sequence != 0 => Err(SequenceError::OutOfOrder),
            _ => Ok(SequenceCheck::InSequence),
        }
    }

    /// Notes a batch that is now in the log at `base`; `marker` is what a control batch says.
    pub(crate) fn update(&mut self, header: &BatchHeader, marker: Option<Marker>, base: i64) {
        if header.producer_id < 0 {
            return;
        }
        self.transactions.update(header, marker, base);
        if !self.producers.contains_key(&header.producer_id)
            && self.producers.len() >= MAX_PRODUCERS
        {
            self.evict_oldest();
        }
        let producer = self.producers.entry(header.producer_id).or_insert_with(|| Producer {
            epoch: header.producer_epoch,
            batches: VecDeque::new(),
            last_timestamp: -1,
            has_marker: false,
            begins: false,
        });
        producer.last_timestamp = header.max_timestamp;
        producer.has_marker |= marker.is_some();
        if producer.epoch != header.producer_epoch {
            producer.epoch = header.producer_epoch;
            producer.batches.clear();
            producer.begins = true;
        }
        if header.is_control() {
            return;
        }
        producer.begins = false;
        if producer.batches.len() == MAX_CACHED_BATCHES {
            producer.batches.pop_front();
        }
        producer.batches.push_back(BatchMetadata {
            first: header.base_sequence,
            last: advance(header.base_sequence, header.last_offset_delta),
            base,
            end: base + header.offset_count(),
        });
    }

    /// The producers that are known, by id.
    pub(crate) fn active(&self) -> Vec<ActiveProducer> {
        let describe = |(id, producer): (&i64, &Producer)| ActiveProducer {
            id: *id,
            epoch: producer.epoch,
            last_sequence: producer.batches.back().map(|cached| cached.last),
            last_timestamp: producer.last_timestamp,
            has_marker: producer.has_marker,
            transaction_start: self.transactions.first_offset(*id),
        };
        let mut all: Vec<ActiveProducer> = self.producers.iter().map(describe).collect();
        all.sort_unstable_by_key(|producer| producer.id);
        all
    }

    /// What compaction must keep of each producer, so that a restart finds its state again.
    pub(super) fn last_batches(&self) -> HashMap<i64, LastBatch> {
        let last = self.producers.iter().map(|(id, producer)| {
            let last = match producer.batches.back() {
                Some(batch) => LastBatch::Data { end: batch.end },
                None => LastBatch::Marker { epoch: producer.epoch },
            };
            (*id, last)
        });
        last.collect()
    }

    fn evict_oldest(&mut self) {
        let last_end = |producer: &Producer| producer.batches.back().map_or(0, |cached| cached.end);
        let oldest = self.producers.iter().min_by_key(|(_, producer)| last_end(producer));
        if let Some(id) = oldest.map(|(id, _)| *id) {
            self.producers.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(epoch: i16, sequence: i32, count: i32) -> BatchHeader {
        BatchHeader {
            base_offset: 0,
            size: 61,
            crc: 0,
            attributes: 0,
            last_offset_delta: count - 1,
            base_timestamp: 0,
            max_timestamp: 0,
            producer_id: 7,
            producer_epoch: epoch,
            base_sequence: sequence,
            count,
        }
    }

    #[test]
    fn the_next_batch_is_new_a_known_one_a_duplicate_and_a_gap_is_refused() {
        let mut states = ProducerStates::default();
        for i in 0..6 {
            let next = batch(0, i * 10, 10);
            assert_eq!(states.check_sequence(&next), Ok(SequenceCheck::InSequence));
            states.update(&next, None, 100 + i64::from(i) * 10);
        }
        let cached = SequenceCheck::Duplicate { base: 110, end: 120 };
        assert_eq!(states.check_sequence(&batch(0, 10, 10)), Ok(cached));
        assert_eq!(
            states.check_sequence(&batch(0, 0, 10)),
            Err(SequenceError::OutOfOrder),
            "forgotten"
        );
        assert_eq!(states.check_sequence(&batch(0, 70, 10)), Err(SequenceError::OutOfOrder));
        assert_eq!(
            states.check_sequence(&batch(0, 50, 5)),
            Err(SequenceError::OutOfOrder),
            "half a batch"
        );
    }

    #[test]
    fn a_new_epoch_begins_at_zero_and_shuts_out_the_old_one() {
        let mut states = ProducerStates::default();
        states.update(&batch(1, 0, 3), None, 0);
        assert_eq!(states.check_sequence(&batch(0, 3, 1)), Err(SequenceError::InvalidEpoch));
        assert_eq!(states.check_sequence(&batch(2, 3, 1)), Err(SequenceError::OutOfOrder));
        assert_eq!(states.check_sequence(&batch(2, 0, 1)), Ok(SequenceCheck::InSequence));
    }

    #[test]
    fn an_epoch_that_a_marker_begins_starts_at_zero() {
        let mut states = ProducerStates::default();
        let marker = |epoch| BatchHeader { attributes: 0x30, ..batch(epoch, -1, 1) };
        states.update(&marker(0), Some(Marker::Commit), 0);
        let unknown = states.check_sequence(&batch(0, 3, 1));
        assert_eq!(unknown, Ok(SequenceCheck::InSequence), "what was before it may be deleted");
        states.update(&batch(0, 3, 1), None, 1);
        states.update(&marker(1), Some(Marker::Commit), 2);
        assert_eq!(states.check_sequence(&batch(0, 3, 1)), Err(SequenceError::InvalidEpoch));
        assert_eq!(states.check_sequence(&batch(1, 4, 1)), Err(SequenceError::OutOfOrder));
        assert_eq!(states.check_sequence(&batch(1, 0, 2)), Ok(SequenceCheck::InSequence));
        states.update(&batch(1, 0, 2), None, 3);
        assert_eq!(states.check_sequence(&batch(1, 2, 1)), Ok(SequenceCheck::InSequence));
    }

    #[test]
    fn sequences_wrap_around() {
        let mut states = ProducerStates::default();
        states.update(&batch(0, i32::MAX - 1, 3), None, 0);
        assert_eq!(states.check_sequence(&batch(0, 1, 4)), Ok(SequenceCheck::InSequence));
        assert_eq!(states.check_sequence(&batch(0, 2, 4)), Err(SequenceError::OutOfOrder));
    }

    #[test]
    fn the_number_of_producers_is_bounded() {
        let mut states = ProducerStates::default();
        for id in 0..2 * MAX_PRODUCERS as i64 {
            states.update(&BatchHeader { producer_id: id, ..batch(0, 0, 1) }, None, id);
        }
        assert_eq!(states.producers.len(), MAX_PRODUCERS);
        assert!(states.producers.contains_key(&(2 * MAX_PRODUCERS as i64 - 1)));
    }
}
