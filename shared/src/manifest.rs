//! The manifest that lies beside every batch and says what is in it.

use serde::{Deserialize, Serialize};

/// Offsets of one partition, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetRange {
    /// Partition of the topic.
    pub partition: i32,
    /// First offset taken from it.
    pub first: i64,
    /// Last offset taken from it.
    pub last: i64,
}

/// Why a batch was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClosedBy {
    /// It held as many lines as a batch may hold.
    Size,
    /// Its interval had passed since its first line.
    Time,
    /// The consumer stopped, or all input was stored.
    Shutdown,
    /// Another consumer of the group was to go on with some of its partitions.
    Rebalance,
}

/// How many of a batch's lines a model can use, and why not the others. A line may be counted in
/// several of the reasons; `sales` are those with a positive quantity and price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchFunnel {
    /// Lines in the batch.
    pub lines: u64,
    /// Lines without a CustomerID.
    pub without_customer: u64,
    /// Lines of a cancelling receipt (InvoiceNo starts with C).
    pub cancellations: u64,
    /// Lines whose quantity is not positive.
    pub returns: u64,
    /// Lines whose price is not positive.
    pub unpriced: u64,
    /// Lines with a positive quantity and a positive price.
    pub sales: u64,
}

/// The last line of one input that a batch took from one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    /// Partition of the topic.
    pub partition: i32,
    /// The input, as the header `source` of its messages names it.
    pub source: String,
    /// Number of the line in that input, from 1.
    pub line: u64,
}

/// What an immutable batch file holds and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub format_version: u32,
    /// The batch's number, from 1.
    pub number: u64,
    /// Name of the batch file beside it, `.csv` or `.parquet`.
    pub file: String,
    /// Topic that the lines came from.
    pub topic: String,
    /// Id of the Kafka cluster; none in manifests of format 1, and where the cluster has none.
    #[serde(default)]
    pub cluster_id: Option<String>,
    /// Id of the topic, which changes when a topic is deleted and created again.
    #[serde(default)]
    pub topic_id: Option<String>,
    /// [`Self::hash`] of the manifest before; none for the first, and in manifests of format 1.
    #[serde(default)]
    pub previous: Option<String>,
    /// Offsets of every partition that the batch covers, those of skipped messages and dead letters included.
    pub partitions: Vec<OffsetRange>,
    /// Lines in the file.
    pub rows: u64,
    /// Invalid messages within the offsets, which went to the dead-letter topic.
    pub dead_letters: u64,
    /// Messages within the offsets that repeat a stored line of the same source, and were skipped.
    #[serde(default)]
    pub repeated: u64,
    /// Messages within the offsets without a payload (tombstones) or with one of no bytes, which were
    /// skipped.
    #[serde(default)]
    pub empty: u64,
    /// The last line of each source in each partition, of the messages within the offsets.
    #[serde(default)]
    pub sources: Vec<SourceLine>,
    /// The cleaning funnel.
    pub funnel: BatchFunnel,
    /// Why the batch was closed.
    pub closed_by: ClosedBy,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// BLAKE3 of the file, in hexadecimal.
    pub blake3: String,
    /// When it was closed, RFC 3339 in UTC.
    pub created_at: String,
    /// BLAKE3 of the manifest's own file, in hexadecimal: what identifies the batch. Not in the file.
    #[serde(skip)]
    pub hash: String,
}

impl Manifest {
    /// The version that this program writes. It reads this one and 1, which lacks what says where
    /// lines come from.
    pub const FORMAT_VERSION: u32 = 2;
}
