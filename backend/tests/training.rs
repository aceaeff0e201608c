//! From stored batches to models: what a restart, damage, a full disk and another batch folder do.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    thread,
};

use support::{signal, tillstream};
use tempfile::TempDir;
use tillstream::{
    batch::{Catalogue, OpenBatch, Provenance},
    modelling::{GateLimits, ModelParams},
    progress::Progress,
    registry::{ChampionStore, Registry},
    shutdown::Shutdown,
    training::{Retention, Trainer, TrainerOptions, TrainingError},
    training_state::{TrainingState, state_path},
};
use tillstream_clustering::{HalfLife, KChoice};
use tillstream_shared::{
    ClosedBy, Entity, Line, Manifest, Model, ModelKind, ModelRef, PreprocessingKind,
};
use tokio::sync::watch;

/// Lines of a batch.
const LINES: i64 = 40;

fn options() -> TrainerOptions {
    let params = ModelParams {
        preprocessing: PreprocessingKind::Log,
        clip: None,
        k: KChoice::Fixed(2),
        n_init: 2,
        seed: 1,
        evaluate: true,
    };
    TrainerOptions {
        lines: params,
        profiles: ModelParams { preprocessing: PreprocessingKind::Signed, ..params },
        half_life: HalfLife::Batches(10.0),
        gate: GateLimits { min_silhouette: -1.0, min_stability: -1.0, ..GateLimits::default() },
        retention: Retention::default(),
    }
}

/// A data folder whose batches are made by hand.
struct Data {
    folder: TempDir,
    options: TrainerOptions,
}

/// What a trainer has left in memory.
struct Trained {
    registry: Arc<Registry>,
    progress: Arc<Progress>,
    result: Result<(), TrainingError>,
}

impl Data {
    /// With so many batches, whose lines `seed` tells from others.
    fn new(batches: i64, seed: i64) -> Self {
        let data = Self { folder: TempDir::new().unwrap(), options: options() };
        data.add(batches, seed);
        data
    }

    fn batches(&self) -> PathBuf {
        self.folder.path().join("batch")
    }

    fn models(&self) -> PathBuf {
        self.folder.path().join("models")
    }

    fn add(&self, batches: i64, seed: i64) {
        let (mut catalogue, lock) = Catalogue::open(&self.batches()).unwrap();
        for _ in 0..batches {
            let first = catalogue.last() as i64 * LINES;
            let mut batch = OpenBatch::create(&lock).unwrap();
            for offset in first..first + LINES {
                let line = Line {
                    invoice_no: (offset / 3).to_string().into(),
                    stock_code: format!("P{}", offset % 7).into(),
                    description: "".into(),
                    quantity: 1 + (offset * offset + seed) % 23,
                    invoice_date: format!("2010-12-{:02} 08:26:00", 1 + offset % 28).into(),
                    unit_price: 0.5 + ((offset + seed) % 11) as f64,
                    customer_id: Some((offset % 9).to_string().into()),
                    country: ["France", "Spain", "Italy", "Malta"][offset as usize % 4].into(),
                };
                batch.add(&line, 0, offset).unwrap();
            }
            let provenance = Provenance { topic: "t".into(), ..Provenance::default() };
            catalogue.close(batch, &provenance, ClosedBy::Size).unwrap();
        }
    }

    fn manifest(&self, number: u64) -> Manifest {
        Catalogue::read(&self.batches()).unwrap().manifest(number).unwrap().unwrap()
    }

    fn batch_file(&self, number: u64) -> PathBuf {
        self.batches().join(self.manifest(number).file)
    }

    fn open(&self) -> (Trainer, Catalogue, Arc<Registry>, Arc<Progress>) {
        let registry = Arc::new(Registry::open(&self.models(), &self.batches()).unwrap());
        let progress = Arc::new(Progress::default());
        registry.refresh().unwrap();
        registry.follow_champions(&ChampionStore::new(&self.models()), &progress).unwrap();
        let catalogue = Catalogue::read(&self.batches()).unwrap();
        let trainer = Trainer::open(
            self.options,
            &catalogue,
            &self.models(),
            registry.clone(),
            progress.clone(),
        );
        (trainer.unwrap(), catalogue, registry, progress)
    }

    /// Trains all that is missing.
    fn train(&self) -> Trained {
        let (trainer, catalogue, registry, progress) = self.open();
        let (_, stored) = watch::channel(0);
        let result = trainer.run(catalogue, stored, &Shutdown::default());
        Trained { registry, progress, result }
    }

