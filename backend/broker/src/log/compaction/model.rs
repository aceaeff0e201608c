//! Compaction against a model of what must be left, for tests and fuzzing.

#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::super::{
    AppendError, Appended, Health, Isolation, LogSettings, Marker, Partition,
    batch::{BatchHeader, CONTROL, TRANSACTIONAL},
    check, codec,
    records::Records,
};
use crate::{config::BrokerConfig, disk::Disk, topic_settings::TopicSettings};

const TOMBSTONE_AGE: Duration = Duration::from_secs(3600);

pub(crate) fn settings() -> LogSettings {
    LogSettings {
        segment_bytes: 1500,
        compact: true,
        delete: false,
        min_dirty_ratio: 0.0,
        tombstone_age: TOMBSTONE_AGE,
        ..TopicSettings::default().resolve(&BrokerConfig::new("unused"))
    }
}

pub(crate) fn open(dir: &Path) -> Arc<Partition> {
    let opened = Partition::open(dir.to_owned(), "t-0".to_owned(), settings(), Disk::default());
    Arc::new(opened.unwrap())
}

/// A record as it was sent: key, and value unless it is a tombstone.
pub(crate) type Sent = (u8, Option<u8>);

fn put_varint(value: i64, to: &mut Vec<u8>) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    while left >= 0x80 {
        to.push(left as u8 | 0x80);
        left >>= 7;
    }
    to.push(left as u8);
}

/// A batch of these records; the timestamp of each is `timestamp` and its position.
pub(crate) fn batch(
    kind: i16,
    producer: Option<(i64, i32)>,
    timestamp: i64,
    sent: &[Sent],
) -> Vec<u8> {
    let mut records = Vec::new();
    for (i, (key, value)) in sent.iter().enumerate() {
        let mut record = vec![0];
        put_varint(i as i64, &mut record);
        put_varint(i as i64, &mut record);
        put_varint(1, &mut record);
        record.push(*key);
        match value {
            None => put_varint(-1, &mut record),
            Some(value) => {
                put_varint(40, &mut record);
                record.extend([*value; 40]);
            }
        }
        put_varint(0, &mut record);
        put_varint(record.len() as i64, &mut records);
        records.extend(record);
    }
    let (producer_id, base_sequence) = producer.unwrap_or((-1, -1));
    let header = BatchHeader {
        base_offset: 0,
        size: 0,
        crc: 0,
        attributes: kind,
        last_offset_delta: sent.len() as i32 - 1,
        base_timestamp: timestamp,
        max_timestamp: timestamp + sent.len() as i64 - 1,
        producer_id,
        producer_epoch: if producer_id < 0 { -1 } else { 0 },
        base_sequence,
        count: sent.len() as i32,
    };
    header.encode(&codec::compress(kind & 0b111, &records).unwrap())
}

pub(crate) fn append(partition: &Arc<Partition>, batch: &[u8]) -> Result<Appended, AppendError> {
    partition.append(&check(batch).unwrap(), batch)
}

pub(crate) async fn append_durably(partition: &Arc<Partition>, batch: &[u8]) -> i64 {
    let appended = append(partition, batch).unwrap();
    assert_eq!(partition.wait_for(appended.end).await, Health::Good);
    appended.base
}

/// A record in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    key: u8,
    value: Option<u8>,
    timestamp: i64,
}

/// What a consumer sees from the beginning on.
pub(crate) fn read(partition: &Partition, isolation: Isolation) -> BTreeMap<i64, Stored> {
    let (mut offset, mut seen) = (partition.status().log_start, BTreeMap::new());
    loop {
        let read = partition.read(offset, isolation, 500, true).unwrap();
        if read.bytes.is_empty() {
            assert_eq!(offset, partition.status().end(isolation), "the end is reached");
            return seen;
        }
        let (mut bytes, mut waiting) = (&read.bytes[..], read.aborted);
        let mut aborted = Vec::new();
        while !bytes.is_empty() {
            let header = BatchHeader::parse(bytes).unwrap();
            assert!(header.checksum_matches(&bytes[..header.size]));
            assert!(header.end() > offset, "offsets ascend");
            offset = header.end();
            waiting.retain(|one| {
                let begun = one.first_offset <= header.base_offset;
                aborted.extend(begun.then_some(one.producer_id));
                !begun
            });
            let records = codec::decompress(&header, bytes).unwrap();
            if header.attributes & CONTROL != 0 {
                if let Ok(Some(Marker::Abort)) = Marker::parse(&header, bytes) {
                    aborted.retain(|id| *id != header.producer_id);
                }
            } else if header.attributes & TRANSACTIONAL == 0
                || !aborted.contains(&header.producer_id)
            {
                for record in Records::new(&records, header.count) {
                    let record = record.unwrap();
                    let value = record.value.map(|value| value[0]);
                    let (key, timestamp) = (record.key.unwrap()[0], header.timestamp_of(&record));
                    let at = header.base_offset + i64::from(record.offset_delta);
                    seen.insert(at, Stored { key, value, timestamp });
                }
            }
            bytes = &bytes[header.size..];
        }
    }
}

/// Everything that was ever committed, and what is open.
#[derive(Default)]
struct Model {
    committed: BTreeMap<i64, Stored>,
    open: HashMap<i64, BTreeMap<i64, Stored>>,
    sequences: HashMap<i64, i32>,
    /// The last batch with a sequence, as it was sent, and its offset.
    last: Option<(Vec<u8>, i64)>,
}

