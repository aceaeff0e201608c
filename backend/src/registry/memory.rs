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
            unusable: disk.unusable.values().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;
    use tillstream_shared::{Filter, Funnel, Preprocessing, PreprocessingKind, Scaling, Transform};

    use super::*;

    fn model(entity: Entity, number: ModelNumber) -> Model {
        Model {
            format_version: Model::FORMAT_VERSION,
            kind: ModelKind::Line,
            entity,
            number,
            batch: Some(1),
            features: vec!["Quantity".to_owned(), "UnitPrice".to_owned()],
            preprocessing: Preprocessing {
                kind: PreprocessingKind::Raw,
                filter: Filter::All,
                transform: Transform::Identity,
                scaling: Scaling::None,
                means: vec![0.0; 2],
                scales: vec![1.0; 2],
                clip: None,
            },
            k: 1,
            seed: 1,
            restarts: 1,
            centroids: vec![vec![1.0, 2.0]],
            model_centroids: vec![vec![1.0, 2.0]],
            sizes: vec![1],
            mean_values: vec![2.0],
            sse: 0.0,
            iterations: 1,
            funnel: Funnel::default(),
            offsets: Vec::new(),
            trained_at: "2026-11-24T00:00:00Z".to_owned(),
            clusters: Vec::new(),
            previous: None,
            identities: 0,
            transitions: Vec::new(),
            evaluation: None,
            report: None,
            decay: None,
        }
    }

    /// Every list fits, but a line has two values.
    fn one_feature() -> String {
        let mut model = model(Entity::Customer, ModelNumber::Number(1));
        model.features.truncate(1);
        model.preprocessing.means.truncate(1);
        model.preprocessing.scales.truncate(1);
        model.centroids = vec![vec![1.0]];
        model.model_centroids = vec![vec![1.0]];
        serde_json::to_string(&model).unwrap()
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn a_stored_model_keeps_its_bits(
            numbers in proptest::collection::vec(proptest::num::f64::NORMAL, 3),
        ) {
            let folder = TempDir::new().unwrap();
            let store = ModelStore::open(folder.path()).unwrap();
            let mut stored = model(Entity::Customer, ModelNumber::All);
            stored.model_centroids = vec![numbers[..2].to_vec()];
            stored.sse = numbers[2];
            store.save(&stored).unwrap();
            let loaded = store.load("customer_model_all.json").unwrap();
            let bits = |model: &Model| {
                let numbers = model.model_centroids.iter().flatten().chain([&model.sse]);
                numbers.map(|number| number.to_bits()).collect::<Vec<_>>()
            };
            proptest::prop_assert_eq!(bits(&loaded), bits(&stored));
        }
    }

    #[test]
    fn a_model_that_could_not_be_loaded_does_not_replace_a_good_one() {
        let folder = TempDir::new().unwrap();
        let store = ModelStore::open(folder.path()).unwrap();
        let good = model(Entity::Customer, ModelNumber::Number(1));
        store.save(&good).unwrap();
        let mut bad = good.clone();
        bad.sse = f64::NAN;
        assert_eq!(store.save(&bad).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(store.load("customer_model_1.json").unwrap(), good);
    }

    #[test]
    fn a_file_of_the_same_length_is_seen_as_another() {
        let folder = TempDir::new().unwrap();
        let store = ModelStore::open(folder.path()).unwrap();
        let registry = Registry::default();
        let mut changed = model(Entity::Customer, ModelNumber::All);
        for sse in [1.5, 2.5, 3.5] {
            changed.sse = sse;
            store.save(&changed).unwrap();
            registry.refresh(&store).unwrap();
            assert_eq!(
                registry.resolve(ModelKind::Line, Entity::Customer, ModelRef::All).unwrap().sse,
                sse
            );
        }
    }

    #[test]
    fn readers_see_models_whole_while_others_are_put_in() {
        let registry = Registry::default();
        let numbered = |number: u32| {
            let number_of_it = ModelNumber::Number(number.into());
            Model { iterations: number, ..model(Entity::Customer, number_of_it) }
        };
        registry.insert(numbered(1));
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut highest = 0;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let latest = registry
                        .resolve(ModelKind::Line, Entity::Customer, ModelRef::Latest)
                        .unwrap();
                    assert_eq!(latest.number, ModelNumber::Number(latest.iterations.into()));
                    assert!(latest.iterations >= highest, "an older model came back");
                    highest = latest.iterations;
                }
            });
            // Two writers: neither loses what the other has put in.
            let writers = [2, 3].map(|first| {
                let (registry, numbered) = (&registry, &numbered);
                scope.spawn(move || {
                    (first..300).step_by(2).for_each(|number| registry.insert(numbered(number)));
                })
            });
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            reader.join().unwrap();
        });
        assert_eq!(registry.count(), 299);
    }

    #[test]
    fn aliases_are_resolved_within_their_entity() {
        let registry = Registry::default();
        let resolve = |entity, model| {
            registry.resolve(ModelKind::Line, entity, model).map(|model| model.number)
        };
        assert_eq!(resolve(Entity::Product, ModelRef::Latest), None);
        registry.insert(model(Entity::Product, ModelNumber::All));
        assert_eq!(resolve(Entity::Product, ModelRef::Latest), None, "`all` has no number");
        for number in [2, 10, 9] {
            registry.insert(model(Entity::Product, ModelNumber::Number(number)));
        }
        registry.insert(model(Entity::Country, ModelNumber::Number(99)));
        let ten = Some(ModelNumber::Number(10));
        assert_eq!(resolve(Entity::Product, ModelRef::Latest), ten);
        assert_eq!(resolve(Entity::Product, ModelRef::Number(10)), ten);
        assert_eq!(resolve(Entity::Product, ModelRef::Number(3)), None);
        assert_eq!(resolve(Entity::Product, ModelRef::All), Some(ModelNumber::All));
        assert_eq!(resolve(Entity::Customer, ModelRef::Latest), None);
        let listed: Vec<_> = registry.list().models.iter().map(|m| m.number.to_string()).collect();
        assert_eq!(listed, ["2", "9", "10", "all", "99"]);
    }

    #[test]
    fn the_model_before_is_of_the_same_row() {
        let registry = Registry::default();
        for number in [ModelNumber::Number(2), ModelNumber::Number(5), ModelNumber::Live] {
            registry.insert(model(Entity::Product, number));
        }
        registry.insert(model(Entity::Country, ModelNumber::Number(4)));
        let before = |number| {
            let found = registry.before(ModelKind::Line, Entity::Product, number);
            found.map(|model| model.number)
        };
        assert_eq!(before(ModelNumber::Number(2)), None);
        assert_eq!(before(ModelNumber::Number(5)), Some(ModelNumber::Number(2)));
        assert_eq!(before(ModelNumber::Number(9)), Some(ModelNumber::Number(5)));
        assert_eq!(before(ModelNumber::All), None);
        assert_eq!(before(ModelNumber::Live), Some(ModelNumber::Live));
    }

    #[test]
    fn kinds_and_champions_are_told_apart() {
        let registry = Registry::default();
        let profile = |number| Model {
            kind: ModelKind::Profile,
            ..model(Entity::Customer, ModelNumber::Number(number))
        };
        registry.insert(model(Entity::Customer, ModelNumber::Number(1)));
        registry.insert(profile(3));
        registry.insert(profile(4));
        let resolve = |kind, model| {
            registry.resolve(kind, Entity::Customer, model).map(|model| (model.kind, model.number))
        };
        let profile = |number| Some((ModelKind::Profile, ModelNumber::Number(number)));
        assert_eq!(resolve(ModelKind::Profile, ModelRef::All), profile(4), "of all batches");
        assert_eq!(resolve(ModelKind::Line, ModelRef::Number(3)), None);
        assert_eq!(resolve(ModelKind::Profile, ModelRef::Champion), None);
        let folder = TempDir::new().unwrap();
        let champions = ChampionStore::new(folder.path());
        let promote = |model| {
            champions.promote(ModelKind::Profile, Entity::Customer, model).unwrap();
            registry.follow_champions(&champions, &Progress::default()).unwrap();
        };
        promote(3);
        assert_eq!(resolve(ModelKind::Profile, ModelRef::Champion), profile(3));
        assert_eq!(resolve(ModelKind::Line, ModelRef::Champion), None);
        promote(7);
        assert_eq!(resolve(ModelKind::Profile, ModelRef::Champion), None, "it was removed");
    }

    #[test]
    fn the_folder_is_followed() {
        let folder = TempDir::new().unwrap();
        let store = ModelStore::open(folder.path()).unwrap();
        let registry = Registry::default();
        store.save(&model(Entity::Customer, ModelNumber::Number(1))).unwrap();
        assert!(registry.refresh(&store).unwrap().is_empty());
        assert_eq!(registry.count(), 1);
        store.save(&model(Entity::Customer, ModelNumber::All)).unwrap();
        registry.refresh(&store).unwrap();
        assert_eq!(registry.count(), 2);
        fs::remove_file(folder.path().join("customer_model_1.json")).unwrap();
        registry.refresh(&store).unwrap();
        assert_eq!(registry.count(), 1);
    }

    #[test]
    fn a_bad_file_is_reported_once_and_left_out() {
        let folder = TempDir::new().unwrap();
        let store = ModelStore::open(folder.path()).unwrap();
        let registry = Registry::default();
        store.save(&model(Entity::Customer, ModelNumber::Number(1))).unwrap();
        let path = folder.path().join("customer_model_1.json");
        let good = fs::read_to_string(&path).unwrap();
        registry.refresh(&store).unwrap();
        for (bad, reason) in [
            (good.replace("\"format_version\": 1", "\"format_version\": 99"), "version 99"),
            (good.replace("\"sse\": 0.0", "\"sse\": 1e999"), "out of range"),
            (good.replace("\"sizes\"", "\"seizes\""), "sizes"),
            (good.replace("\"k\": 1", "\"k\": 2"), "wrong shape"),
            (one_feature(), "`features` has the wrong shape"),
            (good.replace("\"number\": 1", "\"number\": 2"), "customer_model_2.json"),
            (good[..good.len() / 2].to_owned(), "EOF"),
        ] {
            fs::write(&path, &bad).unwrap();
            let notices = registry.refresh(&store).unwrap();
            assert!(notices.len() == 1 && notices[0].contains(reason), "{reason}: {notices:?}");
            assert_eq!(registry.count(), 0);
            assert_eq!(registry.list().unusable, notices);
            assert!(registry.refresh(&store).unwrap().is_empty(), "it is not reported again");
        }
        fs::write(&path, good).unwrap();
        assert!(registry.refresh(&store).unwrap().is_empty());
        assert_eq!((registry.count(), registry.list().unusable.len()), (1, 0));
    }
}