    /// Trains until `then` has come to its end.
    fn train_while(&self, then: impl FnOnce(&Registry, &Progress)) -> Trained {
        let (trainer, catalogue, registry, progress) = self.open();
        let (sender, stored) = watch::channel(0);
        let training = thread::spawn(move || trainer.run(catalogue, stored, &Shutdown::default()));
        then(&registry, &progress);
        drop(sender);
        Trained { registry, progress, result: training.join().unwrap() }
    }

    fn state(&self) -> TrainingState {
        TrainingState::load(&state_path(&self.models())).unwrap().unwrap()
    }
}

impl Trained {
    #[track_caller]
    fn good(self) -> Self {
        self.result.as_ref().unwrap();
        self
    }

    fn find(&self, kind: ModelKind, model: ModelRef) -> Option<Arc<Model>> {
        find(&self.registry, kind, model)
    }

    #[track_caller]
    fn line(&self, model: ModelRef) -> Arc<Model> {
        self.find(ModelKind::Line, model).unwrap()
    }

    fn notices(&self) -> String {
        self.progress.status().notices.join("\n")
    }

    fn gaps(&self) -> Vec<u64> {
        self.progress.status().gaps.iter().map(|gap| gap.batch).collect()
    }
}

fn find(registry: &Registry, kind: ModelKind, model: ModelRef) -> Option<Arc<Model>> {
    registry.get(kind, Entity::Product, model)
}

/// A model without what tells one training from another.
fn content(model: &Model) -> Model {
    Model {
        trained_at: String::new(),
        previous: None,
        transitions: Vec::new(),
        clusters: Vec::new(),
        identities: 0,
        ..model.clone()
    }
}

#[track_caller]
fn wait_for(what: &str, condition: impl Fn() -> bool) {
    support::wait_for(what, || condition().then_some(()));
}

/// Damages a file, and gives its content to be restored.
fn damage(path: &Path) -> Vec<u8> {
    let good = fs::read(path).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    fs::write(path, bad).unwrap();
    good
}

#[test]
fn models_say_which_batches_they_are_of() {
    let data = Data::new(3, 0);
    let trained = data.train().good();
    let newest = data.manifest(3);
    for (kind, model) in [
        (ModelKind::Line, ModelRef::Latest),
        (ModelKind::Line, ModelRef::All),
        (ModelKind::Line, ModelRef::Live),
        (ModelKind::Profile, ModelRef::Latest),
    ] {
        let model = trained.find(kind, model).unwrap();
        assert_eq!(model.batch, Some(3));
        assert_eq!(model.manifest.as_deref(), Some(newest.hash.as_str()));
        assert!(model.gaps.is_empty());
    }
    assert_eq!(trained.line(ModelRef::Number(1)).manifest, Some(data.manifest(1).hash));
    assert_eq!(trained.line(ModelRef::All).funnel.lines, 3 * LINES as u64);
    let state = data.state();
    assert_eq!((state.last.number, &state.last.manifest), (3, &newest.hash));
    let again = data.train().good();
    for model in [ModelRef::Number(2), ModelRef::All, ModelRef::Live] {
        assert_eq!(*again.line(model), *trained.line(model), "nothing is left to do");
    }
}

#[test]
fn a_damaged_batch_is_a_gap_that_is_filled_when_it_is_whole_again() {
    let data = Data::new(3, 0);
    let path = data.batch_file(2);
    let good = damage(&path);
    let trained = data.train().good();
    assert_eq!(trained.gaps(), [2]);
    assert!(trained.notices().contains("batch 2 is damaged"), "{}", trained.notices());
    assert!(trained.find(ModelKind::Line, ModelRef::Number(2)).is_none());
    for (kind, model) in [
        (ModelKind::Line, ModelRef::All),
        (ModelKind::Line, ModelRef::Live),
        (ModelKind::Profile, ModelRef::Latest),
    ] {
        let model = trained.find(kind, model).unwrap();
        assert_eq!((model.batch, model.gaps.as_slice()), (Some(3), &[2][..]));
    }
    assert!(trained.line(ModelRef::Number(3)).gaps.is_empty());
    assert_eq!(trained.line(ModelRef::All).funnel.lines, 2 * LINES as u64);

    assert_eq!(data.train().good().gaps(), [2], "it is still damaged");
    fs::write(&path, good).unwrap();
    let filled = data.train().good();
    assert!(filled.gaps().is_empty());
    assert_eq!(filled.line(ModelRef::Live).gaps, [2], "the stream has moved on");
    fs::remove_dir_all(data.models()).unwrap();
    let whole = data.train().good();
    for (kind, model) in [
        (ModelKind::Line, ModelRef::Number(2)),
        (ModelKind::Line, ModelRef::All),
        (ModelKind::Profile, ModelRef::Number(3)),
    ] {
        let [filled, whole] = [&filled, &whole].map(|t| content(&t.find(kind, model).unwrap()));
        assert_eq!(filled, whole);
    }
}

