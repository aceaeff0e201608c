use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use proptest::prelude::*;
use tempfile::TempDir;
use tillstream_shared::{
    Entity, Filter, Funnel, InvalidModel, Model, ModelNumber, ModelRef, Preprocessing,
    PreprocessingKind, Scaling, Transform, api::Event,
};

use super::*;
use crate::progress::Progress;

const ONE: ModelNumber = ModelNumber::Number(1);
const TWO: ModelNumber = ModelNumber::Number(2);

fn model(entity: Entity, number: ModelNumber) -> Model {
    Model {
        format_version: Model::FORMAT_VERSION,
        entity,
        number,
        batch: Some(1),
        features: vec!["Quantity".to_owned(), "UnitPrice".to_owned()],
        preprocessing: Preprocessing {
            kind: PreprocessingKind::Log,
            filter: Filter::Positive,
            transform: Transform::Log1p,
            scaling: Scaling::Standard,
            means: vec![1.5, 1.2],
            scales: vec![0.9, 0.7],
            clip: None,
        },
        k: 2,
        seed: 1,
        restarts: 10,
        centroids: vec![vec![1.0, 2.0], vec![10.0, 5.0]],
        model_centroids: vec![vec![0.1, 0.2], vec![0.3, 0.4]],
        sizes: vec![3, 4],
        mean_values: vec![2.0, 50.0],
        sse: 17.25,
        iterations: 4,
        funnel: Funnel::default(),
        offsets: Vec::new(),
        trained_at: "2026-11-23T17:35:09Z".to_owned(),
    }
}

struct Folder {
    _temporary: TempDir,
    store: ModelStore,
}

impl Folder {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let store = ModelStore::open(temporary.path().join("data/models")).unwrap();
        Self { _temporary: temporary, store }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.store.folder().join(file)
    }

    /// The JSON of a good model with one text replaced.
    fn write(&self, file: &str, from: &str, to: &str) {
        let json = serde_json::to_string(&model(Entity::Customer, ONE)).unwrap();
        assert!(json.contains(from), "{json}");
        fs::write(self.path(file), json.replacen(from, to, 1)).unwrap();
    }
}

#[test]
fn what_is_saved_is_loaded_again_in_readable_files() {
    let folder = Folder::new();
    let saved = [
        model(Entity::Country, ModelNumber::All),
        model(Entity::Customer, ONE),
        model(Entity::Customer, ModelNumber::Number(12)),
    ];
    saved.iter().for_each(|model| folder.store.save(model).unwrap());
    for name in ["country_model_all.json", "customer_model_1.json", "customer_model_12.json"] {
        assert!(
            fs::read_to_string(folder.path(name)).unwrap().starts_with("{\n  \"format_version")
        );
    }
    let contents = folder.store.load_all().unwrap();
    assert_eq!(contents, Contents { models: saved.to_vec(), unusable: Vec::new() });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_model_keeps_its_bits(numbers in prop::collection::vec(prop::num::f64::NORMAL, 5)) {
        let folder = Folder::new();
        let mut before = model(Entity::Product, ONE);
        before.model_centroids = vec![numbers[..2].to_vec(), numbers[2..4].to_vec()];
        before.sse = numbers[4];
        folder.store.save(&before).unwrap();
        let after = folder.store.load_all().unwrap().models.remove(0);
        let bits = |model: &Model| -> Vec<u64> {
            model.model_centroids.iter().flatten().chain([&model.sse]).map(|x| x.to_bits()).collect()
        };
        prop_assert_eq!(bits(&before), bits(&after));
    }
}

#[test]
fn a_model_that_could_not_be_loaded_is_not_saved() {
    let folder = Folder::new();
    folder.store.save(&model(Entity::Product, ONE)).unwrap();
    let mut bad = model(Entity::Product, ONE);
    bad.sse = f64::NAN;
    let error = folder.store.save(&bad).unwrap_err();
    assert!(matches!(
        error,
        RegistryError::Invalid(Entity::Product, ONE, InvalidModel::Number("sse"))
    ));
    assert_eq!(
        error.to_string(),
        "the product model 1 was not saved: `sse` holds a number that is not usable; train it again"
    );
    assert_eq!(folder.store.load_all().unwrap().models, [model(Entity::Product, ONE)]);
}

