//! What crashes left in a batch folder.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use tillstream_durable as durable;

use super::{
    BatchError, Catalogue,
    catalogue::batch_number,
    consumer_lock::{Presence, consumer_of},
    summary::removed_path,
};

/// Where a version that had one consumer at most noted what a batch without lines covers.
const EARLIER_NOTE: &str = "open_batch.json";

impl Catalogue {
    /// Removes temporary files, batch files that a crash kept from getting a manifest (their lines are still in
    /// the topic), locks of consumers that are gone, and what was left of removed batches. What a consumer that is
    /// present has at work stays.
    pub(super) fn remove_leftovers(&mut self) -> Result<(), BatchError> {
        let folder = self.folder().to_owned();
        let mut presences = BTreeMap::new();
        let files = files_of_nobody(&folder, &mut presences).map_err(BatchError::io(&folder))?;
        // What was stored by consumers until they were gone.
        self.refresh()?;
        for path in self.leftovers(&files)? {
            tracing::info!("removing {}, which is left over", path.display());
            durable::remove(path).map_err(BatchError::io(path))?;
        }
        durable::sync_folder(&folder).map_err(BatchError::io(folder))
    }

    /// Those of `files` that are not part of a batch; the locks of consumers last, as they show who is gone.
    fn leftovers<'a>(&self, files: &'a [PathBuf]) -> Result<Vec<&'a Path>, BatchError> {
        let (mut leftovers, mut locks) = (Vec::new(), Vec::new());
        // A consumer has one batch at work: of its batch files only the newest may be left over.
        let mut newest = BTreeMap::<&str, (u64, &Path)>::new();
        for path in files.iter().map(PathBuf::as_path) {
            match (path.extension().and_then(OsStr::to_str), batch_number(path)) {
                (Some("lock"), _) => locks.push(path),
                (Some("tmp"), _) => leftovers.push(path),
                (_, Some(number)) if number < self.first() || number > self.last() => {
                    leftovers.push(path);
                }
                (_, Some(number)) => {
                    if let Some(consumer) = consumer_of(path) {
                        let newest = newest.entry(consumer).or_insert((number, path));
                        *newest = (*newest).max((number, path));
                    }
                }
                (_, None) if path.ends_with(EARLIER_NOTE) => leftovers.push(path),
                (_, None) => {}
            }
        }
        for (number, path) in newest.into_values() {
            let manifest = self.manifest(number)?;
            if manifest.is_none_or(|manifest| !path.ends_with(&manifest.file)) {
                leftovers.push(path);
            }
        }
        leftovers.append(&mut locks);
        Ok(leftovers)
    }
}

/// The files of consumers that are gone, and those that are nobody's; `presences` keeps who is gone from coming back.
fn files_of_nobody(
    folder: &Path,
    presences: &mut BTreeMap<String, Presence>,
) -> io::Result<Vec<PathBuf>> {
    // Training is at work on it.
    let not_ours = durable::temporary(&removed_path(folder));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(consumer) = consumer_of(&path) {
            if !presences.contains_key(consumer) {
                presences.insert(consumer.to_owned(), Presence::of(consumer, folder)?);
            }
            if matches!(presences.get(consumer), Some(Presence::Present)) {
                continue;
            }
        }
        if path != not_ours {
            files.push(path);
        }
    }
    Ok(files)
}
