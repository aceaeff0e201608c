use std::{collections::BTreeMap, fs, path::Path};

use tempfile::TempDir;
use tillstream_shared::{ClosedBy, Line, OffsetRange, SourceLine};

use super::*;
use crate::batch::{ConsumerLock, OpenBatch, Provenance, read_lines};

const TOPIC: &str = "retail_stream";

fn line(quantity: i64) -> Line<'static> {
    Line {
        invoice_no: "C536365".into(),
        stock_code: "85123A".into(),
        description: "A \"quoted\", name".into(),
        quantity,
        invoice_date: "2010-12-01 08:26:00".into(),
        unit_price: 2.55,
        customer_id: Some("17850".into()),
        country: "United Kingdom".into(),
    }
}

fn provenance() -> Provenance {
    Provenance {
        cluster_id: Some("cluster".into()),
        topic: TOPIC.into(),
        topic_id: Some("topic".into()),
    }
}

fn open_batch(lock: &ConsumerLock, offsets: std::ops::Range<i64>) -> OpenBatch {
    let mut batch = OpenBatch::create(lock).unwrap();
    for offset in offsets {
        batch.add(&line(offset), 0, offset).unwrap();
        batch.add_source(0, "file/1", offset as u64 + 1);
    }
    batch
}

/// Stores a batch as the consumer does.
fn store(folder: &Path, offsets: std::ops::Range<i64>) -> Manifest {
    let (mut catalogue, lock) = Catalogue::open(folder).unwrap();
    catalogue.close(open_batch(&lock, offsets), &provenance(), ClosedBy::Size).unwrap()
}

fn all(catalogue: &Catalogue) -> Vec<Manifest> {
    catalogue.manifests(1..=u64::MAX).collect::<Result<_, _>>().unwrap()
}

fn refused(folder: &Path) -> String {
    let error = Catalogue::open(folder).unwrap_err();
    assert!(matches!(error, BatchError::Inconsistent { .. }), "{error}");
    error.to_string()
}

#[test]
fn a_stored_batch_comes_back_whole() {
    let folder = TempDir::new().unwrap();
    let manifest = store(folder.path(), 0..3);
    let (catalogue, _lock) = Catalogue::open(folder.path()).unwrap();
    assert_eq!(all(&catalogue), std::slice::from_ref(&manifest));
    assert_eq!(manifest.partitions, [OffsetRange { partition: 0, first: 0, last: 2 }]);
    let source = SourceLine { partition: 0, source: "file/1".into(), line: 3 };
    assert_eq!((manifest.sources.as_slice(), &manifest.previous), (&[source][..], &None));
    assert_eq!((manifest.rows, manifest.funnel.returns, manifest.funnel.sales), (3, 1, 2));
    let mut lines = Vec::new();
    read_lines(&folder.path().into(), &manifest, |line| lines.push(line.clone().into_owned()))
        .unwrap();
    assert_eq!(lines, [line(0), line(1), line(2)]);
}

#[test]
fn a_manifest_names_the_one_before_by_the_hash_of_its_file() {
    let folder = TempDir::new().unwrap();
    let first = store(folder.path(), 0..3);
    let second = store(folder.path(), 3..5);
    let file = fs::read(folder.path().join("batch_000001.json")).unwrap();
    assert_eq!(first.hash, blake3::hash(&file).to_hex().as_str());
    assert_eq!(second.previous, Some(first.hash));
    let catalogue = Catalogue::read(folder.path()).unwrap();
    assert_eq!((catalogue.summary().hash.as_str(), catalogue.last()), (second.hash.as_str(), 2));
    let topic = catalogue.topic(TOPIC).unwrap();
    assert_eq!(topic.next_offsets, BTreeMap::from([(0, 5)]));
    assert_eq!(topic.sources["file/1"].last_lines, BTreeMap::from([(0, 5)]));
    assert_eq!(
        (topic.cluster_id.as_deref(), topic.topic_id.as_deref()),
        (Some("cluster"), Some("topic"))
    );
}

