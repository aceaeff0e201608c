//! The whole real data set, from the program's own copy to models.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::Read;

use support::{
    assert_offsets_are_covered_once,
    broker::{Kafka, on_both_brokers},
    good, manifests, stored_rows, summary, tillstream,
};
use tillstream::registry::ChampionStore;
use tillstream_shared::{ClosedBy, Entity, Model, ModelKind};

on_both_brokers! { every_line_goes_through_unchanged }

fn every_line_goes_through_unchanged(kafka: Kafka) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let arguments = ["up", "--rate", "max", "--once", "--listen", "127.0.0.1:0", "--data-dir"];
    let mut command = tillstream(&arguments);
    command.arg(data).args(kafka.arguments_of_up());
    let first = summary(&good(&mut command));
    for (field, value) in [
        ("lines_read", 541_909),
        ("lines_sent", 541_909),
        ("lines_stored", 541_909),
        ("dead_letters", 0),
        ("rejects", 0),
        ("batches", 55),
        ("models", 168),
        ("live_models", 3),
    ] {
        assert_eq!(first[field], value, "{field}: {first}");
    }

    let manifests = manifests(data);
    assert_offsets_are_covered_once(&manifests);
    let (last, full) = manifests.split_last().unwrap();
    assert!(full.iter().all(|m| m.rows == 10_000 && m.closed_by == ClosedBy::Size));
    assert_eq!((last.rows, last.closed_by), (1_909, ClosedBy::Shutdown));
    let funnel = |field: fn(&tillstream_shared::BatchFunnel) -> u64| {
        manifests.iter().map(|manifest| field(&manifest.funnel)).sum::<u64>()
    };
    assert_eq!(funnel(|funnel| funnel.without_customer), 135_080);
    assert_eq!(funnel(|funnel| funnel.cancellations), 9_288);

    let packed = include_bytes!("../data/online_retail.csv.zst");
    let mut original = String::new();
    zstd::Decoder::new(packed.as_slice()).unwrap().read_to_string(&mut original).unwrap();
    let original = original.split_once('\n').unwrap().1;
    assert!(stored_rows(data) == original, "a value was changed on the way");

    let model = |name: &str| -> Model {
        let path = data.join(format!("models/{name}.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let all = model("customer_model_all");
    assert_eq!((all.batch, all.funnel.lines, all.funnel.without_id), (Some(55), 541_909, 135_080));
    assert_eq!(all.sizes.iter().sum::<u64>(), all.funnel.kept);
    assert_eq!((all.offsets[0].first, all.offsets[0].last), (0, 541_908));

    let live = model("country_model_live");
    assert_eq!((live.batch, live.k), (Some(55), 3));
    assert!(live.decay.unwrap().weights.iter().all(|weight| *weight > 0.0));
    let profiles = model("customer_profile_model_55");
    assert_eq!(profiles.funnel.lines, 541_909);
    assert_eq!(profiles.sizes.iter().sum::<u64>(), 4_338);
    for numbered in ["customer_model_55", "product_model_30", "country_model_2"].map(model) {
        assert!(numbered.previous.is_some() && !numbered.transitions.is_empty());
        assert_eq!(numbered.clusters.len(), 3);
        assert!(numbered.clusters.iter().all(|cluster| !cluster.name.id.is_empty()));
        assert!(numbered.evaluation.unwrap().silhouette.unwrap().value > 0.3);
    }
    let champions = ChampionStore::new(&data.join("models")).current().unwrap();
    for entity in Entity::ALL {
        assert!(champions.contains_key(&(ModelKind::Line, entity)), "{entity}: {champions:?}");
    }
    assert!(champions.contains_key(&(ModelKind::Profile, Entity::Customer)), "{champions:?}");

    let second = summary(&good(&mut command));
    for field in
        ["lines_sent", "lines_stored", "batches", "models", "live_models", "profile_models"]
    {
        assert_eq!(second[field], first[field], "started again, it has nothing to do: {second}");
    }
}
