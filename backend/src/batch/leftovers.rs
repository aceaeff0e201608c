//! What crashes left in a place of batches.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::Path,
    time::{Duration, SystemTime},
};

use tillstream_durable as durable;

use super::{
    BatchError, BatchStore, Catalogue,
    catalogue::batch_number,
    consumer_lock::{Presence, consumer_of},
    summary::REMOVED,
};

/// Where a version that had one consumer at most noted what a batch without lines covers.
const EARLIER_NOTE: &str = "open_batch.json";
/// An object of a consumer that is not known on this machine is left over after so long: a consumer creates the
/// manifest as soon as the batch is uploaded, and uploads it again when that was delayed by a long outage.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// A file that may be left over.
#[derive(Debug)]
struct Found {
    name: String,
    /// It lies in the local folder of an object store's consumers.
    is_local: bool,
    /// Its consumer is gone, or it is nobody's.
    is_nobodys: bool,
}

impl Catalogue {
    /// Removes temporary files, batch files that a crash kept from getting a manifest (their lines are still in
    /// the topic), locks of consumers that are gone, and what was left of removed batches. What a consumer that is
    /// present has at work stays.
    pub(super) fn remove_leftovers(&mut self) -> Result<(), BatchError> {
        let store = self.store().clone();
        let mut presences = BTreeMap::new();
        let files = files_of_nobody(&store, &mut presences)?;
        // What was stored by consumers until they were gone.
        self.refresh()?;
        for file in self.leftovers(&files)? {
            if !file.is_nobodys && !is_abandoned(&store, &file.name)? {
                continue;
            }
            if file.is_local {
                let path = store.local().join(&file.name);
                tracing::info!("removing {}, which is left over", path.display());
                durable::remove(&path).map_err(BatchError::io(path))?;
            } else {
                let path = store.path_of(&file.name);
                tracing::info!("removing {}, which is left over", path.display());
                store.remove(&file.name)?;
            }
        }
        durable::sync_folder(store.local()).map_err(BatchError::io(store.local()))
    }

    /// Those of `files` that are not part of a batch; the locks of consumers last, as they show who is gone.
    fn leftovers<'a>(&self, files: &'a [Found]) -> Result<Vec<&'a Found>, BatchError> {
        let (mut leftovers, mut locks) = (Vec::new(), Vec::new());
        // A consumer has one batch at work: of its batch files only the newest may be left over.
        let mut newest = BTreeMap::<&str, (u64, &Found)>::new();
        for file in files {
            let name = file.name.as_str();
            match (Path::new(name).extension().and_then(OsStr::to_str), batch_number(name)) {
                (Some("lock"), _) => locks.push(file),
                (Some("tmp"), _) => leftovers.push(file),
                (_, Some(number)) if number < self.first() || number > self.last() => {
                    leftovers.push(file);
                }
                (_, Some(number)) => {
                    if let Some(consumer) = consumer_of(name) {
                        let newest = newest.entry(consumer).or_insert((number, file));
                        if (newest.0, &newest.1.name) < (number, &file.name) {
                            *newest = (number, file);
                        }
                    }
                }
                (_, None) if name == EARLIER_NOTE => leftovers.push(file),
                (_, None) => {}
            }
        }
        for (number, file) in newest.into_values() {
            let manifest = self.manifest(number)?;
            if manifest.is_none_or(|manifest| manifest.file != file.name) {
                leftovers.push(file);
            }
        }
        leftovers.append(&mut locks);
        Ok(leftovers)
    }
}

/// The files of consumers that are not known to be present; `presences` keeps who is gone from coming back.
fn files_of_nobody(
    store: &BatchStore,
    presences: &mut BTreeMap<String, Presence>,
) -> Result<Vec<Found>, BatchError> {
    let local = store.local();
    let mut files = Vec::new();
    let is_shared = matches!(store, BatchStore::Objects { .. });
    let found = |is_local| move |name| Found { name, is_local, is_nobodys: true };
    if is_shared {
        let names = BatchStore::from(local).list()?.into_iter();
        // Batches that may lie there have nothing to do with it.
        let unfinished = names.filter(|name| name.ends_with(".tmp") || name.ends_with(".lock"));
        files.extend(unfinished.map(found(true)));
    }
    files.extend(store.list()?.into_iter().map(found(false)));
    let mut left = Vec::new();
    for mut file in files {
        if let Some(consumer) = consumer_of(&file.name) {
            if !presences.contains_key(consumer) {
                let presence = Presence::of(consumer, local).map_err(BatchError::io(local))?;
                presences.insert(consumer.to_owned(), presence);
            }
            match presences.get(consumer) {
                Some(Presence::Present) => continue,
                // It may be present on another machine.
                Some(Presence::Gone { lock: None }) if is_shared => file.is_nobodys = file.is_local,
                _ => {}
            }
        }
        // Training is at work on it.
        if file.name != format!("{REMOVED}{}", durable::TEMPORARY) {
            left.push(file);
        }
    }
    Ok(left)
}

fn is_abandoned(store: &BatchStore, name: &str) -> Result<bool, BatchError> {
    let modified = store.modified(name)?;
    let age = modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
    Ok(age.is_some_and(|age| age > ABANDONED))
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use object_store::memory::InMemory;
    use tempfile::TempDir;

    use super::*;
    use crate::batch::ObjectFolder;

    #[test]
    fn objects_without_a_manifest_go_when_their_consumer_is_known_to_be_gone() {
        let local = TempDir::new().unwrap();
        let objects =
            ObjectFolder::new(Arc::new(InMemory::new()), "a".into(), "memory:///a".into());
        let objects = objects.unwrap();
        let store = BatchStore::Objects { objects, local: local.path().to_owned() };
        let (own, elsewhere) = ("5f3a91c2", "00c0ffee");
        for consumer in [own, elsewhere] {
            let name = format!("batch_000001_20261123T173509Z_{consumer}.csv");
            store.write(&name, "", b"").unwrap();
        }
        // As a crash leaves them; a batch of earlier times that lies there has nothing to do with it.
        for name in [format!("consumer_{own}.lock"), format!("open_batch.csv.{own}.tmp")] {
            fs::write(local.path().join(name), "").unwrap();
        }
        fs::write(local.path().join("batch_000007_20261123T173509Z.csv"), "").unwrap();

        let (_, lock) = Catalogue::open(&store).unwrap();
        drop(lock);
        let mut objects = store.list().unwrap();
        objects.sort();
        let left = format!("batch_000001_20261123T173509Z_{elsewhere}.csv");
        assert_eq!(objects, [left.as_str(), "batch_store.json"]);
        let mut files = BatchStore::from(local.path()).list().unwrap();
        files.sort();
        assert_eq!(files, [".lock", "batch_000007_20261123T173509Z.csv"]);
    }

    #[test]
    fn a_day_is_long_enough() {
        let folder = TempDir::new().unwrap();
        let file = fs::File::create(folder.path().join("object")).unwrap();
        let store = BatchStore::from(folder.path());
        for (age, expected) in [(ABANDONED / 2, false), (2 * ABANDONED, true)] {
            file.set_modified(SystemTime::now() - age).unwrap();
            assert_eq!(is_abandoned(&store, "object").unwrap(), expected);
        }
    }
}
