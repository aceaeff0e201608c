//! The models that answer, swapped as a whole so that readers take no lock.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use tillstream_shared::{
    Entity, Model, ModelKind, ModelNumber, ModelRef,
    api::{Event, ModelList, ModelSummary},
};

use super::{ChampionError, ChampionStore, ModelFiles, ModelStore, store::file_name};
use crate::progress::Progress;

/// By kind and entity, numbered models ascending, then `all` and `live`.
type Models = BTreeMap<Key, Arc<Model>>;
type Key = (ModelKind, Entity, ModelNumber);

fn key(model: &Model) -> Key {
    (model.kind, model.entity, model.number)
}

/// The models of this process.
#[derive(Debug, Default)]
pub struct Registry {
    models: ArcSwap<Models>,
    /// Numbers of the champions.
    champions: ArcSwap<BTreeMap<(ModelKind, Entity), u64>>,
    /// What was last read from disk; also serialises those who change the models.
    disk: Mutex<Disk>,
}

#[derive(Debug, Default)]
struct Disk {
    files: ModelFiles,
    unusable: BTreeMap<String, String>,
}

impl Registry {
    /// Adds a model, or replaces the one of the same entity and number.
    pub fn insert(&self, model: Model) {
        let _disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        let mut models = Models::clone(&self.models.load());
        models.insert(key(&model), Arc::new(model));
        self.models.store(Arc::new(models));
    }

    /// Takes up what is new, changed or gone in `store` since the last call; gives a sentence for
    /// every file that has become unusable.
    ///
    /// # Errors
    /// What the file system reports of the folder; the models then stay as they are.
    pub fn refresh(&self, store: &ModelStore) -> io::Result<Vec<String>> {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        let files = store.files()?;
        if files == disk.files {
            return Ok(Vec::new());
        }
        let mut models = Models::clone(&self.models.load());
        let mut unusable = std::mem::take(&mut disk.unusable);
        let mut notices = Vec::new();
        let present: Vec<_> = files.names().collect();
        models.retain(|key, _| present.contains(&file_name(*key).as_str()));
        unusable.retain(|name, _| present.contains(&name.as_str()));
        for name in files.changed_since(&disk.files) {
            match store.load(name) {
                Ok(model) => {
                    unusable.remove(name);
                    models.insert(key(&model), Arc::new(model));
                }
                Err(reason) => {
                    let notice = format!("{name} is left out: {reason}");
                    models.retain(|key, _| file_name(*key) != name);
                    unusable.insert(name.to_owned(), notice.clone());
                    notices.push(notice);
                }
            }
        }
        self.models.store(Arc::new(models));
        *disk = Disk { files, unusable };
        Ok(notices)
    }

    /// The model that a request means; takes no lock and allocates nothing.
    #[must_use]
    pub fn resolve(&self, kind: ModelKind, entity: Entity, model: ModelRef) -> Option<Arc<Model>> {
        let models = self.models.load();
        let numbered = |number| (kind, entity, ModelNumber::Number(number));
        match model {
            ModelRef::Number(number) => models.get(&numbered(number)),
            // A profile model always is of every batch so far.
            ModelRef::All if kind == ModelKind::Line => {
                models.get(&(kind, entity, ModelNumber::All))
            }
            ModelRef::Live => models.get(&(kind, entity, ModelNumber::Live)),
            ModelRef::Latest | ModelRef::All => {
                let range = models.range(numbered(0)..=numbered(u64::MAX));
                range.last().map(|(_, model)| model)
            }
            ModelRef::Champion => {
                let champions = self.champions.load();
                champions.get(&(kind, entity)).and_then(|number| models.get(&numbered(*number)))
            }
        }
        .cloned()
    }

    /// The numbered model before `number`; for `all` and `live` the one that is there now.
    #[must_use]
    pub fn before(
        &self,
        kind: ModelKind,
        entity: Entity,
        number: ModelNumber,
    ) -> Option<Arc<Model>> {
        let models = self.models.load();
        match number {
            ModelNumber::Number(number) => {
                let numbered = |number| (kind, entity, ModelNumber::Number(number));
                models.range(numbered(0)..numbered(number)).last().map(|(_, model)| model)
            }
            alias => models.get(&(kind, entity, alias)),
        }
        .cloned()
    }

    /// Takes up what has become of the champions, by this process or another one, and tells the
    /// listeners of `progress`.
    ///
    /// # Errors
    /// [`ChampionError`]; the champions then stay as they are.
    pub fn follow_champions(
        &self,
        store: &ChampionStore,
        progress: &Progress,
    ) -> Result<(), ChampionError> {
        let now = Arc::new(store.current()?);
        let before = self.champions.swap(now.clone());
        for (&(kind, entity), &model) in &*now {
            if before.get(&(kind, entity)) != Some(&model) {
                progress.send(Event::ChampionChanged { kind, entity, model });
            }
        }
        Ok(())
    }

    /// All models, by kind and entity, numbered models ascending, then `all` and `live`.
    #[must_use]
    pub fn models(&self) -> Vec<Arc<Model>> {
        self.models.load().values().cloned().collect()
    }

    /// How many models there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.models.load().len()
    }

    /// All models, and the files that could not be used.
    #[must_use]
    pub fn list(&self) -> ModelList {
        let summary = |model: &Arc<Model>| ModelSummary {
            kind: model.kind,
            entity: model.entity,
            number: model.number,
            batch: model.batch,
            preprocessing: model.preprocessing.kind,
            k: model.k,
            sizes: model.sizes.clone(),
            sse: model.sse,
            silhouette: model.evaluation.and_then(|e| e.silhouette).map(|s| s.value),
            trained_at: model.trained_at.clone(),
        };
        let disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        ModelList {
            models: self.models.load().values().map(summary).collect(),
            total: self.count() as u64,
            unusable: disk.unusable.values().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests;
