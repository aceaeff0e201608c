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

/// What an immutable batch file holds and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub format_version: u32,
    /// The batch's number, from 1.
    pub number: u64,
    /// Name of the batch file in the same folder.
    pub file: String,
    /// Topic that the lines came from.
    pub topic: String,
    /// Offsets of every partition that the batch covers; dead letters among them are covered too.
    pub partitions: Vec<OffsetRange>,
    /// Lines in the file.
    pub rows: u64,
    /// Invalid messages within the offsets, sent to the dead-letter topic.
    pub dead_letters: u64,
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
}

impl Manifest {
    /// The version that this program writes and reads.
    pub const FORMAT_VERSION: u32 = 1;
}
