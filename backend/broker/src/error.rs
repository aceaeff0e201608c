//! What can keep the broker from starting or stopping cleanly.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tillstream_durable::LockError;

/// Why the broker could not start, or not stop cleanly.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The broker ended although nobody asked for it.
    #[error("the embedded broker ended: {0}")]
    Ended(String),
    /// The folder belongs to another process, or cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Another program listens on the address.
    #[error(
        "the broker's address {0} is taken by another program: stop that one, or choose another port (0 takes any free one)"
    )]
    AddressInUse(SocketAddr),
    /// The address cannot be listened on.
    #[error(
        "the broker cannot listen on {address} ({source}): choose an address of this machine, such as 127.0.0.1:0"
    )]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system reports.
        source: io::Error,
    },
    /// A file or folder of the broker cannot be read or written.
    #[error("the broker cannot use {path} ({source}): check the disk and the file's permissions")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system reports.
        source: io::Error,
    },
    /// A log file holds bytes that are not a record batch, with more batches behind them.
    #[error(
        "the log file {path} is corrupt at byte {position} ({reason}): restore it from a copy, or move its partition's folder away to start that partition anew"
    )]
    CorruptLog {
        /// The segment file.
        path: PathBuf,
        /// Position of the broken batch, bytes from the file's start.
        position: u64,
        /// What is wrong there.
        reason: String,
    },
    /// One of the broker's small files is not what the broker wrote.
    #[error("{path} is not what the broker wrote ({reason}): restore it from a copy")]
    CorruptFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The list of topics names a partition that has no folder.
    #[error(
        "the folder {0} of a known partition is missing: restore it, or create it empty to start that partition anew"
    )]
    MissingPartition(PathBuf),
    /// There are partitions, but no list of topics.
    #[error(
        "{0} is missing though there are partitions beside it: restore it, or move the partitions' folders away"
    )]
    MissingTopics(PathBuf),
    /// What was appended last could not be flushed when stopping.
    #[error(
        "the broker could not flush partition {0} to disk when it stopped: check the disk; only messages that were never acknowledged can be missing"
    )]
    Unflushed(String),
}

impl BrokerError {
    /// Names the file or folder that an I/O error is about.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