#[test]
fn a_batch_of_another_history_is_refused() {
    let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    store(folder.path(), 0..3);
    store(folder.path(), 3..5);
    store(other.path(), 0..2);
    let manifest = "batch_000001.json";
    fs::copy(other.path().join(manifest), folder.path().join(manifest)).unwrap();
    let error = refused(folder.path());
    assert!(error.contains("batch 2 does not follow the batch 1 that is there"), "{error}");
}

#[test]
fn new_batches_are_found_one_by_one() {
    let folder = TempDir::new().unwrap();
    let mut onlooker = Catalogue::read(folder.path()).unwrap();
    assert!(onlooker.refresh().unwrap().is_empty());
    let first = store(folder.path(), 0..3);
    let second = store(folder.path(), 3..5);
    assert_eq!(onlooker.refresh().unwrap(), [first, second]);
    assert!(onlooker.refresh().unwrap().is_empty());
    assert_eq!((onlooker.summary().rows, onlooker.last()), (5, 2));
}

#[test]
fn leftovers_of_a_crash_are_removed() {
    let folder = TempDir::new().unwrap();
    let first = store(folder.path(), 0..3);
    let second = store(folder.path(), 3..5);
    let orphan = folder.path().join(&second.file);
    fs::remove_file(folder.path().join("batch_000002.json")).unwrap();
    for name in ["open_batch.csv.5f3a91c2.tmp", "consumer_5f3a91c2.lock", "open_batch.csv.tmp"] {
        fs::write(folder.path().join(name), "").unwrap();
    }

    let (catalogue, lock) = Catalogue::open(folder.path()).unwrap();
    assert_eq!(all(&catalogue), [first]);
    assert_eq!(catalogue.topic(TOPIC).unwrap().next_offsets, BTreeMap::from([(0, 3)]));
    assert!(!orphan.exists());
    drop(lock);
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 3, "one batch, its manifest and the lock");
}

#[test]
fn what_another_consumer_is_at_work_on_stays() {
    let folder = TempDir::new().unwrap();
    let (mut catalogue, lock) = Catalogue::open_shared(folder.path()).unwrap();
    let at_work = open_batch(&lock, 0..3);
    let (_, other) = Catalogue::open_shared(folder.path()).unwrap();
    drop(other);
    catalogue.close(at_work, &provenance(), ClosedBy::Size).unwrap();

    // Killed after its file was named and another consumer had taken the number.
    let second = store_shared(folder.path(), 3..5);
    let orphan = folder.path().join(second.file.replace(&second.file[25..], "Z_5f3a91c2.csv"));
    fs::write(&orphan, "").unwrap();
    let (catalogue, _other) = Catalogue::open_shared(folder.path()).unwrap();
    assert!(!orphan.exists());
    assert_eq!((catalogue.last(), catalogue.damaged().unwrap().len()), (2, 0));
    drop(lock);
}

/// Stores a batch as one of several consumers does.
fn store_shared(folder: &Path, offsets: std::ops::Range<i64>) -> Manifest {
    let (mut catalogue, lock) = Catalogue::open_shared(folder).unwrap();
    catalogue.close(open_batch(&lock, offsets), &provenance(), ClosedBy::Size).unwrap()
}

#[test]
fn of_two_consumers_with_the_same_messages_one_stores_them() {
    let folder = TempDir::new().unwrap();
    let (mut one, of_one) = Catalogue::open_shared(folder.path()).unwrap();
    let (mut other, of_other) = Catalogue::open_shared(folder.path()).unwrap();
    let [batch, same] = [&of_one, &of_other].map(|lock| open_batch(lock, 0..3));
    let first = one.close(batch, &provenance(), ClosedBy::Size).unwrap();
    let error = other.close(same, &provenance(), ClosedBy::Size).unwrap_err();
    assert!(matches!(error, BatchError::Overtaken { partition: 0, next: 3 }), "{error}");

    // What it reads from there on is stored, after what the first has stored meanwhile of another partition.
    let mut elsewhere = OpenBatch::create(&of_one).unwrap();
    elsewhere.add(&line(1), 1, 0).unwrap();
    let second = one.close(elsewhere, &provenance(), ClosedBy::Size).unwrap();
    let third = other.close(open_batch(&of_other, 3..5), &provenance(), ClosedBy::Size).unwrap();
    assert_eq!(third.previous.as_ref(), Some(&second.hash));
    drop((of_one, of_other));
    assert_eq!(all(&Catalogue::read(folder.path()).unwrap()), [first, second, third]);
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 7, "three batches, their manifests and the lock");
}

