use std::fs;

use tempfile::TempDir;
use tillstream_shared::{
    api::ModelList,
    testing::{LINE_FEATURES, raw_model},
};

use super::*;
use crate::registry::ListQuery;

fn model(entity: Entity, number: ModelNumber) -> Model {
    let clusters: [(u64, &[f64]); 1] = [(1, &[1.0, 2.0])];
    Model { number, ..raw_model(ModelKind::Line, entity, &LINE_FEATURES, &clusters) }
}

fn registry(folder: &TempDir) -> Registry {
    Registry::open(folder.path(), &folder.path().join("batch")).unwrap()
}

fn key(entity: Entity, number: ModelNumber) -> ModelKey {
    ModelKey { kind: ModelKind::Line, entity, number }
}

/// All models, in one page.
fn list(registry: &Registry) -> ModelList {
    registry.list(&ListQuery { kind: None, entity: None, limit: 1_000, before: None })
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
        let loaded = store.load(key(Entity::Customer, ModelNumber::All)).unwrap().unwrap();
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
    assert_eq!(store.load(key(Entity::Customer, ModelNumber::Number(1))).unwrap(), Some(good));
}

#[test]
fn a_file_of_the_same_length_is_seen_as_another() {
    let folder = TempDir::new().unwrap();
    let store = ModelStore::open(folder.path()).unwrap();
    let registry = registry(&folder);
    let mut changed = model(Entity::Customer, ModelNumber::All);
    for sse in [1.5, 2.5, 3.5] {
        changed.sse = sse;
        store.save(&changed).unwrap();
        registry.refresh().unwrap();
        assert_eq!(
            registry.get(ModelKind::Line, Entity::Customer, ModelRef::All).unwrap().sse,
            sse
        );
    }
}

#[test]
fn readers_see_models_whole_while_others_are_put_in() {
    let folder = TempDir::new().unwrap();
    let registry = registry(&folder);
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
                let latest =
                    registry.get(ModelKind::Line, Entity::Customer, ModelRef::Latest).unwrap();
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
    let folder = TempDir::new().unwrap();
    let registry = registry(&folder);
    let resolve =
        |entity, model| registry.get(ModelKind::Line, entity, model).map(|model| model.number);
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
    let listed: Vec<_> = list(&registry).models.iter().map(|m| m.number.to_string()).collect();
    assert_eq!(listed, ["2", "9", "10", "all", "99"]);
}

#[test]
fn the_model_before_is_of_the_same_row() {
    let folder = TempDir::new().unwrap();
    let registry = registry(&folder);
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
    let folder = TempDir::new().unwrap();
    let registry = registry(&folder);
    let profile = |number| Model {
        kind: ModelKind::Profile,
        ..model(Entity::Customer, ModelNumber::Number(number))
    };
    registry.insert(model(Entity::Customer, ModelNumber::Number(1)));
    registry.insert(profile(3));
    registry.insert(profile(4));
    let resolve = |kind, model| {
        registry.get(kind, Entity::Customer, model).map(|model| (model.kind, model.number))
    };
    let profile = |number| Some((ModelKind::Profile, ModelNumber::Number(number)));
    assert_eq!(resolve(ModelKind::Profile, ModelRef::All), profile(4), "of all batches");
    assert_eq!(resolve(ModelKind::Line, ModelRef::Number(3)), None);
    assert_eq!(resolve(ModelKind::Profile, ModelRef::Champion), None);
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
    let registry = registry(&folder);
    store.save(&model(Entity::Customer, ModelNumber::Number(1))).unwrap();
    assert!(registry.refresh().unwrap().is_empty());
    assert_eq!(registry.count(), 1);
    store.save(&model(Entity::Customer, ModelNumber::All)).unwrap();
    registry.refresh().unwrap();
    assert_eq!(registry.count(), 2);
    fs::remove_file(folder.path().join("customer_model_1.json")).unwrap();
    registry.refresh().unwrap();
    assert_eq!(registry.count(), 1);
}

#[test]
fn a_bad_file_is_reported_once_and_left_out() {
    let folder = TempDir::new().unwrap();
    let store = ModelStore::open(folder.path()).unwrap();
    let registry = registry(&folder);
    store.save(&model(Entity::Customer, ModelNumber::Number(1))).unwrap();
    let path = folder.path().join("customer_model_1.json");
    let good = fs::read_to_string(&path).unwrap();
    registry.refresh().unwrap();
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
        let notices = registry.refresh().unwrap();
        assert!(notices.len() == 1 && notices[0].contains(reason), "{reason}: {notices:?}");
        assert_eq!(registry.count(), 0);
        assert_eq!(list(&registry).unusable, notices);
        assert!(registry.refresh().unwrap().is_empty(), "it is not reported again");
    }
    fs::write(&path, good).unwrap();
    assert!(registry.refresh().unwrap().is_empty());
    assert_eq!((registry.count(), list(&registry).unusable.len()), (1, 0));
}

