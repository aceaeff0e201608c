//! The state machine by itself.

use super::{Phase, ProducerEpoch, StateError, TransactionState};
use crate::{
    groups::{CommittedOffset, OffsetsByTopic},
    log::Marker,
};

const TIMEOUT_MS: u64 = 1000;

fn new() -> TransactionState {
    TransactionState::new(7, TIMEOUT_MS, 0)
}

fn epoch(epoch: i16) -> ProducerEpoch {
    ProducerEpoch { id: 7, epoch }
}

fn ongoing() -> TransactionState {
    new().add_partitions(epoch(0), [("t".to_owned(), 1)], 50).unwrap()
}

fn offsets(offset: i64) -> OffsetsByTopic {
    let committed = CommittedOffset { offset, leader_epoch: -1, metadata: String::new() };
    OffsetsByTopic::from([("t".to_owned(), [(0, committed)].into())])
}

#[test]
fn a_transaction_goes_from_its_first_partition_to_its_markers() {
    let state = ongoing();
    assert_eq!((state.phase, state.deadline_ms()), (Phase::Ongoing, Some(50 + TIMEOUT_MS)));
    let more = state.add_partitions(epoch(0), [("t".to_owned(), 2)], 60).unwrap();
    assert_eq!(more.deadline_ms(), state.deadline_ms(), "more partitions give no more time");
    assert_eq!(more.partitions["t"], [1, 2].into());
    for (marker, phase) in
        [(Marker::Commit, Phase::CompleteCommit), (Marker::Abort, Phase::CompleteAbort)]
    {
        let decided = more.end(epoch(0), marker, 70).unwrap().unwrap();
        assert_eq!((decided.decision(), &decided.partitions), (Some(marker), &more.partitions));
        let complete = decided.complete(80);
        assert_eq!((complete.phase, complete.deadline_ms()), (phase, None));
        assert!(complete.partitions.is_empty());
        assert_eq!(complete.end(epoch(0), marker, 90), Ok(None), "asked again");
        let other = if marker == Marker::Abort { Marker::Commit } else { Marker::Abort };
        assert_eq!(complete.end(epoch(0), other, 90), Err(StateError::InvalidTxnState));
        assert_eq!(complete.add_group(epoch(0), "g", 95).unwrap().phase, Phase::Ongoing);
    }
    assert_eq!(new().end(epoch(0), Marker::Commit, 0), Err(StateError::InvalidTxnState));
}

#[test]
fn offsets_are_kept_for_groups_that_were_added() {
    let refused = ongoing().add_offsets(epoch(0), "g", offsets(3));
    assert_eq!(refused, Err(StateError::InvalidTxnState));
    let added = ongoing().add_group(epoch(0), "g", 60).unwrap();
    assert!(!added.has_pending_offset("g", "t", 0));
    let kept = added.add_offsets(epoch(0), "g", offsets(3)).unwrap();
    let kept = kept.add_offsets(epoch(0), "g", offsets(4)).unwrap();
    assert_eq!(kept.offsets["g"]["t"][&0].offset, 4, "the last one counts");
    assert!(kept.has_pending_offset("g", "t", 0));
    assert!(!kept.has_pending_offset("g", "t", 1));
    let decided = kept.end(epoch(0), Marker::Commit, 70).unwrap().unwrap();
    assert_eq!(decided.offsets, kept.offsets);
    assert!(decided.complete(80).offsets.is_empty());
}

#[test]
fn other_ids_and_older_epochs_are_shut_out() {
    let state = ongoing();
    let other = ProducerEpoch { id: 8, epoch: 0 };
    let refused = state.end(other, Marker::Commit, 60);
    assert_eq!(refused, Err(StateError::InvalidProducerIdMapping));
    let fenced = state.fence(60);
    assert_eq!((fenced.producer, fenced.decision()), (epoch(1), Some(Marker::Abort)));
    let renewed = fenced.complete(70).renew(None, TIMEOUT_MS, None, 70);
    assert_eq!((renewed.producer, renewed.phase), (epoch(2), Phase::Empty));
    for old in [epoch(0), epoch(1)] {
        let refused = renewed.add_partitions(old, [], 80);
        assert_eq!(refused, Err(StateError::ProducerFenced));
        assert_eq!(renewed.check_claim(old), Err(StateError::ProducerFenced));
    }
    assert_eq!(renewed.check_claim(epoch(2)), Ok(()));
}

