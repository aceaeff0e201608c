//! The models that answer.

use std::sync::{Arc, Mutex};

use arc_swap::{ArcSwap, Guard};
use rustc_hash::FxHashMap;
use tillstream_shared::{
    Entity, Model, ModelNumber, ModelRef,
    api::{ModelList, ModelSummary},
};

use super::{Contents, Unusable, watch::Known};

/// The models in memory: replaced as a whole, read without a lock or an allocation.
#[derive(Debug, Default)]
pub struct Registry {
    models: ArcSwap<Models>,
    /// The files that [`Registry::refresh`] has seen; readers never touch it.
    pub(super) known: Mutex<FxHashMap<String, Known>>,
}

/// One immutable state of the registry.
#[derive(Debug, Clone, Default)]
pub(super) struct Models {
    entities: [OfEntity; Entity::ALL.len()],
    unusable: Vec<Unusable>,
}

#[derive(Debug, Clone, Default)]
struct OfEntity {
    /// By ascending number.
    numbered: Vec<(u64, Arc<Model>)>,
    all: Option<Arc<Model>>,
}

/// The models at one moment. Short-lived: hold it for one answer, not across an `await`.
pub struct Reading(Guard<Arc<Models>>);

impl Reading {
    /// The model that `model` names, an alias resolved.
    #[must_use]
    pub fn resolve(&self, entity: Entity, model: ModelRef) -> Option<&Arc<Model>> {
        let models = &self.0.entities[entity as usize];
        match model {
            ModelRef::Number(number) => {
                let index = models.numbered.binary_search_by_key(&number, |(n, _)| *n).ok()?;
                Some(&models.numbered[index].1)
            }
            ModelRef::Latest => models.numbered.last().map(|(_, model)| model),
            ModelRef::All => models.all.as_ref(),
        }
    }
}

impl Registry {
    /// The models now, without a lock or an allocation.
    #[must_use]
    pub fn read(&self) -> Reading {
        Reading(self.models.load())
    }

    /// The model that `model` names, to be kept as long as needed.
    #[must_use]
    pub fn resolve(&self, entity: Entity, model: ModelRef) -> Option<Arc<Model>> {
        self.read().resolve(entity, model).cloned()
    }

    /// Lets `model` answer from now on, in place of the one of the same entity and number.
    pub fn insert(&self, model: Model) {
        let model = Arc::new(model);
        self.change(|models| models.insert(Arc::clone(&model)));
    }

    /// Lets `contents` answer and nothing else.
    pub fn replace_all(&self, contents: Contents) {
        let mut models = Models { unusable: contents.unusable, ..Models::default() };
        contents.models.into_iter().for_each(|model| models.insert(Arc::new(model)));
        self.models.store(Arc::new(models));
    }

    /// By entity, numbered models ascending, `all` last; and the files that were left out.
    #[must_use]
    pub fn list(&self) -> ModelList {
        let models = self.models.load();
        ModelList {
            models: models.iter().map(summary).collect(),
            unusable: models.unusable.iter().map(ToString::to_string).collect(),
        }
    }

    /// How many models can answer.
    #[must_use]
    pub fn count(&self) -> usize {
        self.models.load().iter().count()
    }

    /// The entities that no model can answer for.
    #[must_use]
    pub fn missing(&self) -> Vec<Entity> {
        let models = self.models.load();
        let absent = |entity: &Entity| {
            let models = &models.entities[*entity as usize];
            models.numbered.is_empty() && models.all.is_none()
        };
        Entity::ALL.into_iter().filter(absent).collect()
    }

    /// Applies `change` to a copy, which then replaces the present state; repeated when another
    /// thread was faster.
    pub(super) fn change(&self, change: impl Fn(&mut Models)) {
        self.models.rcu(|models| {
            let mut models = Models::clone(models);
            change(&mut models);
            models
        });
    }
}

impl Models {
    pub(super) fn insert(&mut self, model: Arc<Model>) {
        let of_entity = &mut self.entities[model.entity as usize];
        match model.number {
            ModelNumber::All => of_entity.all = Some(model),
            ModelNumber::Number(number) => {
                let numbered = &mut of_entity.numbered;
                match numbered.binary_search_by_key(&number, |(n, _)| *n) {
                    Ok(index) => numbered[index].1 = model,
                    Err(index) => numbered.insert(index, (number, model)),
                }
            }
        }
    }

    pub(super) fn remove(&mut self, entity: Entity, number: ModelNumber) {
        let of_entity = &mut self.entities[entity as usize];
        match number {
            ModelNumber::All => of_entity.all = None,
            ModelNumber::Number(number) => of_entity.numbered.retain(|(n, _)| *n != number),
        }
    }

    pub(super) fn set_unusable(&mut self, unusable: Vec<Unusable>) {
        self.unusable = unusable;
    }

    fn iter(&self) -> impl Iterator<Item = &Model> {
        self.entities.iter().flat_map(|models| {
            models.numbered.iter().map(|(_, model)| model).chain(&models.all).map(AsRef::as_ref)
        })
    }
}

fn summary(model: &Model) -> ModelSummary {
    ModelSummary {
        entity: model.entity,
        number: model.number,
        batch: model.batch,
        preprocessing: model.preprocessing.kind,
        k: model.k,
        sizes: model.sizes.clone(),
        sse: model.sse,
        trained_at: model.trained_at.clone(),
    }
}
