//! The log of one partition: append-only segments of record batches, byte for byte as they came.
//!
//! Nothing in here knows the network or the protocol's requests. All functions that touch the disk
//! block, and are to be called where blocking is allowed.

mod batch;
mod index;
mod partition;
mod read;
mod recovery;
mod retention;
mod segment;
mod sequences;
#[cfg(test)]
mod tests;
mod time;

pub(crate) use batch::{BatchFault, check};
pub(crate) use partition::{AppendError, Appended, Durable, Health, LogSettings, Partition};
pub(crate) use read::ReadError;
pub(crate) use sequences::SequenceFault;
pub(crate) use time::first_not_older;