#[test]
fn a_newest_batch_that_is_missing_is_tried_again_at_the_next_start() {
    let data = Data::new(2, 0);
    let path = data.batch_file(2);
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let trained = data.train().good();
    assert_eq!(trained.gaps(), [2]);
    assert_eq!(trained.line(ModelRef::All).batch, Some(1));
    fs::write(&path, good).unwrap();
    let again = data.train().good();
    assert!(again.gaps().is_empty() && again.line(ModelRef::Live).gaps.is_empty());
    assert_eq!(again.line(ModelRef::All).batch, Some(2));
}

#[test]
fn an_error_that_may_pass_is_waited_out_and_other_work_goes_on() {
    let data = Data::new(2, 0);
    let path = data.batch_file(2);
    let good = fs::read(&path).unwrap();
    // A folder cannot be read as a file, and is not missing either.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let trained = data.train_while(|registry, progress| {
        wait_for("the notice", || {
            progress.status().notices.iter().any(|notice| notice.contains("tries again"))
        });
        wait_for("`all` of what is there", || {
            let all = find(registry, ModelKind::Line, ModelRef::All);
            all.is_some_and(|all| all.batch == Some(1))
        });
        fs::remove_dir(&path).unwrap();
        fs::write(&path, &good).unwrap();
        wait_for("the batch", || {
            let all = find(registry, ModelKind::Line, ModelRef::All);
            all.is_some_and(|all| all.batch == Some(2))
        });
    });
    let trained = trained.good();
    assert!(trained.gaps().is_empty());
    assert!(trained.find(ModelKind::Line, ModelRef::Number(2)).is_some());
}

#[test]
fn what_could_not_be_stored_is_trained_again() {
    for blocked in ["product_model_1.json", "product_model_all.json", "training_state.bin"] {
        let data = Data::new(2, 0);
        // A folder that holds something is not replaced by a file.
        let path = data.models().join(blocked);
        fs::create_dir_all(path.join("something")).unwrap();
        let trained = data.train_while(|registry, progress| {
            wait_for("the notice", || {
                progress.status().notices.iter().any(|notice| notice.contains("it is tried again"))
            });
            wait_for("the other models", || {
                registry.get(ModelKind::Profile, Entity::Country, ModelRef::Number(2)).is_some()
            });
            fs::remove_dir_all(&path).unwrap();
            wait_for(blocked, || path.is_file());
        });
        let trained = trained.good();
        for model in [ModelRef::Number(1), ModelRef::All, ModelRef::Live] {
            assert!(trained.find(ModelKind::Line, model).is_some(), "{blocked} {model}");
        }
        let state = data.state();
        assert!(state.unstored.is_empty() && state.last.number == 2);
    }
}

#[test]
fn what_could_not_be_stored_is_trained_after_a_restart_too() {
    let data = Data::new(2, 0);
    let path = data.models().join("product_model_1.json");
    fs::create_dir_all(path.join("something")).unwrap();
    let (trainer, catalogue, registry, _) = data.open();
    let (_sender, stored) = watch::channel(0);
    let shutdown = Shutdown::default();
    let heard = shutdown.clone();
    let training = thread::spawn(move || trainer.run(catalogue, stored, &heard));
    wait_for("the last models", || {
        registry.get(ModelKind::Line, Entity::Country, ModelRef::Live).is_some()
    });
    shutdown.request();
    training.join().unwrap().unwrap();
    assert_eq!(data.state().unstored.into_iter().collect::<Vec<_>>(), [(1, Entity::Product)]);
    fs::remove_dir_all(&path).unwrap();
    assert!(data.train().good().find(ModelKind::Line, ModelRef::Number(1)).is_some());
    assert!(data.state().unstored.is_empty());
}

