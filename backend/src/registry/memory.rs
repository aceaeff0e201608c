//! The models that answer.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use tillstream_shared::{
    Entity, Model, ModelKind, ModelNumber, ModelRef,
    api::{Event, ModelSummary},
};

use super::{
    ChampionError, ChampionStore, ModelKey, ModelStore, cache::Cache, follow::MAX_CANDIDATES,
    index::Index,
};
use crate::{
    batch::{BatchStore, ManifestHashes},
    progress::Progress,
};

/// Older numbered models that are kept in memory once somebody has asked for them.
const MAX_MODELS: usize = 256;
/// Rows of the list of models that are kept in memory.
const MAX_SUMMARIES: usize = 8_192;

/// The models of this process.
///
/// In memory are the models behind the aliases `latest`, `all`, `live` and `champion`, whose readers
/// take no lock, and others as long as somebody asks for them. Of the rest only the numbers are known.
#[derive(Debug)]
pub struct Registry {
    pub(super) store: ModelStore,
    pub(super) batches: ManifestHashes,
    aliases: ArcSwap<Aliases>,
    /// Held for moments, never while a file is read.
    pub(super) known: Mutex<Known>,
    /// Held by whoever changes the models, also while it reads files; never by readers.
    pub(super) changes: Mutex<Changes>,
}

/// The models behind the aliases, by kind and entity.
type Aliases = [[Named; 3]; 2];

#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    pub(super) latest: Option<Arc<Model>>,
    pub(super) all: Option<Arc<Model>>,
    pub(super) live: Option<Arc<Model>>,
    pub(super) champion: Option<Arc<Model>>,
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) index: Index,
    pub(super) models: Cache<Arc<Model>>,
    pub(super) summaries: Cache<ModelSummary>,
}

#[derive(Debug, Default)]
pub(super) struct Changes {
    /// When the folder was last changed and listed.
    pub(super) listed: Option<(SystemTime, SystemTime)>,
    /// Numbers of the champions.
    pub(super) champions: BTreeMap<(ModelKind, Entity), u64>,
}

/// What a request means.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// The model.
    Ready(Arc<Model>),
    /// A model that [`Registry::get`] reads from its file.
    OnDisk,
    /// There is none.
    Missing,
}

impl Resolved {
    /// The model, if it is in memory.
    #[must_use]
    pub fn ready(self) -> Option<Arc<Model>> {
        match self {
            Self::Ready(model) => Some(model),
            Self::OnDisk | Self::Missing => None,
        }
    }
}

/// How many usable models there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelCounts {
    /// Line models, the `live` ones left out.
    pub line: u64,
    /// `live` models.
    pub live: u64,
    /// Profile models.
    pub profile: u64,
}

impl Registry {
    /// The models in the folder `models` that were trained on the batches in `batches`.
    /// Nothing is read until [`Self::refresh`].
    ///
    /// # Errors
    /// What the file system reports of the folder of the models, which is made if need be.
    pub fn open(models: &Path, batches: impl Into<BatchStore>) -> io::Result<Self> {
        Ok(Self {
            store: ModelStore::open(models)?,
            batches: ManifestHashes::new(batches),
            aliases: ArcSwap::default(),
            known: Mutex::new(Known {
                index: Index::default(),
                models: Cache::new(MAX_MODELS),
                summaries: Cache::new(MAX_SUMMARIES),
            }),
            changes: Mutex::default(),
        })
    }

    /// The files of the models.
    #[must_use]
    pub fn store(&self) -> &ModelStore {
        &self.store
    }

    /// What a request means. Reads no file, and for an alias takes no lock.
    #[must_use]
    pub fn resolve(&self, kind: ModelKind, entity: Entity, model: ModelRef) -> Resolved {
        let aliases = self.aliases.load();
        let Named { latest, all, live, champion } = &aliases[kind as usize][entity as usize];
        let found = match model {
            ModelRef::All if kind == ModelKind::Line => all,
            // A profile model always is of every batch so far.
            ModelRef::Latest | ModelRef::All => latest,
            ModelRef::Live => live,
            ModelRef::Champion => champion,
            ModelRef::Number(number) => {
                let number = ModelNumber::Number(number);
                let is_it = |model: &&Arc<Model>| model.number == number;
                return match latest.iter().chain(champion).find(is_it) {
                    Some(model) => Resolved::Ready(model.clone()),
                    None => self.known(ModelKey { kind, entity, number }),
                };
            }
        };
        found.clone().map_or(Resolved::Missing, Resolved::Ready)
    }

    fn known(&self, key: ModelKey) -> Resolved {
        let mut known = lock(&self.known);
        if !known.index.contains(key) {
            return Resolved::Missing;
        }
        known.models.get(key).map_or(Resolved::OnDisk, |(model, _)| Resolved::Ready(model))
    }

    /// The model that a request means. Blocks: it may have to be read from its file. One that is not
    /// usable is as good as missing.
    #[must_use]
    pub fn get(&self, kind: ModelKind, entity: Entity, model: ModelRef) -> Option<Arc<Model>> {
        match (self.resolve(kind, entity, model), model) {
            (Resolved::Ready(model), _) => Some(model),
            (Resolved::OnDisk, ModelRef::Number(number)) => {
                let key = ModelKey { kind, entity, number: ModelNumber::Number(number) };
                self.load(key).unwrap_or_else(|notice| {
                    notice.into_iter().for_each(|notice| tracing::warn!("{notice}"));
                    None
                })
            }
            _ => None,
        }
    }

