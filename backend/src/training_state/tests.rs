use std::{fs, io};

use tempfile::TempDir;
use tillstream_clustering::KChoice;
use tillstream_shared::{BatchFunnel, ClosedBy, PreprocessingKind};

use super::*;

const HALF_LIFE: HalfLife = HalfLife::Batches(10.0);

const PARAMS: ModelParams = ModelParams {
    preprocessing: PreprocessingKind::Log,
    clip: None,
    k: KChoice::Fixed(2),
    n_init: 1,
    seed: 1,
    evaluate: false,
};

/// Batch `number` of ten offsets.
fn manifest(number: u64) -> Manifest {
    let first = 10 * (number as i64 - 1);
    Manifest {
        format_version: Manifest::FORMAT_VERSION,
        number,
        file: String::new(),
        topic: "t".into(),
        cluster_id: None,
        topic_id: None,
        previous: None,
        partitions: vec![OffsetRange { partition: 0, first, last: first + 9 }],
        rows: 3,
        dead_letters: 0,
        repeated: 0,
        empty: 0,
        sources: Vec::new(),
        funnel: BatchFunnel::default(),
        closed_by: ClosedBy::Size,
        bytes: 0,
        blake3: String::new(),
        created_at: String::new(),
        hash: format!("hash of {number}"),
    }
}

/// Three lines that differ from batch to batch.
fn content(number: u64) -> BatchContent {
    let mut content = BatchContent::default();
    for quantity in 1..=3 {
        content.add(&Line {
            invoice_no: number.to_string().into(),
            stock_code: "A".into(),
            description: "".into(),
            quantity: quantity * number as i64,
            invoice_date: "2010-12-01 08:26:00".into(),
            unit_price: 0.1,
            customer_id: Some("17850".into()),
            country: "France".into(),
        });
    }
    content
}

fn absorb(state: &mut TrainingState, number: u64) {
    let failed = state.absorb(&manifest(number), &content(number), &PARAMS, HALF_LIFE);
    assert!(failed.is_empty(), "{failed:?}");
}

fn absorbed(numbers: impl IntoIterator<Item = u64>) -> TrainingState {
    let mut state = TrainingState::default();
    numbers.into_iter().for_each(|number| absorb(&mut state, number));
    state
}

#[test]
fn it_comes_back_as_it_was_stored() {
    let folder = TempDir::new().unwrap();
    let path = state_path(folder.path());
    assert_eq!(TrainingState::load(&path).unwrap(), None);
    TrainingState::default().save(&path).unwrap();
    assert_eq!(TrainingState::load(&path).unwrap(), Some(TrainingState::default()));
    let mut state = absorbed(1..=2);
    state.leave_out(&manifest(3), "gone".into());
    state.unstored.insert((2, Entity::Product));
    state.save(&path).unwrap();
    assert_eq!(state.offsets, [OffsetRange { partition: 0, first: 0, last: 19 }]);
    assert_eq!((state.last.number, state.last.manifest.as_str()), (3, "hash of 3"));
    assert!(state.live.iter().all(Option::is_some));
    let points = TrainingState::load_points(&path, Entity::Product).unwrap();
    assert_eq!(points.as_ref(), Some(&state.points[1]));
    assert_eq!(TrainingState::load(&path).unwrap(), Some(state));
}

#[test]
fn a_file_that_is_damaged_or_of_another_kind_is_an_error() {
    let folder = TempDir::new().unwrap();
    let path = state_path(folder.path());
    let mut swapped = absorbed(1..=2);
    swapped.profiles.swap(0, 1);
    swapped.save(&path).unwrap();
    let swapped = fs::read(&path).unwrap();
    absorbed(1..=2).save(&path).unwrap();
    let good = fs::read(&path).unwrap();
    let mut other_version = good.clone();
    other_version[8] = 9;
    let flipped = (0..good.len()).step_by(7).map(|at| {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        bad
    });
    let cut = (0..good.len()).step_by(5).map(|end| good[..end].to_vec());
    for bad in flipped.chain(cut).chain([other_version, swapped]) {
        fs::write(&path, bad).unwrap();
        let error = TrainingState::load(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    }
}

#[test]
fn a_batch_that_comes_late_is_in_all_but_the_live_clusters() {
    let mut state = absorbed([1]);
    state.leave_out(&manifest(2), "its checksum is another".into());
    absorb(&mut state, 3);
    assert_eq!(state.gaps().map(|gap| gap.batch).collect::<Vec<_>>(), [2]);
    state.absorb_late(&manifest(2), &content(2));
    let whole = absorbed(1..=3);
    assert_eq!((&state.points, &state.profiles), (&whole.points, &whole.profiles));
    assert_eq!((&state.offsets, &state.newest), (&whole.offsets, &whole.newest));
    assert!(state.gaps.is_empty());
    assert_eq!(state.live, absorbed([1, 3]).live);
    assert!(state.live_gaps.contains(&2));
}

#[test]
fn gaps_that_nothing_has_passed_are_tried_again() {
    let mut state = absorbed([1]);
    state.leave_out(&manifest(2), "gone".into());
    absorb(&mut state, 3);
    let before = state.clone();
    state.leave_out(&manifest(4), "gone".into());
    state.leave_out(&manifest(5), "gone".into());
    state.reopen_last_gaps();
    assert_eq!(state, before);
    (4..=5).for_each(|number| absorb(&mut state, number));
    assert_eq!(state.last.number, 5);
    let mut nothing = TrainingState::default();
    nothing.leave_out(&manifest(1), "gone".into());
    nothing.reopen_last_gaps();
    assert_eq!(nothing, TrainingState::default());
}

#[test]
fn live_clusters_begin_with_the_first_batch_that_has_enough_points() {
    let mut state = TrainingState::default();
    let mut few = BatchContent::default();
    few.add(&Line {
        invoice_no: "1".into(),
        stock_code: "A".into(),
        description: "".into(),
        quantity: 1,
        invoice_date: "".into(),
        unit_price: 0.1,
        customer_id: None,
        country: "France".into(),
    });
    let failed = state.absorb(&manifest(1), &few, &PARAMS, HALF_LIFE);
    assert_eq!(failed.len(), 3);
    assert!(state.live.iter().all(Option::is_none));
    assert_eq!(state.newest.as_ref().unwrap().id.number, 1, "points and profiles have it");
    absorb(&mut state, 2);
    assert_eq!(state.live, absorbed([2]).live);
}