#[test]
fn a_shutdown_leaves_a_state_that_goes_on() {
    let data = Data::new(30, 0);
    let (trainer, catalogue, registry, _) = data.open();
    let (_sender, stored) = watch::channel(0);
    let shutdown = Shutdown::default();
    let heard = shutdown.clone();
    let training = thread::spawn(move || trainer.run(catalogue, stored, &heard));
    wait_for("a batch", || find(&registry, ModelKind::Line, ModelRef::Number(2)).is_some());
    shutdown.request();
    training.join().unwrap().unwrap();
    let stopped = data.state().last.number;
    assert!((1..30).contains(&stopped), "{stopped} batches were trained");
    let went_on = data.train().good();
    assert_eq!(data.state().last.number, 30);
    fs::remove_dir_all(data.models()).unwrap();
    let quiet = data.train().good();
    for model in [ModelRef::All, ModelRef::Live, ModelRef::Number(30)] {
        assert_eq!(content(&went_on.line(model)), content(&quiet.line(model)), "{model}");
    }
}

#[test]
fn a_process_hears_the_interrupt_between_two_models() {
    let data = Data::new(150, 0);
    let mut command = tillstream(&["train", "--data-dir"]);
    command.arg(data.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    support::wait_for("a batch", || {
        data.models().join("product_model_2.json").exists().then_some(())
    });
    signal(child.id(), "-INT");
    assert!(child.wait().unwrap().success());
    let stopped = data.state().last.number;
    assert!((1..150).contains(&stopped), "{stopped} batches were trained");
}

#[test]
fn models_that_somebody_has_removed_are_trained_anew() {
    let data = Data::new(2, 0);
    let before = data.train().good();
    for entry in fs::read_dir(data.models()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            fs::remove_file(path).unwrap();
        }
    }
    let trained = data.train().good();
    for model in [ModelRef::Number(1), ModelRef::Number(2), ModelRef::All, ModelRef::Live] {
        assert_eq!(content(&trained.line(model)), content(&before.line(model)), "{model}");
    }
    assert!(data.state().unstored.is_empty());
}

#[test]
fn batches_of_another_process_are_seen_without_a_word() {
    let data = Data::new(1, 0);
    data.train_while(|registry, _| {
        data.add(1, 0);
        wait_for("the new batch", || {
            find(registry, ModelKind::Line, ModelRef::Number(2)).is_some()
        });
    })
    .good();
}

#[test]
fn models_of_batches_that_are_no_longer_there_are_set_aside() {
    // Replaced by others, restored from an older copy, and moved away.
    for (batches, seed) in [(3, 5), (2, 0), (0, 0)] {
        let data = Data::new(3, 0);
        let before = data.train().good();
        ChampionStore::new(&data.models()).promote(ModelKind::Line, Entity::Product, 1).unwrap();
        fs::remove_dir_all(data.batches()).unwrap();
        data.add(batches, seed);
        let trained = data.train().good();
        let replaced: Vec<_> = fs::read_dir(data.models().join("replaced")).unwrap().collect();
        let aside = replaced[0].as_ref().unwrap().path();
        assert_eq!(replaced.len(), 1);
        assert!(trained.notices().contains(aside.to_str().unwrap()), "{}", trained.notices());
        let json = fs::read(aside.join("product_model_1.json")).unwrap();
        let model: Model = serde_json::from_slice(&json).unwrap();
        assert_eq!(model, *before.line(ModelRef::Number(1)));
        for name in ["champions/champions.json", "profiles", "training_state.bin"] {
            assert!(aside.join(name).exists(), "{name}");
        }
        let newest = trained.find(ModelKind::Line, ModelRef::Latest);
        assert_eq!(newest.and_then(|model| model.batch), (batches > 0).then_some(batches as u64));
        let all = trained.find(ModelKind::Line, ModelRef::All);
        let manifest = (batches > 0).then(|| data.manifest(batches as u64).hash);
        assert_eq!(all.and_then(|model| model.manifest.clone()), manifest);
        assert_eq!(data.train().good().notices(), "", "it is done once");
    }
}

#[test]
fn without_a_trainer_models_of_other_batches_do_not_answer() {
    let data = Data::new(2, 0);
    data.train().good();
    fs::remove_dir_all(data.batches()).unwrap();
    data.add(2, 5);
    let registry = Registry::open(&data.models(), &data.batches()).unwrap();
    let notices = registry.refresh().unwrap();
    assert!(notices[0].contains("another batch 2"), "{notices:?}");
    for model in [ModelRef::Latest, ModelRef::All, ModelRef::Live, ModelRef::Number(1)] {
        assert!(find(&registry, ModelKind::Line, model).is_none(), "{model}");
    }
    // A copy of the models alone is as good as ever.
    fs::remove_dir_all(data.batches()).unwrap();
    registry.refresh().unwrap();
    assert!(find(&registry, ModelKind::Line, ModelRef::Latest).is_some());
}

