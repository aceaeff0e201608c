//! `GET /api/v1/models/{entity}/{number}/profiles`, `/migration/{to}`, `/report`, and
//! `GET /api/v1/profiles/{entity}/{id}`
#![allow(clippy::unwrap_used, missing_docs)]

mod http_support;

use http_support::{TestApp, profile_model, raw_model};
use serde_json::json;
use tillstream::registry::ProfileRowStore;
use tillstream_shared::{Entity, ModelNumber, api::ProfileRows};

fn rows(customers: &[(&str, u32)]) -> ProfileRows {
    let features = ["recency", "frequency", "monetary", "mean_basket", "tenure"];
    ProfileRows {
        features: features.map(str::to_owned).to_vec(),
        ids: customers.iter().map(|(id, _)| (*id).to_owned()).collect(),
        columns: (0..5)
            .map(|j| (0..customers.len()).map(|i| (10 * j + i) as f64).collect())
            .collect(),
        cluster: customers.iter().map(|(_, cluster)| *cluster).collect(),
        exact: vec![true; customers.len()],
    }
}

/// Profile models 1 and 2 of the customers with their rows, and model 3, whose rows are gone.
fn app() -> TestApp {
    let app = TestApp::empty();
    let store = ProfileRowStore::of(&app.models());
    store.prepare().unwrap();
    for number in 1..=3 {
        app.state.registry.insert(profile_model(Entity::Customer, number));
    }
    store.save(Entity::Customer, 1, &rows(&[("A", 1), ("B", 1), ("D", 3)])).unwrap();
    store.save(Entity::Customer, 2, &rows(&[("A", 2), ("B", 1), ("C", 3)])).unwrap();
    app
}

#[tokio::test]
async fn rows_are_those_that_were_trained_on() {
    let app = app();
    let found = app.get("/api/v1/models/customer/2/profiles").await.json();
    assert_eq!(found, serde_json::to_value(rows(&[("A", 2), ("B", 1), ("C", 3)])).unwrap());
    app.get("/api/v1/models/customer/3/profiles").await.refused(404);
    app.get("/api/v1/models/product/1/profiles").await.refused(404);
    let all = app.get("/api/v1/models/customer/all?kind=profile").await.json();
    assert_eq!(all["number"], 3, "a profile model is of all batches");
}

#[tokio::test]
async fn migration_counts_entities_that_moved_came_and_went() {
    let app = app();
    let found = app.get("/api/v1/models/customer/1/migration/2?kind=profile").await.json();
    assert_eq!(
        found,
        json!({
            "kind": "profile", "entity": "customer", "from": 1, "to": 2,
            "counts": [[1, 1, 0], [0, 0, 0], [0, 0, 0]], "arrived": [0, 0, 1], "left": [0, 0, 1]
        })
    );
    app.get("/api/v1/models/customer/1/migration/3?kind=profile").await.refused(404);
    app.get("/api/v1/models/customer/1/migration/9?kind=profile").await.refused(404);
    app.get("/api/v1/models/customer/1/migration/2").await.refused(404);
}

#[tokio::test]
async fn rows_that_are_not_of_the_model_are_an_error() {
    let app = app();
    let store = ProfileRowStore::of(&app.models());
    store.save(Entity::Customer, 1, &rows(&[("A", 1), ("B", 9)])).unwrap();
    app.get("/api/v1/models/customer/1/migration/2?kind=profile").await.refused(500);
    app.get("/api/v1/models/customer/2/migration/1?kind=profile").await.refused(500);
}

#[tokio::test]
async fn a_customer_has_a_history() {
    let app = app();
    let view = app.get("/api/v1/profiles/customer/A").await.json();
    assert_eq!(view["values"], json!([0.0, 10.0, 20.0, 30.0, 40.0]));
    let history = view["history"].as_array().unwrap();
    let clusters: Vec<_> =
        history.iter().map(|m| (m["model"].clone(), m["cluster"].clone())).collect();
    assert_eq!(clusters, [(json!(1), json!(1)), (json!(2), json!(2))]);
    assert!(view["rfm"]["segment"]["id"].is_string(), "{view}");
    // Gone since: what was known last is shown.
    let gone = app.get("/api/v1/profiles/customer/D").await.json();
    assert_eq!(gone["history"].as_array().unwrap().len(), 1);
    for unknown in ["customer/Z", "product/A", "customer/%ff"] {
        app.get(&format!("/api/v1/profiles/{unknown}")).await.refused(404);
    }
}

#[tokio::test]
async fn a_report_card_is_there_when_k_was_chosen() {
    let app = app();
    let error = app.get("/api/v1/models/customer/1/report?kind=profile").await.refused(404);
    assert!(error.contains("--k auto"), "{error}");
    let report = json!({
        "rows": [{
            "k": 2, "sse": 1.5, "silhouette": {"value": 0.5, "sampled": null},
            "davies_bouldin": 0.7, "calinski_harabasz": 12.0, "elbow": 0.1, "stability": 0.9,
            "fit_ms": 1.0
        }],
        "choices": {
            "silhouette": 2, "davies_bouldin": 2, "calinski_harabasz": 2, "elbow": null,
            "stability": 2
        },
        "chosen": 2, "clear": false, "verdict": "no clear k"
    });
    let mut model = raw_model(Entity::Product, ModelNumber::Number(1), 1);
    model.report = Some(serde_json::from_value(report.clone()).unwrap());
    app.state.registry.insert(model);
    assert_eq!(app.get("/api/v1/models/product/1/report").await.json(), report);
}
