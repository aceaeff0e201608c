//! Idempotent producing: the last sequence numbers of each producer in one partition.

use std::collections::{HashMap, VecDeque};

use super::batch::BatchHeader;

/// As many batches as a client may have in flight.
const REMEMBERED: usize = 5;
/// Producers remembered per partition; beyond, the one that appended longest ago is forgotten.
const MOST_PRODUCERS: usize = 4096;

/// Why a batch does not continue what its producer sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SequenceFault {
    /// A newer producer with the same id has been seen.
    OldEpoch,
    /// Batches are missing in between.
    Gap,
}

/// What to do with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Append it.
    New,
    /// It is there already, at these offsets.
    Duplicate {
        /// Offset of its first record.
        base: i64,
        /// Offset behind its last record.
        end: i64,
    },
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    first: i32,
    last: i32,
    base: i64,
    end: i64,
}

#[derive(Debug)]
struct Producer {
    epoch: i16,
    batches: VecDeque<Remembered>,
}

/// The producers of one partition.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    producers: HashMap<i64, Producer>,
}

/// Sequence numbers run from 0 to `i32::MAX` and begin again.
fn advance(sequence: i32, by: i32) -> i32 {
    ((i64::from(sequence) + i64::from(by)) % (i64::from(i32::MAX) + 1)) as i32
}

impl Sequences {
    /// Judges a batch before it is appended. A producer of which nothing is known any more (its
    /// batches were deleted) may begin with any number, as with Kafka.
    pub(crate) fn judge(&self, header: &BatchHeader) -> Result<Verdict, SequenceFault> {
        let Some(producer) = self.producers.get(&header.producer_id) else {
            return Ok(Verdict::New);
        };
        if header.producer_epoch < producer.epoch {
            return Err(SequenceFault::OldEpoch);
        }
        if header.producer_epoch > producer.epoch {
            return if header.base_sequence == 0 {
                Ok(Verdict::New)
            } else {
                Err(SequenceFault::Gap)
            };
        }
        let last = advance(header.base_sequence, header.last_offset_delta);
        let same = |known: &&Remembered| known.first == header.base_sequence && known.last == last;
        if let Some(known) = producer.batches.iter().find(same) {
            return Ok(Verdict::Duplicate { base: known.base, end: known.end });
        }
        match producer.batches.back() {
            Some(known) if advance(known.last, 1) != header.base_sequence => {
                Err(SequenceFault::Gap)
            }
            _ => Ok(Verdict::New),
        }
    }

    /// Takes note of a batch that is now in the log at `base`.
    pub(crate) fn remember(&mut self, header: &BatchHeader, base: i64) {
        if header.producer_id < 0 {
            return;
        }
        if !self.producers.contains_key(&header.producer_id)
            && self.producers.len() >= MOST_PRODUCERS
        {
            self.forget_oldest();
        }
        let producer = self
            .producers
            .entry(header.producer_id)
            .or_insert_with(|| Producer { epoch: header.producer_epoch, batches: VecDeque::new() });
        if producer.epoch != header.producer_epoch {
            producer.epoch = header.producer_epoch;
            producer.batches.clear();
        }
        if producer.batches.len() == REMEMBERED {
            producer.batches.pop_front();
        }
        producer.batches.push_back(Remembered {
            first: header.base_sequence,
            last: advance(header.base_sequence, header.last_offset_delta),
            base,
            end: base + i64::from(header.count()),
        });
    }

    fn forget_oldest(&mut self) {
        let last_end = |producer: &Producer| producer.batches.back().map_or(0, |known| known.end);
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
        }
    }

    #[test]
    fn the_next_batch_is_new_a_known_one_a_duplicate_and_a_gap_is_refused() {
        let mut sequences = Sequences::default();
        for i in 0..6 {
            let next = batch(0, i * 10, 10);
            assert_eq!(sequences.judge(&next), Ok(Verdict::New));
            sequences.remember(&next, 100 + i64::from(i) * 10);
        }
        let known = Verdict::Duplicate { base: 110, end: 120 };
        assert_eq!(sequences.judge(&batch(0, 10, 10)), Ok(known));
        assert_eq!(sequences.judge(&batch(0, 0, 10)), Err(SequenceFault::Gap), "forgotten");
        assert_eq!(sequences.judge(&batch(0, 70, 10)), Err(SequenceFault::Gap));
        assert_eq!(sequences.judge(&batch(0, 50, 5)), Err(SequenceFault::Gap), "half a batch");
    }

    #[test]
    fn a_new_epoch_begins_at_zero_and_shuts_out_the_old_one() {
        let mut sequences = Sequences::default();
        sequences.remember(&batch(1, 0, 3), 0);
        assert_eq!(sequences.judge(&batch(0, 3, 1)), Err(SequenceFault::OldEpoch));
        assert_eq!(sequences.judge(&batch(2, 3, 1)), Err(SequenceFault::Gap));
        assert_eq!(sequences.judge(&batch(2, 0, 1)), Ok(Verdict::New));
    }

    #[test]
    fn sequences_wrap_around() {
        let mut sequences = Sequences::default();
        sequences.remember(&batch(0, i32::MAX - 1, 3), 0);
        assert_eq!(sequences.judge(&batch(0, 1, 4)), Ok(Verdict::New));
        assert_eq!(sequences.judge(&batch(0, 2, 4)), Err(SequenceFault::Gap));
    }

    #[test]
    fn the_number_of_producers_is_bounded() {
        let mut sequences = Sequences::default();
        for id in 0..2 * MOST_PRODUCERS as i64 {
            sequences.remember(&BatchHeader { producer_id: id, ..batch(0, 0, 1) }, id);
        }
        assert_eq!(sequences.producers.len(), MOST_PRODUCERS);
        assert!(sequences.producers.contains_key(&(2 * MOST_PRODUCERS as i64 - 1)));
    }
}