/// Makes the models folder one of a version that knew no manifests and no single state.
fn make_earlier_version(data: &Data) {
    fs::remove_file(state_path(&data.models())).unwrap();
    fs::create_dir(data.models().join("cumulative")).unwrap();
    fs::write(data.models().join("cumulative/points.json"), "{}").unwrap();
    for entry in fs::read_dir(data.models()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let mut json: serde_json::Value =
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            json.as_object_mut().unwrap().remove("manifest");
            fs::write(&path, json.to_string()).unwrap();
        }
    }
}

#[test]
fn models_of_an_earlier_version_stay_when_their_offsets_fit() {
    let data = Data::new(2, 0);
    data.train().good();
    make_earlier_version(&data);
    let kept = fs::read(data.models().join("product_model_1.json")).unwrap();
    let trained = data.train().good();
    assert!(trained.notices().contains("earlier version"), "{}", trained.notices());
    assert_eq!(fs::read(data.models().join("product_model_1.json")).unwrap(), kept);
    assert!(!data.models().join("cumulative").exists() && !data.models().join("replaced").exists());
    assert_eq!(data.state().last.number, 2);

    make_earlier_version(&data);
    fs::remove_dir_all(data.batches()).unwrap();
    data.add(1, 0);
    data.train().good();
    assert!(data.models().join("replaced").exists());
}

#[test]
fn a_state_that_is_damaged_is_made_again() {
    let data = Data::new(2, 0);
    let before = data.train().good();
    let state = data.state();
    damage(&state_path(&data.models()));
    let trained = data.train().good();
    assert!(trained.notices().contains("read anew"), "{}", trained.notices());
    assert_eq!(data.state(), state);
    assert_eq!(*trained.line(ModelRef::Number(2)), *before.line(ModelRef::Number(2)));
}

#[test]
fn old_models_and_batches_are_removed_but_not_what_is_needed() {
    let mut data = Data::new(6, 0);
    data.train().good();
    let champions = ChampionStore::new(&data.models());
    for model in [1, 2] {
        champions.promote(ModelKind::Line, Entity::Country, model).unwrap();
    }
    data.options.retention = Retention { models: Some(2), batches: Some(2) };
    let trained = data.train().good();
    let numbers = |entity| trained.registry.newest(ModelKind::Line, entity, u64::MAX, 100);
    let protected = champions.list().unwrap();
    for champion in protected.iter().filter(|champion| champion.kind == ModelKind::Line) {
        let mut expected = vec![6, 5];
        expected.extend(champion.earlier.iter().chain(&champion.model));
        expected.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        expected.dedup();
        assert_eq!(numbers(champion.entity), expected, "{}", champion.entity);
        for number in 1..=6 {
            let file = data.models().join(format!("{}_model_{number}.json", champion.entity));
            assert_eq!(file.exists(), expected.contains(&number), "{}", file.display());
        }
    }
    assert!(numbers(Entity::Country).contains(&1), "the country's champion can be rolled back");
    let catalogue = Catalogue::read(&data.batches()).unwrap();
    assert_eq!((catalogue.first(), catalogue.last()), (5, 6));

    // More of both: what was removed is neither missed nor trained again.
    data.add(1, 0);
    let trained = data.train().good();
    let all = trained.line(ModelRef::All);
    assert_eq!((all.batch, all.funnel.lines), (Some(7), 7 * LINES as u64));
    assert_eq!(Catalogue::read(&data.batches()).unwrap().first(), 6);
    assert!(trained.notices().is_empty(), "{}", trained.notices());
}

#[test]
fn batches_that_are_not_trained_on_are_not_removed() {
    let mut data = Data::new(4, 0);
    data.options.retention.batches = Some(1);
    let path = data.models().join("product_model_2.json");
    fs::create_dir_all(path.join("something")).unwrap();
    data.train_while(|_, _| {
        wait_for("removed batches", || Catalogue::read(&data.batches()).unwrap().first() > 1);
        assert_eq!(Catalogue::read(&data.batches()).unwrap().first(), 2);
        fs::remove_dir_all(&path).unwrap();
        wait_for("the others", || Catalogue::read(&data.batches()).unwrap().first() == 4);
    })
    .good();
    assert!(path.is_file());
}
