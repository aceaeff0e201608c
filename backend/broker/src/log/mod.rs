//! The log of one partition: append-only segments of record batches, byte for byte as they came.
//!
//! Nothing in here knows the network or the protocol's requests. Functions that touch the disk or the
//! log's locks block, and are to be called where blocking is allowed; the offsets and the health of a
//! partition can be read and waited for without either ([`LogStatus`]).

mod append;
mod batch;
mod codec;
mod compaction;
mod control;
#[cfg(any(test, fuzzing))]
pub(crate) mod damage;
mod index;
mod partition;
mod producer_state;
mod read;
mod records;
mod recovery;
mod retention;
mod segment;
#[cfg(test)]
mod tests;
mod timestamp;
mod transactions;
mod validate;
mod window;

pub(crate) use append::{AppendError, Appended};
pub(crate) use batch::{BatchHeader, InvalidBatch, check};
pub(crate) use codec::compression_named;
pub(crate) use compaction::MAX_KEYS;
#[cfg(any(test, fuzzing))]
pub(crate) use compaction::model as compaction_model;
pub(crate) use control::Marker;
pub(crate) use partition::{Health, Isolation, LogSettings, LogStatus, Partition};
pub(crate) use producer_state::{ActiveProducer, SequenceError};
pub(crate) use read::{Batches, ReadError};
pub(crate) use timestamp::{TimestampType, first_record_at};
pub(crate) use transactions::{AbortedTransaction, TransactionCheckError};
pub(crate) use validate::{Refusal, RefusedBatch};
