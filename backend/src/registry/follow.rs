//! How the registry takes up what is in the folder.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tillstream_shared::{Entity, Model, ModelKind, ModelNumber};

use super::{
    ModelKey, Registry,
    memory::{Named, lock},
};

/// Unusable files after which no older one is looked for in place of the newest.
pub(super) const MAX_CANDIDATES: usize = 100;
/// A folder that was changed less than this before it was listed may have been changed within the same
/// tick of the clock since.
const CLOCK_TICK: Duration = Duration::from_secs(1);

impl Registry {
    /// Takes up what is new, changed or gone in the folder since the last call; gives a sentence for
    /// every file that has become unusable. Readers go on meanwhile. Of numbered models only the newest
    /// are read.
    ///
    /// # Errors
    /// What the file system reports of the folder; the models then stay as they are.
    pub fn refresh(&self) -> io::Result<Vec<String>> {
        let mut changes = lock(&self.changes);
        let mut notices = Vec::new();
        let changed = self.store.changed_at()?;
        let same = |(before, at): (SystemTime, _)| before == changed && changed + CLOCK_TICK < at;
        if !changes.listed.is_some_and(same) {
            let now = SystemTime::now();
            self.list_files(&mut notices)?;
            changes.listed = Some((changed, now));
        }
        for kind in ModelKind::ALL {
            for entity in Entity::ALL {
                let champion = changes.champions.get(&(kind, entity)).copied();
                let named = self.read_named(kind, entity, champion, &mut notices);
                self.change_aliases(kind, entity, |aliases| *aliases = named);
            }
        }
        Ok(notices)
    }

    /// Takes up the names in the folder, and forgets what was read of files that are others by now.
    fn list_files(&self, notices: &mut Vec<String>) -> io::Result<()> {
        let listing = self.store.list()?;
        let stamps = {
            let known = lock(&self.known);
            known.models.stamps().into_iter().chain(known.summaries.stamps()).collect::<Vec<_>>()
        };
        let changed = |(key, stamp): &(ModelKey, _)| self.store.stamp(*key) != *stamp;
        let changed: Vec<_> = stamps.into_iter().filter(changed).collect();
        let mut known = lock(&self.known);
        for (key, _) in changed {
            known.models.remove(key);
            known.summaries.remove(key);
        }
        let unknown = listing.unknown.clone();
        known.index.replace(listing);
        for name in unknown {
            let reason = "no model's file is called so";
            notices.extend(known.index.set_unusable(&name, reason));
        }
        Ok(())
    }

    /// The models behind the aliases as their files are now.
    fn read_named(
        &self,
        kind: ModelKind,
        entity: Entity,
        champion: Option<u64>,
        notices: &mut Vec<String>,
    ) -> Named {
        let mut current = |number| {
            self.current(ModelKey { kind, entity, number }).unwrap_or_else(|notice| {
                notices.extend(notice);
                None
            })
        };
        let newest = self.newest(kind, entity, u64::MAX, MAX_CANDIDATES).into_iter();
        Named {
            latest: newest.map(ModelNumber::Number).find_map(&mut current),
            all: current(ModelNumber::All),
            live: current(ModelNumber::Live),
            champion: champion.map(ModelNumber::Number).and_then(&mut current),
        }
    }

    /// The model as its file is now; read only when it is another than before.
    fn current(&self, key: ModelKey) -> Result<Option<Arc<Model>>, Option<String>> {
        let stamp = self.store.stamp(key);
        let cached = lock(&self.known).models.get(key);
        if let Some((model, cached)) = cached
            && cached == stamp
            && self.check_source(&model).is_ok()
        {
            return Ok(Some(model));
        }
        self.load(key)
    }

    /// Reads a model's file. An error that is new is a sentence.
    pub(super) fn load(&self, key: ModelKey) -> Result<Option<Arc<Model>>, Option<String>> {
        // Before the file is read: what replaces it meanwhile has another.
        let stamp = self.store.stamp(key);
        let loaded = self.store.load(key).and_then(|model| {
            model.as_ref().map_or(Ok(()), |model| self.check_source(model))?;
            Ok(model.map(Arc::new))
        });
        let mut known = lock(&self.known);
        match loaded {
            Ok(Some(model)) => {
                known.index.unusable.remove(&key.to_string());
                known.models.insert(key, stamp, model.clone());
                Ok(Some(model))
            }
            Ok(None) => Ok(None),
            Err(reason) => {
                known.models.remove(key);
                known.summaries.remove(key);
                Err(known.index.set_unusable(&key.to_string(), &reason))
            }
        }
    }

    /// Checks that the batch of that number is the one that `model` was trained on, as far as it is
    /// there and the model says.
    pub(super) fn check_source(&self, model: &Model) -> Result<(), String> {
        let (Some(number), Some(trained)) = (model.batch, &model.manifest) else { return Ok(()) };
        match self.batches.get(number) {
            Some(found) if found != *trained => {
                Err(format!("it was trained on another batch {number} than the one that is there"))
            }
            _ => Ok(()),
        }
    }
}
