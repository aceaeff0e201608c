use tempfile::TempDir;
use tillstream_clustering::{HalfLife, KChoice};
use tillstream_shared::{
    Entity, ModelKind, PreprocessingKind, api::ProfileRows, testing::raw_model,
};

use super::*;
use crate::{
    features::ProfileTable,
    modelling::{GateLimits, ModelParams},
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
    let rows = RowStore::of(folder.path());
    rows.prepare().unwrap();
    Publisher {
        options: TrainerOptions {
            lines: params,
            profiles: params,
            half_life: HalfLife::Batches(1.0),
            gate: GateLimits::default(),
        },
        store: ModelStore::open(folder.path()).unwrap(),
        rows,
        champions: ChampionStore::new(folder.path()),
        registry: Arc::default(),
        progress: Arc::default(),
    }
}

#[test]
fn rows_that_are_not_of_the_previous_model_are_a_notice_and_centroids_decide() {
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
    publisher.publish(model(2, &[(1, &[8.0]), (1, &[2.0])]), Seen::Profiles(&table), &[2, 1]);

    let notices = publisher.progress.status().notices;
    assert!(notices[0].contains("member of cluster 7, but the model has clusters 1 to 2"));
    let published = publisher
        .registry
        .resolve(ModelKind::Profile, Entity::Customer, ModelRef::Number(2))
        .unwrap();
    let from: Vec<_> = published.transitions.iter().map(|event| event.from).collect();
    assert_eq!(from, [Some(2), Some(1)], "by the nearest centroids");
}