#[test]
fn numbers_are_given_once_however_many_consumers_store_at_the_same_time() {
    let folder = TempDir::new().unwrap();
    let store = |partition: i32| {
        let (mut catalogue, lock) = Catalogue::open_shared(folder.path()).unwrap();
        for offset in 0..10 {
            let mut batch = OpenBatch::create(&lock).unwrap();
            batch.add(&line(offset), partition, offset).unwrap();
            catalogue.close(batch, &provenance(), ClosedBy::Size).unwrap();
        }
    };
    std::thread::scope(|scope| {
        (0..4).for_each(|partition| drop(scope.spawn(move || store(partition))))
    });
    let catalogue = Catalogue::read(folder.path()).unwrap();
    assert_eq!((catalogue.last(), catalogue.summary().rows), (40, 40));
    assert!(catalogue.damaged().unwrap().is_empty());
    let ends = (0..4).map(|partition| (partition, 10)).collect();
    assert_eq!(catalogue.topic(TOPIC).unwrap().next_offsets, ends);
}

#[test]
fn a_number_that_was_stored_and_removed_meanwhile_is_not_given_again() {
    let folder = TempDir::new().unwrap();
    let (mut sleeper, lock) = Catalogue::open_shared(folder.path()).unwrap();
    let batch = open_batch(&lock, 0..3);
    store_shared(folder.path(), 0..2);
    store_shared(folder.path(), 2..4);
    Catalogue::read(folder.path()).unwrap().remove_through(2).unwrap();
    // It has not heard of them when it tries.
    let mut closed = batch.close(&provenance(), ClosedBy::Size).unwrap();
    assert_eq!(sleeper.try_commit(&mut closed).unwrap(), None);
    assert!(!folder.path().join("batch_000001.json").exists());
    closed.discard(&folder.path().into()).unwrap();
    let error = sleeper.close(open_batch(&lock, 0..3), &provenance(), ClosedBy::Size).unwrap_err();
    assert!(matches!(error, BatchError::Overtaken { next: 4, .. }), "{error}");
    let third = sleeper.close(open_batch(&lock, 4..6), &provenance(), ClosedBy::Size).unwrap();
    assert_eq!(third.number, 3);
}

#[test]
fn another_topic_of_the_same_name_is_not_mixed_in() {
    let folder = TempDir::new().unwrap();
    let (mut catalogue, lock) = Catalogue::open_shared(folder.path()).unwrap();
    store_shared(folder.path(), 0..3);
    let recreated = Provenance { topic_id: Some("recreated".into()), ..provenance() };
    let error = catalogue.close(open_batch(&lock, 3..5), &recreated, ClosedBy::Size).unwrap_err();
    assert!(matches!(error, BatchError::OtherTopic { .. }), "{error}");
}

#[test]
fn damage_is_named() {
    let folder = TempDir::new().unwrap();
    let manifest = store(folder.path(), 0..3);
    let path = folder.path().join(&manifest.file);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("17850", "17851")).unwrap();
    let error = read_lines(&folder.path().into(), &manifest, |_| ()).unwrap_err();
    assert!(matches!(error, BatchError::Damaged { .. }), "{error}");
    let catalogue = Catalogue::read(folder.path()).unwrap();
    assert!(catalogue.damaged().unwrap().is_empty(), "the size is right");

    fs::write(&path, &text[..text.len() - 1]).unwrap();
    let damaged = catalogue.damaged().unwrap();
    assert_eq!((damaged.len(), damaged[0].batch), (1, 1));
    fs::remove_file(&path).unwrap();
    assert_eq!(catalogue.damaged().unwrap().len(), 1);
}

