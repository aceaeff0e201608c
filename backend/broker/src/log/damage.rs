//! Damaged logs: whatever the files hold, they are refused or read, for tests and fuzzing.

#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;

use super::{
    Isolation, Partition,
    batch::BatchHeader,
    compaction::model::{append_durably, batch, settings},
    segment::{SUFFIX, SWAP},
};
use crate::disk::Disk;

/// A valid log: its files by name, and the batches that it holds.
#[derive(Debug)]
pub(crate) struct Original {
    files: Vec<(String, Vec<u8>)>,
    batches: Vec<Bytes>,
}

fn open(dir: &Path) -> Option<Arc<Partition>> {
    let opened = Partition::open(dir.to_owned(), "t-0".to_owned(), settings(), Disk::default());
    opened.ok().map(Arc::new)
}

/// The batches from the first offset on.
fn batches(partition: &Partition) -> Vec<Bytes> {
    let (mut offset, mut all) = (partition.status().log_start, Vec::new());
    while offset < partition.status().high_watermark {
        let mut read =
            partition.read(offset, Isolation::ReadUncommitted, 1 << 16, true).unwrap().bytes;
        assert!(!read.is_empty(), "there is a batch before the end");
        while !read.is_empty() {
            let header = BatchHeader::parse(&read).unwrap();
            offset = header.end();
            all.push(read.split_to(header.size));
        }
    }
    all
}

impl Original {
    /// Three segments.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let partition = open(dir.path()).unwrap();
        for i in 0..8_u8 {
            let producer = (i % 2 == 0).then_some((1, i32::from(i) * 5));
            let records = [(i % 3, Some(i)); 10];
            append_durably(&partition, &batch(0, producer, i.into(), &records)).await;
        }
        let files = fs::read_dir(dir.path()).unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        });
        let mut files: Vec<_> = files.collect();
        files.sort();
        Self { files, batches: batches(&partition) }
    }

    /// Opens the log after what `bytes` say has happened to one file: which, where, how much is cut out
    /// there, and what is put there instead. What was valid before that place is still there, unless
    /// the log is refused as a whole.
    pub(crate) fn damage(&self, bytes: &[u8]) {
        let [which, at, cut, put @ ..] = bytes else { return };
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in &self.files {
            fs::write(dir.path().join(name), content).unwrap();
        }
        let (last, whole) = &self.files[self.files.len() - 1];
        let others = [format!("{:020}{SUFFIX}{SWAP}", 0), format!("{:020}{SUFFIX}{SWAP}", 20)];
        let small = ["start-offset".to_owned(), "compacted-offset".to_owned()];
        let place = usize::from(*at) * whole.len() / 255;
        let segments = self.files.iter().map(|(name, _)| name.clone());
        let names: Vec<String> = segments.chain(others).chain(small).collect();
        let name = &names[usize::from(*which) % names.len()];
        let mut content = fs::read(dir.path().join(name)).unwrap_or_default();
        let place = place.min(content.len());
        let end = content.len().min(place + usize::from(*cut) * 8);
        content.splice(place..end, put.iter().copied());
        fs::write(dir.path().join(name), content).unwrap();

        let Some(partition) = open(dir.path()) else { return };
        let found = batches(&partition);
        if name == last {
            // A torn tail is cut off; before it everything is as it was.
            let before = self.batches_before_last_segment(whole) + whole_batches(&whole[..place]);
            assert_eq!(found[..before], self.batches[..before]);
        }
        drop(partition.compact(std::time::SystemTime::now(), 10));
        batches(&partition);
    }

    fn batches_before_last_segment(&self, last: &[u8]) -> usize {
        self.batches.len() - whole_batches(last)
    }
}

/// How many whole batches the bytes begin with.
fn whole_batches(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Ok(header) = BatchHeader::parse(bytes)
        && let Some(behind) = bytes.get(header.size..)
    {
        (bytes, count) = (behind, count + 1);
    }
    count
}
