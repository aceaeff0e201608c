//! Keeps the registry like its folder when another process trains.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use rustc_hash::{FxHashMap, FxHashSet};
use tillstream_shared::{Entity, ModelNumber, api::Event};

use super::{ModelStore, Registry, RegistryError, Unusable, store::Stamp};
use crate::progress::Progress;

/// A file as it was when it was last read.
#[derive(Debug)]
pub(super) struct Known {
    stamp: Stamp,
    /// The model it holds, or why it is left out.
    model: Result<(Entity, ModelNumber), String>,
}

/// What [`Registry::refresh`] found new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Models that answer from now on.
    pub loaded: Vec<(Entity, ModelNumber)>,
    /// Models whose file is gone or no longer usable.
    pub removed: Vec<(Entity, ModelNumber)>,
    /// Files that were found unusable now; those found before are in the list of models still.
    pub unusable: Vec<Unusable>,
}

impl Registry {
    /// Takes over what is new, changed or gone in the folder; files that look as before are not read.
    /// A model that was inserted and has no file stays.
    ///
    /// # Errors
    /// [`RegistryError::Io`] when the folder cannot be listed; the models answer on.
    pub fn refresh(&self, store: &ModelStore) -> Result<Changes, RegistryError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let files = store.files()?;
        let mut changes = Changes::default();
        let mut models = Vec::new();

        let present: FxHashSet<_> = files.iter().map(|(file, _)| file.as_str()).collect();
        let mut changed = false;
        known.retain(|file, known| {
            let keep = present.contains(file.as_str());
            if !keep {
                changed = true;
                changes.removed.extend(known.model.as_ref().ok());
            }
            keep
        });
        for (file, stamp) in files {
            if known.get(&file).is_some_and(|known| known.stamp == stamp) {
                continue;
            }
            // Gone since it was listed: the next round sees that.
            let Some(model) = store.read(&file) else { continue };
            changed = true;
            let model = model.map(|model| {
                let name = (model.entity, model.number);
                changes.loaded.push(name);
                models.push(Arc::new(model));
                name
            });
            if let Err(reason) = &model {
                changes.unusable.push(Unusable { file: file.clone(), reason: reason.clone() });
            }
            let before = known.insert(file, Known { stamp, model });
            if let Some(Known { model: Ok(before), .. }) = before
                && !changes.loaded.contains(&before)
            {
                changes.removed.push(before);
            }
        }
        if changed {
            let unusable = unusable(&known);
            self.change(|all| {
                changes.removed.iter().for_each(|(entity, number)| all.remove(*entity, *number));
                models.iter().for_each(|model| all.insert(Arc::clone(model)));
                all.set_unusable(unusable.clone());
            });
        }
        Ok(changes)
    }

    /// [`Registry::refresh`], then tells `progress`: the count of models, an event for each new
    /// one, a notice for each file left out.
    ///
    /// # Errors
    /// [`RegistryError::Io`] when the folder cannot be listed; the models answer on.
    pub fn refresh_and_tell(
        &self,
        store: &ModelStore,
        progress: &Progress,
    ) -> Result<(), RegistryError> {
        let changes = self.refresh(store)?;
        progress.models.set(self.count() as u64);
        for (entity, number) in changes.loaded {
            progress.send(Event::ModelTrained { entity, number });
        }
        for file in changes.unusable {
            progress.notice(format!("a model file is left out: {file}"));
        }
        Ok(())
    }
}

/// By file name.
fn unusable(known: &FxHashMap<String, Known>) -> Vec<Unusable> {
    let mut unusable: Vec<_> = known
        .iter()
        .filter_map(|(file, known)| {
            let reason = known.model.as_ref().err()?.clone();
            Some(Unusable { file: file.clone(), reason })
        })
        .collect();
    unusable.sort_unstable_by(|a, b| a.file.cmp(&b.file));
    unusable
}

/// Refreshes the registry `every` so often until it is dropped; for a process that serves models
/// which another one trains. The first refresh is at once.
pub async fn watch(
    registry: Arc<Registry>,
    store: ModelStore,
    progress: Arc<Progress>,
    every: Duration,
) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failed = false;
    loop {
        ticks.tick().await;
        let (registry, store, progress) = (registry.clone(), store.clone(), progress.clone());
        let told = Arc::clone(&progress);
        let refresh = move || registry.refresh_and_tell(&store, &progress);
        match tokio::task::spawn_blocking(refresh).await {
            Ok(Ok(())) => failed = false,
            // Said once, not every second.
            Ok(Err(error)) if !failed => {
                failed = true;
                told.notice(error.to_string());
            }
            Ok(Err(_)) => {}
            // The runtime is being shut down.
            Err(_) => return,
        }
    }
}