    /// The numbered model before `number`; for `all` and `live` the one that is there now. Blocks.
    #[must_use]
    pub fn before(
        &self,
        kind: ModelKind,
        entity: Entity,
        number: ModelNumber,
    ) -> Option<Arc<Model>> {
        let ModelNumber::Number(number) = number else {
            return self.get(kind, entity, number.into());
        };
        let earlier = lock(&self.known).index.newest(kind, entity, ..number, MAX_CANDIDATES);
        earlier.into_iter().find_map(|number| self.get(kind, entity, ModelRef::Number(number)))
    }

    /// The `limit` highest numbers of models below `before`, descending.
    #[must_use]
    pub fn newest(&self, kind: ModelKind, entity: Entity, before: u64, limit: usize) -> Vec<u64> {
        lock(&self.known).index.newest(kind, entity, ..before, limit)
    }

    /// Adds a model that was stored, or replaces the one of the same key.
    pub fn insert(&self, model: Model) {
        let _changes = lock(&self.changes);
        let key = ModelKey::of(&model);
        let stamp = self.store.stamp(key);
        let model = Arc::new(model);
        let mut known = lock(&self.known);
        known.index.insert(key);
        known.index.unusable.remove(&key.to_string());
        known.summaries.insert(key, stamp, summary(&model));
        known.models.insert(key, stamp, model.clone());
        drop(known);
        self.change_aliases(key.kind, key.entity, |named| named.place(&model));
    }

    /// Removes a numbered model and its file. The caller makes sure that no alias means it.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn remove(&self, kind: ModelKind, entity: Entity, number: u64) -> io::Result<()> {
        let _changes = lock(&self.changes);
        let key = ModelKey { kind, entity, number: ModelNumber::Number(number) };
        self.store.remove(key)?;
        lock(&self.known).forget(key);
        Ok(())
    }

    /// Takes up what has become of the champions, by this process or another one, and tells the
    /// listeners of `progress`. Blocks.
    ///
    /// # Errors
    /// [`ChampionError`]; the champions then stay as they are.
    pub fn follow_champions(
        &self,
        store: &ChampionStore,
        progress: &Progress,
    ) -> Result<(), ChampionError> {
        let mut changes = lock(&self.changes);
        let now = store.current()?;
        let before = std::mem::replace(&mut changes.champions, now.clone());
        for kind in ModelKind::ALL {
            for entity in Entity::ALL {
                let key = (kind, entity);
                let number = now.get(&key).copied();
                let model =
                    number.and_then(|number| self.get(kind, entity, ModelRef::Number(number)));
                let is_there = model.is_some();
                self.change_aliases(kind, entity, |named| named.champion = model);
                let Some(model) = number.filter(|_| before.get(&key) != now.get(&key)) else {
                    continue;
                };
                if !is_there {
                    progress.notice(format!(
                        "the {entity} {kind} model {model} is the champion and is not there: none answers as champion"
                    ));
                }
                progress.send(Event::ChampionChanged { kind, entity, model });
            }
        }
        Ok(())
    }

    pub(super) fn change_aliases(
        &self,
        kind: ModelKind,
        entity: Entity,
        change: impl FnOnce(&mut Named),
    ) {
        // Whoever calls this holds `changes`: nobody else stores.
        let mut aliases = Aliases::clone(&self.aliases.load());
        change(&mut aliases[kind as usize][entity as usize]);
        self.aliases.store(Arc::new(aliases));
    }

    /// How many usable models there are, as far as it is known of files that were not read yet.
    #[must_use]
    pub fn count(&self) -> u64 {
        lock(&self.known).index.count(|_, _| true)
    }

    /// How many usable models there are, by what they are.
    #[must_use]
    pub fn counts(&self) -> ModelCounts {
        let known = lock(&self.known);
        let live = known.index.live();
        let of_kind = |kind| known.index.count(|of, _| of == kind);
        ModelCounts {
            line: of_kind(ModelKind::Line) - live,
            live,
            profile: of_kind(ModelKind::Profile),
        }
    }
}

/// For the list of models.
impl Registry {
    pub(super) fn summary(&self, key: ModelKey) -> Option<ModelSummary> {
        let mut known = lock(&self.known);
        if let Some((summary, _)) = known.summaries.get(key) {
            return Some(summary);
        }
        let cached = known.models.get(key);
        drop(known);
        let (model, stamp) = match cached {
            Some(cached) => cached,
            // Not kept in memory, in favour of those that are asked for one by one.
            None => {
                let stamp = self.store.stamp(key);
                let model = self.store.load(key).ok().flatten()?;
                self.check_source(&model).ok()?;
                (Arc::new(model), stamp)
            }
        };
        let summary = summary(&model);
        lock(&self.known).summaries.insert(key, stamp, summary.clone());
        Some(summary)
    }

    pub(super) fn usable(&self, matches: impl Fn(ModelKind, Entity) -> bool) -> u64 {
        lock(&self.known).index.count(matches)
    }

    pub(super) fn unusable(&self) -> Vec<String> {
        lock(&self.known).index.unusable.values().cloned().collect()
    }
}

impl Named {
    /// Lets `model` answer under the aliases that mean it now.
    fn place(&mut self, model: &Arc<Model>) {
        match model.number {
            ModelNumber::All => self.all = Some(model.clone()),
            ModelNumber::Live => self.live = Some(model.clone()),
            number => {
                if self.latest.as_ref().is_none_or(|latest| latest.number <= number) {
                    self.latest = Some(model.clone());
                }
                if self.champion.as_ref().is_some_and(|champion| champion.number == number) {
                    self.champion = Some(model.clone());
                }
            }
        }
    }
}

impl Known {
    fn forget(&mut self, key: ModelKey) {
        self.index.remove(key);
        self.models.remove(key);
        self.summaries.remove(key);
    }
}

fn summary(model: &Model) -> ModelSummary {
    ModelSummary {
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
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
