//! The log by itself, without a socket.

use std::{fs, path::Path, sync::Arc, time::SystemTime};

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    AppendError, Appended, Health, Isolation, LogSettings, Marker, Partition, ReadError,
    SequenceError, check,
};
use crate::{config::BrokerConfig, disk::Disk, topic_settings::TopicSettings};

/// A valid batch of `count` records, of which only the header means anything.
fn batch(producer: i64, sequence: i32, count: i32, timestamp: i64, body: &[u8]) -> Vec<u8> {
    let mut summed = BytesMut::new();
    summed.put_i16(0);
    summed.put_i32(count - 1);
    summed.put_i64(timestamp);
    summed.put_i64(timestamp);
    summed.put_i64(producer);
    summed.put_i16(if producer < 0 { -1 } else { 0 });
    summed.put_i32(sequence);
    summed.put_i32(count);
    summed.put_slice(body);
    let mut bytes = BytesMut::new();
    bytes.put_i64(0);
    bytes.put_i32(summed.len() as i32 + 9);
    bytes.put_i32(-1);
    bytes.put_i8(2);
    bytes.put_u32(crc32c::crc32c(&summed));
    bytes.put_slice(&summed);
    bytes.to_vec()
}

/// The defaults but for the size of segments.
fn settings(segment_bytes: u64) -> LogSettings {
    let defaults = TopicSettings::default().resolve(&BrokerConfig::new("unused"));
    LogSettings { segment_bytes, ..defaults }
}

fn open(dir: &Path, segment_bytes: u64) -> Arc<Partition> {
    let settings = settings(segment_bytes);
    Arc::new(Partition::open(dir.to_owned(), "t-0".to_owned(), settings, Disk::default()).unwrap())
}

fn append(partition: &Arc<Partition>, batch: &[u8]) -> Result<Appended, AppendError> {
    partition.append(&check(batch).unwrap(), batch)
}

fn read(
    partition: &Partition,
    offset: i64,
    max_bytes: usize,
    at_least_one: bool,
) -> Result<Bytes, ReadError> {
    let read = partition.read(offset, Isolation::ReadUncommitted, max_bytes, at_least_one);
    read.map(|batches| batches.bytes)
}

async fn append_durably(partition: &Arc<Partition>, batch: &[u8]) -> i64 {
    let appended = append(partition, batch).unwrap();
    assert_eq!(partition.wait_for(appended.end).await, Health::Good);
    appended.base
}

/// The base offsets of the batches in `bytes`.
fn bases(mut bytes: &[u8]) -> Vec<i64> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let header = super::batch::BatchHeader::parse(bytes).unwrap();
        assert!(header.checksum_matches(&bytes[..header.size]));
        found.push(header.base_offset);
        bytes = &bytes[header.size..];
    }
    found
}

#[tokio::test]
async fn every_offset_is_found_in_its_batch_before_and_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), 30_000);
    let mut starts = Vec::new();
    for i in 0..1000_i32 {
        let body = vec![7; (i as usize * 37) % 400];
        let one = batch(-1, -1, 1 + i % 5, i64::from(i), &body);
        starts.push(append_durably(&partition, &one).await);
    }
    let end = partition.status().high_watermark;
    assert!(fs::read_dir(dir.path()).unwrap().count() > 5, "several segments");
    for partition in [Arc::clone(&partition), open(dir.path(), 30_000)] {
        assert_eq!(partition.status().high_watermark, end);
        for offset in 0..end {
            let wanted = starts.partition_point(|start| *start <= offset) - 1;
            let found = bases(&read(&partition, offset, 3000, true).unwrap());
            assert!(starts[wanted..].starts_with(&found), "{offset}: {found:?}");
            assert!(!found.is_empty());
        }
        assert!(read(&partition, end, 3000, true).unwrap().is_empty());
        assert!(matches!(read(&partition, end + 1, 1, true), Err(ReadError::OutOfRange)));
        assert!(matches!(read(&partition, -1, 1, true), Err(ReadError::OutOfRange)));
    }
}

#[tokio::test]
async fn a_read_holds_whole_batches_only() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), 1 << 20);
    let one = batch(-1, -1, 1, 0, &[1; 100]);
    for _ in 0..10 {
        append_durably(&partition, &one).await;
    }
    let length =
        |max_bytes, at_least_one| read(&partition, 2, max_bytes, at_least_one).unwrap().len();
    assert_eq!(length(3 * one.len() + 60, false), 3 * one.len());
    assert_eq!(length(one.len() - 1, false), 0);
    assert_eq!(length(one.len() - 1, true), one.len());
    assert_eq!(length(usize::MAX >> 1, false), 8 * one.len());
}

#[tokio::test]
async fn what_is_stored_differs_only_in_offset_and_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), 1 << 20);
    let one = batch(-1, -1, 3, 0, b"records");
    append_durably(&partition, &one).await;
    append_durably(&partition, &one).await;
    let second = read(&partition, 3, 1 << 20, true).unwrap();
    assert_eq!(second[..8], 3_i64.to_be_bytes());
    assert_eq!(second[8..12], one[8..12]);
    assert_eq!(second[12..16], 0_i32.to_be_bytes());
    assert_eq!(second[16..], one[16..]);
}