#[test]
fn a_bad_file_is_reported_and_keeps_no_other_from_loading() {
    let folder = Folder::new();
    folder.store.save(&model(Entity::Customer, ONE)).unwrap();
    fs::write(folder.path("country_model_1.json"), "").unwrap();
    fs::write(folder.path("country_model_2.json"), b"\xff\xfe").unwrap();
    fs::create_dir(folder.path("country_model_3.json")).unwrap();
    // Fewer than the whole file, as after a crash of another program.
    let json = serde_json::to_string(&model(Entity::Country, ONE)).unwrap();
    fs::write(folder.path("country_model_4.json"), &json[..json.len() / 2]).unwrap();
    for (file, from, to) in [
        ("customer_model_2.json", "\"number\":1", "\"number\":1"),
        ("customer_model_01.json", "\"number\":1", "\"number\":1"),
        ("product_model_1.json", "\"number\":1", "\"number\":1"),
        ("customer_model_3.json", "\"format_version\":1", "\"format_version\":2,\"new\":0"),
        ("customer_model_4.json", "17.25", "1e999"),
        ("customer_model_5.json", "17.25", "null"),
        ("customer_model_6.json", "17.25", "NaN"),
        ("customer_model_7.json", "[0.9,0.7]", "[0.9,0.0]"),
        ("customer_model_8.json", "\"sizes\":[3,4]", "\"sizes\":[3]"),
        ("customer_model_9.json", "\"k\":2", "\"k\":3"),
        ("customer_model_10.json", "\"customer\"", "\"shop\""),
    ] {
        folder.write(file, from, to);
    }
    // One feature: every list fits, but a line has two values.
    let mut narrow = model(Entity::Customer, ModelNumber::Number(11));
    narrow.features.truncate(1);
    narrow.preprocessing.means.truncate(1);
    narrow.preprocessing.scales.truncate(1);
    narrow.centroids.iter_mut().for_each(|row| row.truncate(1));
    narrow.model_centroids.iter_mut().for_each(|row| row.truncate(1));
    folder.store.save(&narrow).unwrap();
    // No models, and so not complained about.
    fs::write(folder.path("state.json"), "{").unwrap();
    fs::write(folder.path("customer_model_1.json.tmp"), "{").unwrap();

    let contents = folder.store.load_all().unwrap();
    assert_eq!(contents.models, [model(Entity::Customer, ONE)]);
    let reasons: Vec<_> = contents.unusable.iter().map(ToString::to_string).collect();
    let expected = [
        "country_model_1.json: is not a model: EOF",
        "country_model_2.json: is not a model",
        "country_model_3.json: cannot be read",
        "country_model_4.json: is not a model: EOF",
        "customer_model_01.json: holds the model that belongs in customer_model_1.json",
        "customer_model_10.json: is not a model: unknown variant `shop`",
        "customer_model_11.json: `features` has the wrong shape",
        "customer_model_2.json: holds the model that belongs in customer_model_1.json",
        "customer_model_3.json: format version 2 is not 1",
        "customer_model_4.json: is not a model: number out of range",
        "customer_model_5.json: is not a model: invalid type: null",
        "customer_model_6.json: is not a model: expected value",
        "customer_model_7.json: `preprocessing.scales` holds a number that is not usable",
        "customer_model_8.json: `sizes` has the wrong shape",
        "customer_model_9.json: `centroids` has the wrong shape",
        "product_model_1.json: holds the model that belongs in customer_model_1.json",
    ];
    assert_eq!(reasons.len(), expected.len(), "{reasons:#?}");
    for (reason, expected) in reasons.iter().zip(expected) {
        assert!(reason.starts_with(expected), "{reason}");
    }
}

#[test]
fn a_folder_that_is_gone_is_an_error_and_the_models_answer_on() {
    let folder = Folder::new();
    let registry = Registry::default();
    folder.store.save(&model(Entity::Customer, ONE)).unwrap();
    registry.refresh(&folder.store).unwrap();
    fs::remove_dir_all(folder.store.folder()).unwrap();
    assert!(matches!(registry.refresh(&folder.store), Err(RegistryError::Io(..))));
    assert!(matches!(folder.store.load_all(), Err(RegistryError::Io(..))));
    assert_eq!(registry.count(), 1);
}

#[test]
fn numbers_and_aliases_are_resolved() {
    let registry = Registry::default();
    let resolve = |model| registry.resolve(Entity::Product, model).map(|model| model.number);
    assert_eq!(resolve(ModelRef::Latest), None);
    assert_eq!(registry.missing(), Entity::ALL);

    for number in [10, 2, 9] {
        registry.insert(model(Entity::Product, ModelNumber::Number(number)));
    }
    assert_eq!(resolve(ModelRef::Latest), Some(ModelNumber::Number(10)));
    assert_eq!(resolve(ModelRef::Number(2)), Some(TWO));
    assert_eq!(resolve(ModelRef::Number(3)), None);
    assert_eq!(resolve(ModelRef::All), None);
    registry.insert(model(Entity::Product, ModelNumber::All));
    assert_eq!(resolve(ModelRef::All), Some(ModelNumber::All));
    assert_eq!(resolve(ModelRef::Latest), Some(ModelNumber::Number(10)));
    assert_eq!(registry.missing(), [Entity::Customer, Entity::Country]);

    let mut changed = model(Entity::Product, TWO);
    changed.sse = 1.0;
    registry.insert(changed);
    assert_eq!(registry.count(), 4);
    assert_eq!(registry.resolve(Entity::Product, ModelRef::Number(2)).unwrap().sse, 1.0);

    registry.replace_all(Contents {
        models: vec![model(Entity::Customer, ONE)],
        ..Contents::default()
    });
    assert_eq!((registry.count(), resolve(ModelRef::Latest)), (1, None));
}