impl Model {
    fn newest(&self, before: i64) -> HashMap<u8, i64> {
        let known = self.committed.range(..before);
        known.map(|(offset, record)| (record.key, *offset)).collect()
    }

    /// Holds what a consumer sees against what must be there; `clean_end` is where the log was not
    /// compacted yet.
    fn check(&self, partition: &Partition, clean_end: i64, tombstones_expired: bool) {
        let seen = read(partition, Isolation::ReadCommitted);
        let stable = partition.status().last_stable_offset;
        let newest = self.newest(clean_end);
        for (offset, record) in &seen {
            assert_eq!(self.committed.get(offset), Some(record), "at {offset}");
            if *offset < clean_end {
                assert_eq!(newest.get(&record.key), Some(offset), "a newer one is there");
            }
        }
        for (offset, record) in self.committed.range(..stable) {
            let needed = *offset >= clean_end
                || (newest.get(&record.key) == Some(offset)
                    && (record.value.is_some() || !tombstones_expired));
            if needed {
                assert!(seen.contains_key(offset), "{record:?} at {offset} is missing");
            }
        }
    }
}

/// Appends, ends transactions, restarts and compacts as `choose` decides, which gives a number below the
/// one it is given, and none to end; gives how often the log was compacted.
pub(crate) async fn run(mut choose: impl FnMut(u64) -> Option<u64>) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let mut partition = open(dir.path());
    let mut model = Model::default();
    let mut now = SystemTime::now();
    // Tombstones are kept at first, and may go later.
    let (mut compacted, mut expired) = (0, false);
    for step in 0.. {
        let Some(action) = choose(12) else { break };
        let mut choose = |limit| choose(limit).unwrap_or(0);
        expired |= choose(200) == 1;
        let sent: Vec<Sent> = (0..1 + choose(4))
            .map(|_| {
                let value = (choose(4) > 0).then(|| choose(256) as u8);
                (choose(12) as u8, value)
            })
            .collect();
        let (codec, timestamp) = (choose(5) as i16, step);
        let producer = choose(3) as i64;
        let stored = |base: i64| {
            let records = sent.iter().enumerate().map(move |(i, (key, value))| {
                let (key, value, timestamp) = (*key, *value, timestamp + i as i64);
                (base + i as i64, Stored { key, value, timestamp })
            });
            records.collect::<Vec<_>>()
        };
        match action {
            0..5 => {
                let base = append_durably(&partition, &batch(codec, None, timestamp, &sent)).await;
                model.committed.extend(stored(base));
            }
            5..7 => {
                partition.enlist(producer, 0);
                let sequence = model.sequences.entry(producer).or_default();
                let kind = codec | TRANSACTIONAL;
                let bytes = batch(kind, Some((producer, *sequence)), timestamp, &sent);
                *sequence += sent.len() as i32;
                let base = append_durably(&partition, &bytes).await;
                model.open.entry(producer).or_default().extend(stored(base));
                model.last = Some((bytes, base));
            }
            7..10 => {
                let commit = choose(2) == 0;
                let marker = if commit { Marker::Commit } else { Marker::Abort };
                let ended = partition.end_transaction(producer, 0, marker).unwrap();
                assert_eq!(partition.wait_for(ended.end).await, Health::Good);
                let records = model.open.remove(&producer).unwrap_or_default();
                model.committed.extend(records.into_iter().filter(|_| commit));
            }
            10 => {
                partition = open(dir.path());
                if let Some((bytes, base)) = &model.last
                    && check(bytes).unwrap().producer_id == producer
                {
                    assert_eq!(append(&partition, bytes).unwrap().base, *base, "a duplicate");
                }
            }
            _ => {
                if expired {
                    now += TOMBSTONE_AGE;
                }
                let max_keys = if choose(3) == 0 { 5 } else { 1000 };
                if partition.compact(now, max_keys).unwrap() {
                    compacted += 1;
                    let clean_end = partition.compaction().clean_end;
                    model.check(&partition, clean_end, expired);
                }
            }
        }
    }
    for producer in 0..3 {
        let ended = partition.end_transaction(producer, 0, Marker::Abort).unwrap();
        partition.wait_for(ended.end).await;
        model.open.remove(&producer);
    }
    let end = partition.status().high_watermark;
    // What fills the active segment, so that everything before is compacted.
    append_durably(&partition, &batch(0, None, 0, &[(200, Some(1)); 30])).await;
    append_durably(&partition, &batch(0, None, 0, &[(201, Some(1)); 30])).await;
    model.committed.extend(read(&partition, Isolation::ReadCommitted).split_off(&end));
    for _ in 0..2 {
        now += 2 * TOMBSTONE_AGE;
        partition.compact(now, 1000).unwrap();
        append_durably(&partition, &batch(0, None, 0, &[(202, Some(1)); 30])).await;
        model.committed.extend(read(&partition, Isolation::ReadCommitted).split_off(&end));
    }
    partition.compact(now + 2 * TOMBSTONE_AGE, 1000).unwrap();
    partition = open(dir.path());
    let clean_end = partition.compaction().clean_end;
    assert!(clean_end >= end);
    model.check(&partition, clean_end, true);
    let seen = read(&partition, Isolation::ReadCommitted);
    assert!(seen.range(..end).all(|(_, record)| record.value.is_some()), "no tombstone is left");
    let all = read(&partition, Isolation::ReadUncommitted);
    assert_eq!(all, seen, "no record of an aborted transaction is left");
    compacted
}
