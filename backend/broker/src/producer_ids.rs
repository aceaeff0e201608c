//! Producer ids that are never given out twice, not even after a crash.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{disk::Disk, error::BrokerError};

/// How many ids are reserved on disk at once; a restart skips what was left of the last block.
const BLOCK: i64 = 1000;

/// Gives out producer ids.
#[derive(Debug)]
pub(crate) struct ProducerIds {
    path: PathBuf,
    disk: Disk,
    ids: Mutex<Ids>,
}

#[derive(Debug)]
struct Ids {
    next: i64,
    reserved: i64,
}

impl ProducerIds {
    /// Goes on after the last block reserved in `dir`.
    pub(crate) fn open(dir: &Path, disk: Disk) -> Result<Self, BrokerError> {
        let path = dir.join("producer-ids");
        let next = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map_err(|_| BrokerError::CorruptFile {
                path: path.clone(),
                reason: "it holds no number".to_owned(),
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(BrokerError::io(&path)(error)),
        };
        Ok(Self { path, disk, ids: Mutex::new(Ids { next, reserved: next }) })
    }

    /// An id that nobody has had; may write to disk.
    pub(crate) fn next(&self) -> io::Result<i64> {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.next == ids.reserved {
            let reserved = ids.reserved + BLOCK;
            self.disk.write(&self.path, reserved.to_string().as_bytes())?;
            ids.reserved = reserved;
        }
        ids.next += 1;
        Ok(ids.next - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_id_comes_twice_over_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let mut seen = HashSet::new();
        for _ in 0..3 {
            let ids = ProducerIds::open(dir.path(), Disk::default()).unwrap();
            for _ in 0..BLOCK + 5 {
                assert!(seen.insert(ids.next().unwrap()));
            }
        }
    }

    #[test]
    fn a_broken_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("producer-ids"), "many").unwrap();
        let error = ProducerIds::open(dir.path(), Disk::default()).unwrap_err();
        assert!(error.to_string().contains("producer-ids"), "{error}");
    }
}
