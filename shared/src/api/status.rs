//! `/api/v1/status`.

use serde::{Deserialize, Serialize};

use crate::ClosedBy;

/// A long-running component of the process.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Component {
    /// The embedded broker.
    Broker,
    /// Sends lines to the topic.
    Producer,
    /// Stores lines in batches.
    Consumer,
    /// Trains models.
    Trainer,
    /// Answers REST requests and serves the page.
    Serving,
    /// Takes up what other processes change in the data folder: models, batches, champions.
    Watcher,
    /// Shows progress on standard error.
    Terminal,
}

/// What a component is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not in this process.
    #[default]
    Absent,
    /// At work or waiting for work.
    Running,
    /// Ended as it should.
    Done,
    /// Ended with an error or a panic.
    Failed,
}

/// The stage of one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentStatus {
    /// Which one.
    pub component: Component,
    /// What it is doing.
    pub stage: Stage,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a running one waits for, since when and why: brokers that do not answer, room on the disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
}

/// A batch that no model is trained on, because its file is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Number of the batch.
    pub batch: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// How far the consumer is behind in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionLag {
    /// Number of the partition.
    pub partition: i32,
    /// The first offset that the consumer has not read.
    pub next: i64,
    /// The offset after the last message, as last heard.
    pub end: i64,
    /// `end` less `next`.
    pub messages: u64,
    /// The age of the message that was read last: the time since its timestamp. 0 when no message is left; `None`
    /// before the first message of the partition, and when that has no timestamp.
    pub seconds: Option<u64>,
}

/// Lines per second, over the last 10 seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Acknowledged by the broker.
    pub sent: f64,
    /// Read by the consumer, stored or in the open batch.
    pub received: f64,
    /// In batches that were stored.
    pub stored: f64,
}

/// The newest batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBatch {
    /// Its number.
    pub number: u64,
    /// Its lines.
    pub rows: u64,
    /// Why it was closed.
    pub closed_by: ClosedBy,
    /// When it was closed, RFC 3339 in UTC.
    pub created_at: String,
}

/// `GET /api/v1/status`: the counts of this process since it started, and of its data folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the program.
    pub version: String,
    /// When the process started, RFC 3339 in UTC.
    pub started_at: String,
    /// The components of this process, in the order of [`Component`].
    pub components: Vec<ComponentStatus>,
    /// Lines of the input in all, once known.
    pub input_lines: Option<u64>,
    /// Lines read from the input.
    pub lines_read: u64,
    /// Lines acknowledged by the broker, those of earlier runs included.
    pub lines_sent: u64,
    /// Lines in stored batches.
    pub lines_stored: u64,
    /// Lines in the open batch.
    pub lines_open: u64,
    /// Messages that were invalid and went to the dead-letter topic.
    pub dead_letters: u64,
    /// Messages that repeated a stored line of the same source, and were skipped.
    pub repeated: u64,
    /// Messages without a payload (tombstones) or with one of no bytes, which were skipped.
    pub empty: u64,
    /// Rows of the input that were invalid.
    pub rejects: u64,
    /// Stored batches.
    pub batches: u64,
    /// Usable models.
    pub models: u64,
    /// Messages in the topic that the consumer has not read yet, once known.
    pub lag: Option<u64>,
    /// The largest [`PartitionLag::seconds`] of all partitions, as far as they are known.
    #[serde(default)]
    pub lag_seconds: Option<u64>,
    /// Partitions that the consumer reads, listed or not.
    #[serde(default)]
    pub partition_count: u64,
    /// The partitions, by ascending number; of more than 32 those with the largest lag in messages.
    #[serde(default)]
    pub partitions: Vec<PartitionLag>,
    /// How fast lines are sent, received and stored, once measured.
    #[serde(default)]
    pub rates: Option<Rates>,
    /// The newest batch, if there is one.
    #[serde(default)]
    pub last_batch: Option<LastBatch>,
    /// Damaged batches that training leaves out, by ascending number.
    pub gaps: Vec<Gap>,
    /// Messages that a person should see, newest last: models not trained, files left out, errors.
    pub notices: Vec<String>,
}

impl Status {
    /// What `component` is doing.
    #[must_use]
    pub fn stage(&self, component: Component) -> Stage {
        self.component(component).map_or(Stage::Absent, |status| status.stage)
    }

    /// The status of `component`, if it is part of the process.
    #[must_use]
    pub fn component(&self, component: Component) -> Option<&ComponentStatus> {
        self.components.iter().find(|status| status.component == component)
    }
}