#[tokio::test]
async fn sequences_are_known_again_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), 300);
    for i in 0..10 {
        append_durably(&partition, &batch(9, i * 2, 2, 0, b"xx")).await;
    }
    let partition = open(dir.path(), 300);
    let again = append(&partition, &batch(9, 16, 2, 0, b"xx")).unwrap();
    assert_eq!((again.base, again.end), (16, 18));
    let gap = append(&partition, &batch(9, 30, 2, 0, b"xx"));
    assert!(matches!(gap, Err(AppendError::Sequence(SequenceError::OutOfOrder))));
    assert_eq!(append_durably(&partition, &batch(9, 20, 2, 0, b"xx")).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_from_many_sides_all_get_their_own_offsets() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), 10_000);
    let tasks = (0..8).map(|producer| {
        let partition = Arc::clone(&partition);
        tokio::spawn(async move {
            let mut bases = Vec::new();
            for i in 0..100 {
                bases.push(append_durably(&partition, &batch(producer, i, 1, 0, b"x")).await);
            }
            assert!(bases.is_sorted());
            bases
        })
    });
    let mut all = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        all.extend(task.await.unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, (0..800).collect::<Vec<i64>>());
    drop(partition);
    assert_eq!(open(dir.path(), 10_000).status().high_watermark, 800);
}

#[tokio::test]
async fn a_closed_partition_takes_nothing_and_wakes_who_waits() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), 1 << 20);
    let waiting = tokio::spawn({
        let partition = Arc::clone(&partition);
        async move { partition.wait_for(1).await }
    });
    partition.close(Health::Failed);
    assert_eq!(waiting.await.unwrap(), Health::Failed);
    let refused = append(&partition, &batch(-1, -1, 1, 0, b"x"));
    assert!(matches!(refused, Err(AppendError::Closed(Health::Failed))));
}

#[tokio::test]
async fn timestamps_lead_to_the_first_batch_that_reaches_them() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), 10_000);
    let times: Vec<i64> = (0..500).map(|i| i * 10 - (i % 7) * 25).collect();
    for &time in &times {
        append_durably(&partition, &batch(-1, -1, 1, time, &[0; 60])).await;
    }
    for partition in [Arc::clone(&partition), open(dir.path(), 10_000)] {
        for timestamp in (0..4990).step_by(13) {
            let wanted = times.iter().position(|time| *time >= timestamp).map(|i| i as i64);
            let found = partition.batch_at_time(timestamp).unwrap();
            assert_eq!(found.map(|(header, _)| header.base_offset), wanted, "{timestamp}");
        }
        assert_eq!(partition.latest_timestamp(), times.iter().max().copied());
    }
}

