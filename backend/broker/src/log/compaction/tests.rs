//! Compaction by itself, without a socket.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use super::{
    super::{
        Isolation, LogSettings, Partition, batch::BatchHeader, codec, records::Records,
        segment::SUFFIX, validate::millis,
    },
    model::{self, append_durably, batch, open, read, settings},
};

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[tokio::test]
async fn a_compacted_log_holds_the_newest_record_of_each_key() {
    for seed in 0..12 {
        let (mut random, mut left) = (Random(seed), 5000);
        let compacted = model::run(|limit| {
            left -= 1;
            (left > 0).then(|| random.below(limit))
        });
        let compacted = compacted.await;
        assert!(compacted > 5, "seed {seed}: compacted {compacted} times");
    }
}

#[tokio::test]
async fn a_reader_sees_a_consistent_log_while_segments_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path());
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (partition, stop) = (Arc::clone(&partition), Arc::clone(&stop));
            tokio::task::spawn_blocking(move || {
                let mut rounds = 0;
                while !stop.load(Ordering::SeqCst) {
                    let end = partition.status().high_watermark;
                    assert!(end == 0 || count_up_to(&partition, end) > 0);
                    for timestamp in [0, 50, 120] {
                        partition.batch_at_time(timestamp).unwrap();
                    }
                    rounds += 1;
                }
                rounds
            })
        })
        .collect();
    let mut random = Random(7);
    for step in 0..300 {
        let sent = [(random.below(9) as u8, Some(step as u8)); 3];
        append_durably(&partition, &batch(0, None, step, &sent)).await;
        if step % 5 == 0 {
            let partition = Arc::clone(&partition);
            let work = move || partition.compact(SystemTime::now(), 1000).unwrap();
            tokio::task::spawn_blocking(work).await.unwrap();
        }
    }
    stop.store(true, Ordering::SeqCst);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    let seen = read(&partition, Isolation::ReadUncommitted);
    assert!(seen.len() < 200, "{} of 900 are left", seen.len());
}

/// How many records there are before `end`; each has the value of its step.
fn count_up_to(partition: &Partition, end: i64) -> usize {
    let (mut offset, mut seen) = (0, 0);
    while offset < end {
        let read = partition.read(offset, Isolation::ReadUncommitted, 400, true).unwrap();
        let mut bytes = &read.bytes[..];
        assert!(!bytes.is_empty());
        while !bytes.is_empty() {
            let header = BatchHeader::parse(bytes).unwrap();
            assert!(header.end() > offset && header.checksum_matches(&bytes[..header.size]));
            offset = header.end();
            let records = codec::decompress(&header, bytes).unwrap();
            for record in Records::new(&records, header.count) {
                let record = record.unwrap();
                let at = header.base_offset + i64::from(record.offset_delta);
                let value = record.value.map(|value| value[0]);
                assert_eq!(value, Some((at / 3) as u8), "at {at}");
                seen += 1;
            }
            bytes = &bytes[header.size..];
        }
    }
    seen
}

#[tokio::test]
async fn the_share_and_the_lags_decide_when_a_log_is_compacted() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path());
    let now = SystemTime::now();
    for _ in 0..60 {
        append_durably(&partition, &batch(0, None, millis(now), &[(1, Some(1)); 3])).await;
    }
    let with = |change: fn(&mut LogSettings)| {
        let mut settings = settings();
        change(&mut settings);
        partition.set_settings(settings);
        partition.compact(now + Duration::from_secs(60), 1000).unwrap()
    };
    assert!(!with(|all| all.compact = false));
    assert!(!with(|all| all.min_compaction_lag = Duration::from_secs(61)), "too young");
    assert!(!with(|all| all.min_dirty_ratio = 1.0), "not dirty enough");
    assert!(with(|all| {
        all.min_dirty_ratio = 1.0;
        all.max_compaction_lag = Some(Duration::from_secs(59));
    }));
    assert!(!with(|_| {}), "nothing is dirty any more");
    let status = partition.status();
    assert_eq!((status.log_start, status.high_watermark), (0, 180));
}

#[tokio::test]
async fn many_small_segments_become_few() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path());
    for i in 0..400 {
        append_durably(&partition, &batch(0, None, i, &[(i as u8 % 7, Some(1)); 5])).await;
    }
    let count = || {
        let entries = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.to_string_lossy().ends_with(SUFFIX)).count()
    };
    assert!(count() > 50);
    // The first run makes them small, the second puts them together.
    for _ in 0..2 {
        assert!(partition.compact(SystemTime::now(), 1000).unwrap());
        for i in 0..40 {
            append_durably(&partition, &batch(0, None, i, &[(i as u8 % 7, Some(1)); 5])).await;
        }
    }
    assert!(partition.compact(SystemTime::now(), 1000).unwrap());
    assert!(count() < 20, "{} segments are left", count());
    assert_eq!(partition.status().high_watermark, 2400);
}