#[test]
fn a_gap_and_a_repetition_are_refused() {
    let folder = TempDir::new().unwrap();
    store(folder.path(), 0..3);
    let second = store(folder.path(), 3..5);
    let manifest = folder.path().join("batch_000002.json");
    let json = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, json.replace("\"first\": 3", "\"first\": 2")).unwrap();
    let error = refused(folder.path());
    assert!(error.contains("batch 2 repeats offsets of partition 0"), "{error}");
    fs::write(&manifest, json).unwrap();
    store(folder.path(), 5..6);
    fs::remove_file(manifest).unwrap();
    let error = refused(folder.path());
    assert!(error.contains("there is no batch 2"), "{error}");
    assert!(folder.path().join(second.file).exists(), "nothing is removed before it is clear");
}

#[test]
fn a_folder_is_shared_on_purpose() {
    let folder = TempDir::new().unwrap();
    let in_use = |opened: Result<(), BatchError>| {
        let error = opened.unwrap_err();
        assert!(matches!(error, BatchError::Lock(_)), "{error}");
    };
    let alone = Catalogue::open(folder.path()).unwrap();
    in_use(Catalogue::open(folder.path()).map(drop));
    in_use(Catalogue::open_shared(folder.path()).map(drop));
    alone.1.share().unwrap();
    let _one = Catalogue::open_shared(folder.path()).unwrap();
    in_use(Catalogue::open(folder.path()).map(drop));
    in_use(Catalogue::open_anew(folder.path()).map(drop));
}

#[test]
fn removed_batches_stay_known() {
    let folder = TempDir::new().unwrap();
    let manifests: Vec<_> = (0..4).map(|at| store(folder.path(), at * 2..at * 2 + 2)).collect();
    let mut catalogue = Catalogue::read(folder.path()).unwrap();
    let before = catalogue.summary().clone();
    catalogue.remove_through(3).unwrap();
    assert_eq!((catalogue.first(), catalogue.last()), (4, 4));
    assert_eq!(all(&catalogue), manifests[3..]);
    let (reopened, _lock) = Catalogue::open(folder.path()).unwrap();
    assert_eq!(reopened.summary(), &before);
    assert_eq!(all(&reopened), manifests[3..]);
    assert!(!folder.path().join(&manifests[0].file).exists());
    assert!(folder.path().join(&manifests[3].file).exists());
}

#[test]
fn a_removal_that_a_crash_interrupted_is_ended() {
    let folder = TempDir::new().unwrap();
    let manifests: Vec<_> = (0..3).map(|at| store(folder.path(), at * 2..at * 2 + 2)).collect();
    let copy = folder.path().join(&manifests[0].file);
    let (csv, json) =
        (fs::read(&copy).unwrap(), fs::read(folder.path().join("batch_000001.json")).unwrap());
    Catalogue::read(folder.path()).unwrap().remove_through(2).unwrap();
    fs::write(&copy, csv).unwrap();
    fs::write(folder.path().join("batch_000001.json"), json).unwrap();
    let (catalogue, _lock) = Catalogue::open(folder.path()).unwrap();
    assert_eq!(all(&catalogue), manifests[2..]);
    assert!(!copy.exists());
}

#[test]
fn a_checkpoint_spares_reading_and_is_not_trusted_blindly() {
    let folder = TempDir::new().unwrap();
    let (mut catalogue, lock) = Catalogue::open(folder.path()).unwrap();
    for at in 0..3 {
        let batch = open_batch(&lock, at..at + 1);
        catalogue.close(batch, &provenance(), ClosedBy::Size).unwrap();
    }
    catalogue.write_checkpoint(lock.files()).unwrap();
    drop(lock);
    let summary = catalogue.summary().clone();
    let first = folder.path().join("batch_000001.json");
    let json = fs::read_to_string(&first).unwrap();
    fs::write(&first, "not read again").unwrap();
    assert_eq!(Catalogue::read(folder.path()).unwrap().summary(), &summary);
    fs::write(&first, &json).unwrap();

    // Another history of the same length is not what the checkpoint is about.
    let other = TempDir::new().unwrap();
    let [.., newest] = [0, 2, 4].map(|first| store(other.path(), first..first + 2));
    fs::copy(folder.path().join(CHECKPOINT), other.path().join(CHECKPOINT)).unwrap();
    let catalogue = Catalogue::read(other.path()).unwrap();
    assert_eq!((catalogue.summary().rows, &catalogue.summary().hash), (6, &newest.hash));
}