#[test]
fn older_models_are_read_when_somebody_asks_for_them() {
    let folder = TempDir::new().unwrap();
    let store = ModelStore::open(folder.path()).unwrap();
    for number in 1..=3 {
        store.save(&model(Entity::Customer, ModelNumber::Number(number))).unwrap();
    }
    let registry = registry(&folder);
    registry.refresh().unwrap();
    let resolve =
        |number| registry.resolve(ModelKind::Line, Entity::Customer, ModelRef::Number(number));
    assert!(matches!(resolve(3), Resolved::Ready(_)), "the newest is in memory");
    assert_eq!((resolve(1), resolve(4)), (Resolved::OnDisk, Resolved::Missing));
    let get = |number| registry.get(ModelKind::Line, Entity::Customer, ModelRef::Number(number));
    assert_eq!(get(1).unwrap().number, ModelNumber::Number(1));
    assert!(matches!(resolve(1), Resolved::Ready(_)), "it stays for a while");
    fs::write(folder.path().join("customer_model_2.json"), "{}").unwrap();
    assert_eq!((get(2), registry.count()), (None, 2));
    registry.remove(ModelKind::Line, Entity::Customer, 1).unwrap();
    assert_eq!((get(1), registry.count()), (None, 1));
    assert!(!folder.path().join("customer_model_1.json").exists());
}

#[test]
fn an_older_model_that_another_process_replaces_is_read_again() {
    let folder = TempDir::new().unwrap();
    let store = ModelStore::open(folder.path()).unwrap();
    let registry = registry(&folder);
    store.save(&model(Entity::Customer, ModelNumber::Number(2))).unwrap();
    for sse in [1.5, 2.5] {
        let old = model(Entity::Customer, ModelNumber::Number(1));
        store.save(&Model { sse, ..old }).unwrap();
        registry.refresh().unwrap();
        let found = registry.get(ModelKind::Line, Entity::Customer, ModelRef::Number(1)).unwrap();
        assert_eq!(found.sse, sse);
        assert_eq!(list(&registry).models[0].sse, sse);
    }
}

#[test]
fn the_list_has_pages() {
    let folder = TempDir::new().unwrap();
    let registry = registry(&folder);
    for number in 1..=5 {
        registry.insert(model(Entity::Customer, ModelNumber::Number(number)));
        let profile = model(Entity::Customer, ModelNumber::Number(10 * number));
        registry.insert(Model { kind: ModelKind::Profile, ..profile });
    }
    registry.insert(model(Entity::Customer, ModelNumber::All));
    registry.insert(model(Entity::Product, ModelNumber::Live));
    let everything = ListQuery { kind: None, entity: None, limit: 2, before: None };
    let listed = |query: ListQuery| {
        let page = registry.list(&query);
        let numbers = page.models.iter().map(|model| model.number.to_string());
        (numbers.collect::<Vec<_>>().join(" "), page.total)
    };
    assert_eq!(listed(everything), ("4 5 all live 40 50".into(), 12));
    let lines = ListQuery { kind: Some(ModelKind::Line), ..everything };
    assert_eq!(listed(lines), ("4 5 all live".into(), 7));
    assert_eq!(listed(ListQuery { before: Some(4), ..lines }), ("2 3".into(), 7));
    assert_eq!(listed(ListQuery { before: Some(1), ..lines }), ("".into(), 7));
    let products = ListQuery { entity: Some(Entity::Product), ..everything };
    assert_eq!(listed(products), ("live".into(), 1));
}

#[test]
fn a_champion_that_is_not_there_is_one_notice() {
    let folder = TempDir::new().unwrap();
    let registry = registry(&folder);
    let champions = ChampionStore::new(folder.path());
    champions.promote(ModelKind::Line, Entity::Customer, 7).unwrap();
    let progress = Progress::default();
    for _ in 0..2 {
        registry.follow_champions(&champions, &progress).unwrap();
    }
    let notices = progress.status().notices;
    assert!(notices.len() == 1 && notices[0].contains("customer line model 7"), "{notices:?}");
    registry.insert(model(Entity::Customer, ModelNumber::Number(7)));
    registry.follow_champions(&champions, &progress).unwrap();
    let champion = registry.get(ModelKind::Line, Entity::Customer, ModelRef::Champion).unwrap();
    assert_eq!(champion.number, ModelNumber::Number(7));
}
