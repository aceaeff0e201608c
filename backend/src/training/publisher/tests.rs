use tempfile::TempDir;
use tillstream_clustering::{HalfLife, KChoice};
use tillstream_shared::{
    Entity, ModelKind, PreprocessingKind, api::ProfileRows, testing::raw_model,
};

use super::*;
use crate::{
    features::ProfileTable,
    modelling::{GateLimits, ModelParams},
    training::Retention,
};

fn publisher(folder: &TempDir) -> Publisher {
    let params = ModelParams {
        preprocessing: PreprocessingKind::Raw,
        clip: None,
        k: KChoice::Fixed(2),
        n_init: 1,
        seed: 1,
        evaluate: false,
    };
    let rows = ProfileRowStore::of(folder.path());
    rows.prepare().unwrap();
    Publisher {
        options: TrainerOptions {
            lines: params,
            profiles: params,
            half_life: HalfLife::Batches(1.0),
            gate: GateLimits::default(),
            retention: Retention::default(),
        },
        rows,
        champions: ChampionStore::new(folder.path()),
        registry: Arc::new(Registry::open(folder.path(), &folder.path().join("batch")).unwrap()),
        progress: Arc::default(),
    }
}

#[test]
fn rows_that_are_not_of_the_previous_model_are_a_notice_and_left_out() {
    let folder = TempDir::new().unwrap();
    let publisher = publisher(&folder);
    let model = |number, clusters: &[(u64, &[f64])]| Model {
        number: ModelNumber::Number(number),
        ..raw_model(ModelKind::Profile, Entity::Customer, &["monetary"], clusters)
    };
    publisher.registry.insert(model(1, &[(1, &[1.0]), (1, &[9.0])]));
    let rows = ProfileRows {
        features: vec!["monetary".to_owned()],
        ids: vec!["A".to_owned(), "B".to_owned()],
        columns: vec![vec![1.0, 9.0]],
        cluster: vec![1, 7],
        exact: vec![true; 2],
    };
    publisher.rows.save(Entity::Customer, 1, &rows).unwrap();

    let table = ProfileTable {
        entity: Entity::Customer,
        features: rows.features,
        ids: rows.ids,
        rows: vec![1.0, 9.0],
        values: vec![1.0, 9.0],
        exact: rows.exact,
        funnel: tillstream_shared::Funnel::default(),
        without_sale: 0,
    };
    let new = model(2, &[(1, &[8.0]), (1, &[2.0])]);
    publisher.publish(new, Observations::Profiles(&table), &[2, 1]).unwrap();

    let notices = publisher.progress.status().notices;
    assert!(notices[0].contains("its rows are not those of the model"), "{notices:?}");
    let published =
        publisher.registry.get(ModelKind::Profile, Entity::Customer, ModelRef::Number(2)).unwrap();
    let from: Vec<_> = published.transitions.iter().map(|event| event.from).collect();
    assert_eq!(from, [Some(2), Some(1)], "as the previous model assigns the rows of today");
}