#[test]
fn a_producer_that_did_not_hear_its_new_epoch_is_told_again() {
    let renewed = new().renew(Some(epoch(0)), TIMEOUT_MS, None, 10);
    assert_eq!(renewed.producer, epoch(1));
    assert_eq!(renewed.check_claim(epoch(0)), Ok(()));
    assert_eq!(renewed.renew(Some(epoch(0)), TIMEOUT_MS, None, 20).producer, epoch(1));
    assert_eq!(renewed.renew(Some(epoch(1)), TIMEOUT_MS, None, 20).producer, epoch(2));
    let used = renewed.add_partitions(epoch(1), [], 30).unwrap();
    assert_eq!(used.check_claim(epoch(0)), Err(StateError::ProducerFenced), "it was heard");
}

#[test]
fn a_used_up_producer_id_is_replaced() {
    let mut state = new();
    for expected in 1..i16::MAX {
        assert!(!state.is_epoch_exhausted());
        state = state.renew(None, TIMEOUT_MS, None, 0);
        assert_eq!(state.producer, epoch(expected));
    }
    assert!(state.is_epoch_exhausted());
    let last = epoch(i16::MAX - 1);
    let fenced = state.add_partitions(last, [], 0).unwrap().fence(0).complete(0);
    assert_eq!(fenced.producer, epoch(i16::MAX));
    let renewed = fenced.renew(None, TIMEOUT_MS, Some(9), 0);
    assert_eq!(renewed.producer, ProducerEpoch { id: 9, epoch: 0 });
}

#[test]
fn only_ids_without_open_transaction_are_forgotten() {
    assert!(!new().is_unused(100, 100));
    assert!(new().is_unused(100, 101));
    assert!(!ongoing().is_unused(100, 10_000));
}

#[test]
fn in_the_second_protocol_each_transaction_has_its_epoch() {
    let decided = ongoing().end_epoch(epoch(0), Marker::Commit, None, 60).unwrap().unwrap();
    assert_eq!((decided.producer, decided.decision()), (epoch(1), Some(Marker::Commit)));
    let complete = decided.complete(70);
    assert_eq!(complete.producer, epoch(1));
    assert_eq!(complete.end_epoch(epoch(0), Marker::Commit, None, 80), Ok(None), "asked again");
    let (fenced, invalid) = (Err(StateError::ProducerFenced), Err(StateError::InvalidTxnState));
    assert_eq!(complete.end_epoch(epoch(0), Marker::Abort, None, 80), invalid);
    assert_eq!(complete.renew(Some(epoch(0)), TIMEOUT_MS, None, 80).producer, epoch(1));
    let nothing = complete.end_epoch(epoch(1), Marker::Commit, None, 80);
    assert_eq!(nothing, invalid);
    let aborted = complete.end_epoch(epoch(1), Marker::Abort, None, 80).unwrap().unwrap();
    assert_eq!((aborted.producer, aborted.started_ms), (epoch(2), Some(80)));
    let next = complete.add_partitions(epoch(1), [], 80).unwrap();
    assert_eq!(next.end_epoch(epoch(0), Marker::Commit, None, 90), fenced, "the answer was heard");
}

#[test]
fn a_producer_whose_epochs_are_used_up_has_a_new_id_after_its_transaction() {
    let last = epoch(i16::MAX - 1);
    let mut state = ongoing();
    state.producer = last;
    let decided = state.end_epoch(last, Marker::Commit, Some(9), 60).unwrap().unwrap();
    assert_eq!(decided.producer, epoch(i16::MAX), "as the markers have it");
    let complete = decided.complete(70);
    assert_eq!(complete.producer, ProducerEpoch { id: 9, epoch: 0 });
    assert_eq!(complete.end_epoch(last, Marker::Commit, Some(10), 80), Ok(None), "asked again");
    let next = complete.add_partitions(complete.producer, [], 80).unwrap();
    let fenced = next.fence(90).complete(95);
    assert_eq!(fenced.producer, ProducerEpoch { id: 9, epoch: 1 });
}