#[test]
fn offsets_without_lines_go_into_the_next_batch() {
    let folder = TempDir::new().unwrap();
    store(folder.path(), 0..3);
    let (mut catalogue, lock) = Catalogue::open(folder.path()).unwrap();
    let mut batch = OpenBatch::create(&lock).unwrap();
    batch.add_repeated(0, 3);
    batch.add_dead_letter(0, 4);
    batch.add_repeated(1, 0);
    batch.add_empty(1, 1);
    catalogue.note_rowless(&batch, &provenance()).unwrap();
    let noted: Vec<_> = batch.covered().collect();

    // By whoever reads the partition next.
    let reader = Catalogue::read(folder.path()).unwrap();
    let read = [0, 1].map(|partition| reader.rowless(partition, &provenance()).unwrap().unwrap());
    assert_eq!(read.as_slice(), noted);
    let mut resumed = OpenBatch::create(&lock).unwrap();
    read.into_iter().for_each(|noted| resumed.resume(noted));
    assert_eq!((resumed.dead_letters(), resumed.repeated(), resumed.empty()), (1, 2, 1));
    let other = Provenance { topic_id: Some("recreated".into()), ..provenance() };
    assert_eq!(reader.rowless(0, &other).unwrap(), None, "another topic's offsets");
    assert_eq!(reader.rowless(2, &provenance()).unwrap(), None);

    batch.forget(1);
    batch.add(&line(1), 0, 5).unwrap();
    let manifest = catalogue.close(batch, &provenance(), ClosedBy::Size).unwrap();
    assert_eq!((manifest.rows, manifest.dead_letters), (1, 1));
    assert_eq!((manifest.repeated, manifest.empty), (1, 0));
    assert_eq!(manifest.partitions, [OffsetRange { partition: 0, first: 3, last: 5 }]);
    assert_eq!(catalogue.rowless(0, &provenance()).unwrap(), None, "they are stored now");
    assert!(catalogue.rowless(1, &provenance()).unwrap().is_some());
}

#[test]
fn a_new_history_begins_beside_the_old_one() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("batch");
    let manifest = store(&folder, 0..3);
    let (catalogue, lock, aside) = Catalogue::open_anew(&folder).unwrap();
    assert_eq!((catalogue.last(), Catalogue::read(&folder).unwrap().last()), (0, 0));
    let aside = aside.unwrap();
    assert_eq!(all(&Catalogue::read(&aside).unwrap()), [manifest]);
    assert_eq!(fs::read_dir(&aside).unwrap().count(), 2, "the batch and its manifest");
    assert!(
        matches!(Catalogue::open(&folder), Err(BatchError::Lock(_))),
        "the new folder is taken"
    );
    drop(lock);
    assert!(Catalogue::open_anew(&folder).unwrap().2.is_none());

    // Two within a second.
    store(&folder, 0..3);
    let again = Catalogue::open_anew(&folder).unwrap().2.unwrap();
    assert!(again != aside && aside.exists());
    let empty = parent.path().join("empty");
    assert!(Catalogue::open_anew(&empty).unwrap().2.is_none());
}

#[test]
fn manifests_of_format_1_are_read() {
    let folder = TempDir::new().unwrap();
    let old = serde_json::json!({
        "format_version": 1, "number": 1, "file": "batch_000001_20261123T173509Z.csv", "topic": TOPIC,
        "partitions": [{"partition": 0, "first": 0, "last": 2}], "rows": 3, "dead_letters": 0,
        "funnel": {"lines": 3, "without_customer": 0, "cancellations": 3, "returns": 1, "unpriced": 0,
            "sales": 2},
        "closed_by": "size", "bytes": 10, "blake3": "", "created_at": "2026-11-23T17:35:09Z"
    });
    let path = folder.path().join("batch_000001_20261123T173509Z.json");
    fs::write(&path, old.to_string()).unwrap();
    fs::write(path.with_extension("csv"), "0123456789").unwrap();
    let second = store(folder.path(), 3..4);
    assert_eq!(second.number, 2);
    let catalogue = Catalogue::read(folder.path()).unwrap();
    assert_eq!(all(&catalogue).iter().map(|m| m.rows).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(second.previous, Some(all(&catalogue)[0].hash.clone()));
}