#[test]
fn a_refresh_takes_over_what_is_new_changed_and_gone() {
    let folder = Folder::new();
    let registry = Registry::default();
    assert_eq!(registry.refresh(&folder.store).unwrap(), Changes::default());

    folder.store.save(&model(Entity::Customer, ONE)).unwrap();
    folder.store.save(&model(Entity::Customer, TWO)).unwrap();
    fs::write(folder.path("product_model_1.json"), "{").unwrap();
    let changes = registry.refresh(&folder.store).unwrap();
    assert_eq!(changes.loaded, [(Entity::Customer, ONE), (Entity::Customer, TWO)]);
    assert_eq!(changes.unusable.len(), 1);
    assert_eq!(registry.list().unusable.len(), 1);

    // Nothing new: nothing is read, and a file that is bad still is not told again but is listed.
    let before = registry.resolve(Entity::Customer, ModelRef::Number(1)).unwrap();
    assert_eq!(registry.refresh(&folder.store).unwrap(), Changes::default());
    let after = registry.resolve(Entity::Customer, ModelRef::Number(1)).unwrap();
    assert!(Arc::ptr_eq(&before, &after));
    assert_eq!(registry.list().unusable.len(), 1);

    // The same length: only time and inode tell.
    let mut changed = model(Entity::Customer, ONE);
    changed.sse = 18.25;
    folder.store.save(&changed).unwrap();
    fs::remove_file(folder.path("customer_model_2.json")).unwrap();
    folder.store.save(&model(Entity::Product, ONE)).unwrap();
    let changes = registry.refresh(&folder.store).unwrap();
    assert_eq!(changes.loaded, [(Entity::Customer, ONE), (Entity::Product, ONE)]);
    assert_eq!(changes.removed, [(Entity::Customer, TWO)]);
    assert_eq!(registry.resolve(Entity::Customer, ModelRef::Latest).unwrap().sse, 18.25);
    assert!(registry.list().unusable.is_empty());

    // A good file goes bad.
    fs::write(folder.path("product_model_1.json"), "{").unwrap();
    let changes = registry.refresh(&folder.store).unwrap();
    assert_eq!(changes.removed, [(Entity::Product, ONE)]);
    assert!(registry.resolve(Entity::Product, ModelRef::Latest).is_none());
    assert_eq!(registry.count(), 1);
}

#[test]
fn readers_see_a_model_whole_while_others_are_swapped_in() {
    let registry = Registry::default();
    let numbered = |number: u64| {
        let mut model = model(Entity::Customer, ModelNumber::Number(number));
        model.iterations = number as u32;
        model
    };
    registry.insert(numbered(1));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut highest = 0;
                    while !done.load(Relaxed) {
                        let models = registry.read();
                        let latest = models.resolve(Entity::Customer, ModelRef::Latest).unwrap();
                        assert_eq!(latest.number, ModelNumber::Number(latest.iterations.into()));
                        assert!(latest.iterations >= highest, "an older model came back");
                        highest = latest.iterations;
                    }
                })
            })
            .collect();
        // Two writers: none overwrites what the other has put in.
        let writers = [2, 3].map(|first| {
            let registry = &registry;
            scope.spawn(move || {
                (first..300).step_by(2).for_each(|number| registry.insert(numbered(number)));
            })
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    assert_eq!(registry.count(), 299);
}

#[tokio::test]
async fn a_watched_folder_s_models_answer_and_are_told() {
    let folder = Folder::new();
    let (registry, progress) = (Arc::new(Registry::default()), Arc::new(Progress::default()));
    let mut events = progress.listen();
    let watching = tokio::spawn(watch(
        Arc::clone(&registry),
        folder.store.clone(),
        Arc::clone(&progress),
        Duration::from_millis(10),
    ));
    folder.store.save(&model(Entity::Country, ModelNumber::All)).unwrap();
    let wait = Duration::from_secs(30);
    let event = tokio::time::timeout(wait, events.recv()).await.unwrap().unwrap();
    assert_eq!(event, Event::ModelTrained { entity: Entity::Country, number: ModelNumber::All });
    assert_eq!((registry.count(), progress.models.get()), (1, 1));

    // In one step, so that it is not read while it is still empty.
    crate::durable::write(&folder.path("country_model_1.json"), b"{").unwrap();
    let event = tokio::time::timeout(wait, events.recv()).await.unwrap().unwrap();
    assert!(matches!(event, Event::Notice { message } if message.contains("country_model_1.json")));

    // A folder that is gone is told once, and watched on until it is there again.
    fs::remove_dir_all(folder.store.folder()).unwrap();
    let event = tokio::time::timeout(wait, events.recv()).await.unwrap().unwrap();
    assert!(matches!(event, Event::Notice { message } if message.contains("models folder")));
    fs::create_dir_all(folder.store.folder()).unwrap();
    let deadline = Instant::now() + wait;
    while registry.count() > 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    watching.abort();
}
