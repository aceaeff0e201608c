//! What a model accepts, refuses and answers.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, missing_docs)]

use tillstream_shared::{Excluded, InvalidModel, Model, ModelNumber, ModelRef};

fn model() -> Model {
    serde_json::from_value(serde_json::json!({
        "format_version": 1,
        "entity": "product",
        "number": "all",
        "batch": 7,
        "features": ["Quantity", "UnitPrice"],
        "preprocessing": {
            "kind": "log", "filter": "positive", "transform": "log1p", "scaling": "standard",
            "means": [1.0, 1.0], "scales": [0.5, 2.0]
        },
        "k": 2, "seed": 1, "restarts": 10,
        "centroids": [[1.0, 2.0], [30.0, 4.0]],
        "model_centroids": [[-1.0, 0.0], [3.0, 0.0]],
        "sizes": [5, 6], "mean_values": [2.0, 120.0], "sse": 3.5, "iterations": 4,
        "funnel": {"lines": 20, "without_id": 0, "returns": 5, "unpriced": 4, "kept": 11},
        "offsets": [{"partition": 0, "first": 0, "last": 19}],
        "trained_at": "2026-11-24T00:00:00Z"
    }))
    .unwrap()
}

#[test]
fn a_model_survives_json() {
    let json = serde_json::to_string(&model()).unwrap();
    assert_eq!(serde_json::from_str::<Model>(&json).unwrap(), model());
    assert_eq!(model().check(), Ok(()));
}

#[test]
fn the_nearest_centroid_answers_and_the_first_of_equals() {
    let model = model();
    let at = |z: f64| [(z * 0.5 + 1.0).exp_m1(), 1.0_f64.exp_m1()];
    assert_eq!(model.assign(&at(0.5)).unwrap().cluster, 1);
    assert_eq!(model.assign(&at(1.5)).unwrap().cluster, 2);
    let distances: Vec<_> = model.distances(&at(0.0)).unwrap().collect();
    assert!((distances[0] - 1.0).abs() < 1e-12 && (distances[1] - 3.0).abs() < 1e-12);

    let mut twins = model;
    twins.model_centroids[1] = twins.model_centroids[0].clone();
    assert_eq!(twins.assign(&at(1.5)).unwrap().cluster, 1);
}

#[test]
fn what_the_model_was_not_trained_on_is_refused() {
    let model = model();
    assert_eq!(model.assign(&[-1.0, 2.0]), Err(Excluded::NotPositive { feature: 0 }));
    assert_eq!(model.assign(&[1.0, 0.0]), Err(Excluded::NotPositive { feature: 1 }));
    assert_eq!(model.assign(&[f64::NAN, 1.0]), Err(Excluded::NotFinite { feature: 0 }));
    assert_eq!(model.assign(&[1.0, f64::INFINITY]), Err(Excluded::NotFinite { feature: 1 }));
}

#[test]
fn a_broken_model_is_not_used() {
    let check = |change: fn(&mut Model)| {
        let mut model = model();
        change(&mut model);
        model.check().unwrap_err()
    };
    assert_eq!(check(|m| m.format_version = 2), InvalidModel::FormatVersion(2));
    assert_eq!(check(|m| m.k = 0), InvalidModel::Shape("k"));
    assert_eq!(check(|m| m.k = 3), InvalidModel::Shape("centroids"));
    assert_eq!(check(|m| m.features.clear()), InvalidModel::Shape("features"));
    assert_eq!(check(|m| m.sizes.clear()), InvalidModel::Shape("sizes"));
    assert_eq!(check(|m| m.model_centroids[0].push(0.0)), InvalidModel::Shape("model_centroids"));
    assert_eq!(
        check(|m| m.preprocessing.scales[0] = 0.0),
        InvalidModel::Number("preprocessing.scales")
    );
    assert_eq!(
        check(|m| m.preprocessing.clip = Some(-1.0)),
        InvalidModel::Number("preprocessing.clip")
    );
    assert_eq!(check(|m| m.sse = f64::NAN), InvalidModel::Number("sse"));
    assert_eq!(check(|m| m.centroids[1][0] = f64::INFINITY), InvalidModel::Number("centroids"));
}

#[test]
fn model_numbers_are_texts_or_numbers() {
    let read = |json: &str| serde_json::from_str::<ModelRef>(json);
    assert_eq!(read("7").unwrap(), ModelRef::Number(7));
    assert_eq!(read("\"7\"").unwrap(), ModelRef::Number(7));
    assert_eq!(read("\"latest\"").unwrap(), ModelRef::Latest);
    assert_eq!(read("\"all\"").unwrap(), ModelRef::All);
    for wrong in ["0", "\"0\"", "-1", "1.5", "\"newest\"", "null", "true", "\"\""] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert_eq!(serde_json::to_string(&ModelNumber::All).unwrap(), "\"all\"");
    assert_eq!(serde_json::to_string(&ModelNumber::Number(3)).unwrap(), "3");
    assert!(serde_json::from_str::<ModelNumber>("\"latest\"").is_err());
}

#[test]
fn three_clusters_are_of_low_medium_and_high_value_in_both_languages() {
    let model = Model { k: 3, ..model() };
    let texts: Vec<_> = (1..=3).map(|cluster| model.description(cluster)).collect();
    assert_eq!(texts[0].en, "Low-value product line");
    assert_eq!(texts[1].en, "Medium-value product line");
    assert_eq!(texts[2].en, "High-value product line");
    assert_eq!(texts[0].id, "Transaksi produk bernilai rendah");
    assert_eq!(texts[1].id, "Transaksi produk bernilai sedang");
    assert_eq!(texts[2].id, "Transaksi produk bernilai tinggi");
}
