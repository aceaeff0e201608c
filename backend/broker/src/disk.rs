//! Every fsync of the broker, so that tests can slow them down. All functions block.

use std::{fs::File, io, path::Path};

use tillstream_durable as durable;

use crate::fault_points::FaultPoints;

/// The disk as the broker uses it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    faults: FaultPoints,
}

impl Disk {
    pub(crate) fn new(faults: FaultPoints) -> Self {
        Self { faults }
    }

    /// Flushes the content of `file`, which lies at `path`.
    pub(crate) fn sync_data(&self, file: &File, path: &Path) -> io::Result<()> {
        self.faults.fsync(path);
        file.sync_data()
    }

    /// Flushes content and metadata of `file`, which lies at `path`.
    pub(crate) fn sync_all(&self, file: &File, path: &Path) -> io::Result<()> {
        self.faults.fsync(path);
        file.sync_all()
    }

    /// Makes created, renamed and removed names in `folder` durable.
    pub(crate) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.faults.fsync(folder);
        durable::sync_folder(folder)
    }

    /// Replaces the file at `path` as a whole.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.faults.fsync(path);
        durable::write(path, bytes)
    }

    /// Gives the finished file `temporary` the name `path`, so that it survives a crash.
    pub(crate) fn publish(&self, file: &File, temporary: &Path, path: &Path) -> io::Result<()> {
        self.faults.fsync(path);
        durable::publish(file, temporary, path)
    }
}