#[tokio::test]
async fn a_missing_segment_in_between_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), 500);
    for _ in 0..20 {
        append_durably(&partition, &batch(-1, -1, 1, 0, &[0; 60])).await;
    }
    let mut files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    fs::remove_file(&files[1]).unwrap();
    let (dir, name) = (dir.path().to_owned(), "t-0".to_owned());
    let error = Partition::open(dir, name, settings(500), Disk::default()).unwrap_err();
    assert!(error.to_string().contains(files[2].to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn the_active_segment_is_never_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let settings = LogSettings { retention_bytes: Some(0), ..settings(500) };
    let partition =
        Partition::open(dir.path().to_owned(), "t-0".to_owned(), settings, Disk::default())
            .unwrap();
    let partition = Arc::new(partition);
    for _ in 0..20 {
        append_durably(&partition, &batch(-1, -1, 1, 0, &[0; 60])).await;
    }
    partition.delete_old_segments(SystemTime::now()).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert!(partition.status().log_start > 10);
    let left = read(&partition, partition.status().log_start, 1 << 20, true).unwrap();
    assert_eq!(bases(&left), (partition.status().log_start..20).collect::<Vec<i64>>());
    assert!(matches!(read(&partition, 0, 1, true), Err(ReadError::OutOfRange)));
}

/// A batch of one record that is part of a transaction.
fn transactional(producer: i64, sequence: i32) -> Vec<u8> {
    let mut bytes = batch(producer, sequence, 1, 0, b"record");
    bytes[22] |= 0x10;
    let checksum = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

/// The offsets that a consumer of committed records sees, as Kafka's clients find them.
fn committed(partition: &Partition) -> Vec<i64> {
    let mut offset = partition.status().log_start;
    let mut seen = Vec::new();
    loop {
        let read = partition.read(offset, Isolation::ReadCommitted, 300, true).unwrap();
        let mut bytes = &read.bytes[..];
        if bytes.is_empty() {
            return seen;
        }
        let mut waiting = read.aborted;
        let mut aborted = std::collections::HashSet::new();
        while !bytes.is_empty() {
            let header = super::batch::BatchHeader::parse(bytes).unwrap();
            waiting.retain(|transaction| {
                let begun = transaction.first_offset <= header.base_offset;
                if begun {
                    aborted.insert(transaction.producer_id);
                }
                !begun
            });
            if header.is_control() {
                aborted.remove(&header.producer_id);
            } else if !header.is_transactional() || !aborted.contains(&header.producer_id) {
                seen.push(header.base_offset);
            }
            offset = header.end();
            bytes = &bytes[header.size..];
        }
    }
}

#[tokio::test]
async fn interleaved_transactions_are_told_apart_before_and_after_reopening() {
    const PRODUCERS: i64 = 4;
    let dir = tempfile::tempdir().unwrap();
    let mut partition = open(dir.path(), 700);
    let mut random = 1_u32;
    let mut sequences = [0; PRODUCERS as usize];
    // The offsets of each open transaction, and of all that is committed.
    let mut open_offsets: [Vec<i64>; PRODUCERS as usize] = Default::default();
    let mut expected = Vec::new();
    for step in 0..600 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let producer = usize::from((random >> 24) as u8) % PRODUCERS as usize;
        let id = producer as i64;
        match (random >> 16) % 8 {
            0 => expected.push(append_durably(&partition, &batch(-1, -1, 1, 0, b"plain")).await),
            action @ (1 | 2) => {
                let marker = if action == 1 { Marker::Commit } else { Marker::Abort };
                let ended = partition.end_transaction(id, 0, marker).unwrap();
                assert_eq!(partition.wait_for(ended.end).await, Health::Good);
                let records = std::mem::take(&mut open_offsets[producer]);
                if marker == Marker::Commit {
                    expected.extend(records);
                }
            }
            _ => {
                partition.enlist(id, 0);
                let record = transactional(id, sequences[producer]);
                open_offsets[producer].push(append_durably(&partition, &record).await);
                sequences[producer] += 1;
            }
        }
        if step % 50 == 0 {
            partition = open(dir.path(), 700);
        }
        let status = partition.status();
        let first_open = open_offsets.iter().filter_map(|offsets| offsets.first()).min();
        let stable = first_open.map_or(status.high_watermark, |first| *first);
        assert_eq!(status.last_stable_offset, stable, "step {step}");
        expected.sort_unstable();
        let visible = expected.partition_point(|offset| *offset < stable);
        assert_eq!(committed(&partition), expected[..visible], "step {step}");
    }
    assert!(fs::read_dir(dir.path()).unwrap().count() > 5, "several segments");
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// A log of several segments, of plain and transactional batches and of markers, in `dir`.
async fn fill(dir: &Path) {
    let partition = open(dir, 700);
    for i in 0..60_i32 {
        let record = match i % 5 {
            0 => batch(-1, -1, 3, 0, &[7; 40]),
            1 | 2 => {
                partition.enlist(1, 0);
                transactional(1, i / 5 * 2 + i % 5 - 1)
            }
            3 => {
                let marker = if i % 2 == 0 { Marker::Commit } else { Marker::Abort };
                let ended = partition.end_transaction(1, 0, marker).unwrap();
                assert_eq!(partition.wait_for(ended.end).await, Health::Good);
                continue;
            }
            _ => batch(2, i / 5, 1, 0, b"idempotent"),
        };
        append_durably(&partition, &record).await;
    }
}

/// The segment files in `dir` with their bytes, oldest first.
fn segment_files(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[tokio::test]
async fn a_log_damaged_at_random_is_refused_or_loses_only_its_end() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let files = segment_files(dir.path());
    assert!(files.len() > 3, "several segments");
    let mut random = Random(1);
    let (mut refused, mut cut) = (0, 0);
    for round in 0..400 {
        // Mostly the last one, where a crash leaves its traces.
        let i = if round % 4 == 0 { random.below(files.len()) } else { files.len() - 1 };
        let (path, whole) = &files[i];
        let mut bytes = whole.clone();
        match random.below(4) {
            0 => bytes.truncate(random.below(bytes.len())),
            1 => {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            2 => {
                let at = random.below(bytes.len());
                let end = bytes.len().min(at + 1 + random.below(100));
                bytes[at..end].iter_mut().for_each(|byte| *byte = random.below(256) as u8);
            }
            _ => bytes.extend((0..random.below(300)).map(|_| random.below(256) as u8)),
        }
        fs::write(path, &bytes).unwrap();
        let name = "t-0".to_owned();
        match Partition::open(dir.path().to_owned(), name, settings(700), Disk::default()) {
            Err(_) => refused += 1,
            Ok(partition) => {
                let mut offset = 0;
                while offset < partition.status().high_watermark {
                    let batches = read(&partition, offset, 1 << 20, true).unwrap();
                    let header = super::batch::BatchHeader::parse(&batches).unwrap();
                    offset = header.end();
                }
                if i == files.len() - 1 {
                    let left = fs::metadata(path).unwrap().len() as usize;
                    assert!(left <= whole.len(), "round {round}: nothing can be added");
                    cut += usize::from(left < whole.len());
                }
            }
        }
        for (path, whole) in &files {
            fs::write(path, whole).unwrap();
        }
    }
    assert!(refused > 20 && cut > 20, "{refused} refused, {cut} cut");
}
