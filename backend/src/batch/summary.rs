//! What the first N batches amount to, so that their manifests need not be read again.

use std::{collections::BTreeMap, io};

use serde::{Deserialize, Serialize};
use tillstream_shared::Manifest;

use super::{BatchError, BatchStore};
use crate::progress::Progress;

/// Version of the files' format.
const FORMAT_VERSION: u32 = 1;
/// Sources that are remembered for each topic; beyond, those that were not seen for longest go.
const MAX_SOURCES: usize = 10_000;

/// What all batches up to one amount to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of the newest batch; 0 for none.
    pub last: u64,
    /// Hash of its manifest; empty for none.
    pub hash: String,
    /// Lines in all batches.
    pub rows: u64,
    /// Dead letters among the offsets of all batches.
    pub dead_letters: u64,
    /// Messages that repeated a stored line and were skipped.
    pub repeated: u64,
    /// Messages without a payload that were skipped.
    #[serde(default)]
    pub empty: u64,
    /// What is stored of every topic, by its name.
    pub topics: BTreeMap<String, TopicProgress>,
}

/// The file of a summary.
#[derive(Serialize, Deserialize)]
struct Stored<S> {
    format_version: u32,
    summary: S,
}

/// How far a topic is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicProgress {
    /// Id of its cluster, as far as it is known.
    pub cluster_id: Option<String>,
    /// Its id, as far as it is known.
    pub topic_id: Option<String>,
    /// The first offset of every partition that no batch covers.
    pub next_offsets: BTreeMap<i32, i64>,
    /// The last line of every source, by source and partition.
    pub sources: BTreeMap<String, SourceProgress>,
}

/// How far an input is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceProgress {
    /// The newest batch with a line of it.
    batch: u64,
    /// Number of the last line, by partition.
    pub last_lines: BTreeMap<i32, u64>,
}

impl Summary {
    /// Shows the counts in `progress`.
    pub fn report(&self, progress: &Progress) {
        progress.batches.set(self.last);
        progress.lines_stored.set(self.rows);
        progress.dead_letters.set(self.dead_letters);
        progress.repeated.set(self.repeated);
        progress.empty.set(self.empty);
    }

    /// Adds the next batch.
    ///
    /// # Errors
    /// What does not fit to the batches so far: a number left out, another predecessor, offsets that
    /// are there already.
    pub(super) fn add(&mut self, manifest: &Manifest) -> Result<(), String> {
        let number = manifest.number;
        if number != self.last + 1 {
            return Err(format!("there is no batch {}", self.last + 1));
        }
        if manifest.previous.as_ref().is_some_and(|previous| *previous != self.hash) {
            return Err(format!(
                "batch {number} does not follow the batch {} that is there",
                self.last
            ));
        }
        let topic = self.topics.entry(manifest.topic.clone()).or_default();
        for range in &manifest.partitions {
            let next = topic.next_offsets.insert(range.partition, range.last + 1);
            if range.last < range.first || next.is_some_and(|next| range.first < next) {
                let partition = range.partition;
                return Err(format!("batch {number} repeats offsets of partition {partition}"));
            }
        }
        if manifest.cluster_id.is_some() {
            topic.cluster_id.clone_from(&manifest.cluster_id);
        }
        if manifest.topic_id.is_some() {
            topic.topic_id.clone_from(&manifest.topic_id);
        }
        for seen in &manifest.sources {
            let source = topic.sources.entry(seen.source.clone()).or_default();
            source.batch = number;
            source.last_lines.insert(seen.partition, seen.line);
        }
        while topic.sources.len() > MAX_SOURCES {
            let oldest = topic.sources.iter().min_by_key(|(_, source)| source.batch);
            let Some(oldest) = oldest.map(|(source, _)| source.clone()) else { break };
            topic.sources.remove(&oldest);
        }
        self.last = number;
        self.hash.clone_from(&manifest.hash);
        self.rows += manifest.rows;
        self.dead_letters += manifest.dead_letters;
        self.repeated += manifest.repeated;
        self.empty += manifest.empty;
        Ok(())
    }

    /// Reads the file; `None` when there is none, or none that this version understands: a summary
    /// can be made again.
    pub(super) fn load(store: &BatchStore, name: &str) -> Result<Option<Self>, BatchError> {
        let Some(json) = store.read(name)? else { return Ok(None) };
        let stored = serde_json::from_slice::<Stored<Self>>(&json).ok();
        let stored = stored.filter(|stored| stored.format_version == FORMAT_VERSION);
        Ok(stored.map(|stored| stored.summary))
    }

    /// Writes the file, in one piece; `temporary` is a name that nobody else uses.
    pub(super) fn save(
        &self,
        store: &BatchStore,
        name: &str,
        temporary: &str,
    ) -> Result<(), BatchError> {
        let stored = Stored { format_version: FORMAT_VERSION, summary: self };
        let json = serde_json::to_vec(&stored).map_err(io::Error::from);
        store.write(name, temporary, &json.map_err(BatchError::io(store.path_of(name)))?)
    }
}

/// The summary of the batches that the consumer need not look at again.
pub(super) const CHECKPOINT: &str = "checkpoint.json";

/// The summary of the batches that were removed.
pub(super) const REMOVED: &str = "removed.json";
