//! `POST /api/v1/predict`
#![allow(clippy::unwrap_used, missing_docs)]

mod http_support;

use http_support::{TestApp, raw_model, sales_model};
use serde_json::json;
use tillstream_shared::{Cluster, Entity, ModelNumber, Text};

const BODY: &str =
    r#"{"entity":"product","id":"85123A","quantity":10,"unit_price":5.0,"model":"latest"}"#;

#[tokio::test]
async fn the_cluster_is_described() {
    let app = TestApp::new();
    let mut model = raw_model(Entity::Product, ModelNumber::Number(1), 1);
    let name = Text { en: "few pieces".to_owned(), id: "sedikit barang".to_owned() };
    model.clusters = vec![Cluster { number: 1, identity: 7, name, ..Cluster::default() }; 3];
    app.state.registry.insert(model);
    let answer = app.post("/api/v1/predict", BODY).await.json();
    assert_eq!(answer["distances"][0], 1.0);
    assert_eq!(answer["distances"].as_array().unwrap().len(), 3);
    let mut rest = answer;
    rest.as_object_mut().unwrap().remove("distances");
    assert_eq!(
        rest,
        json!({
            "entity": "product", "id": "85123A", "quantity": 10.0, "unit_price": 5.0,
            "model": 1, "cluster": 1, "description": "Low-value product line",
            "name": {"en": "few pieces", "id": "sedikit barang"}, "identity": 7
        })
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let app = TestApp::new();
    app.state.registry.insert(sales_model(Entity::Product, ModelNumber::Number(2)));
    for (from, to, status, named) in [
        ("product", "supplier", 400, "`entity` must be customer, product or country"),
        ("\"85123A\"", "7", 400, "`id` must be a text"),
        (":10", ":-10", 400, "`quantity` must be above zero"),
        ("5.0", "0.0", 400, "`unit_price` must be above zero"),
        ("5.0", "\"5\"", 400, "`unit_price` must be a number"),
        ("5.0", "1e300", 400, "`unit_price` is too large for this model"),
        ("\"latest\"", "true", 400, "`model` must be a model number"),
        ("\"latest\"", "7", 404, "Model not found"),
        ("\"model\"", "\"number\"", 400, "`model` is missing"),
    ] {
        let error = app.post("/api/v1/predict", BODY.replace(from, to)).await.refused(status);
        assert!(error.contains(named), "{to}: {error}");
    }
}
