//! `GET /api/v1/models`, `/models/{entity}/{number}`, its `/points`, and `/batches`
#![allow(clippy::unwrap_used, missing_docs)]

mod http_support;

use http_support::{TestApp, raw_model};
use serde_json::json;
use tillstream::{
    batch::{Catalogue, OpenBatch, Provenance},
    registry::ModelStore,
};
use tillstream_shared::{ClosedBy, Entity, Line, Model, ModelNumber};

#[tokio::test]
async fn models_are_listed_and_shown() {
    let app = TestApp::new();
    app.state.registry.insert(raw_model(Entity::Customer, ModelNumber::All, 1));
    let list = app.get("/api/v1/models").await.json();
    let row = |entity, number| {
        json!({
            "kind": "line", "entity": entity, "number": number, "batch": 1,
            "preprocessing": "raw", "k": 3, "sizes": [5, 6, 7], "sse": 12.5, "silhouette": null,
            "trained_at": "2026-11-24T00:00:00Z"
        })
    };
    assert_eq!(
        list["models"],
        json!([
            row("customer", json!(1)),
            row("customer", json!("all")),
            row("product", json!(1)),
            row("country", json!(1))
        ])
    );
    for number in ["1", "latest"] {
        let json = app.get(&format!("/api/v1/models/product/{number}")).await.good();
        let model: Model = serde_json::from_str(&json).unwrap();
        assert_eq!(model, raw_model(Entity::Product, ModelNumber::Number(1), 1));
    }
    for path in ["product/2", "product/all", "product/first"] {
        let error = app.get(&format!("/api/v1/models/{path}")).await.refused(404);
        assert_eq!(error, "Model not found");
    }
    app.get("/api/v1/models/supplier/1").await.refused(404);
    app.get("/api/v1/models/product/%ff").await.refused(404);
}

#[tokio::test]
async fn points_are_those_of_the_batch() {
    let app = TestApp::new();
    let error = app.get("/api/v1/models/product/1/points").await.refused(404);
    assert!(error.contains("batch"), "{error}");
    assert_eq!(app.get("/api/v1/batches").await.json(), json!({"batches": [], "total": 0}));

    let folder = app.data.path().join("batch");
    std::fs::create_dir_all(&folder).unwrap();
    let (mut catalogue, lock) = Catalogue::open(&folder).unwrap();
    let mut batch = OpenBatch::create(&lock).unwrap();
    for (offset, quantity) in [(0, 10), (1, 300), (2, 10)] {
        let line = Line {
            invoice_no: "1".into(),
            stock_code: "A".into(),
            description: "".into(),
            quantity,
            invoice_date: "2010-12-01 08:26:00".into(),
            unit_price: 5.0,
            customer_id: None,
            country: "France".into(),
        };
        batch.add(&line, 0, offset).unwrap();
    }
    let provenance = Provenance { topic: "retail_stream".into(), ..Provenance::default() };
    let manifest = catalogue.close(batch, &provenance, ClosedBy::Time).unwrap();
    assert_eq!(
        app.get("/api/v1/models/product/1/points").await.json(),
        json!({
            "quantity": [10.0, 300.0], "unit_price": [5.0, 5.0], "weight": [2, 1], "cluster": [1, 3]
        })
    );
    let none = app.get("/api/v1/models/customer/1/points").await.json();
    assert_eq!(none["quantity"], json!([]), "no line has a customer");
    assert_eq!(app.get("/api/v1/batches").await.json(), json!({"batches": [manifest], "total": 1}));

    let other = Model {
        manifest: Some("another".to_owned()),
        ..raw_model(Entity::Country, ModelNumber::Number(1), 1)
    };
    app.state.registry.insert(Model { batch: Some(1), ..other });
    app.get("/api/v1/models/country/1/points").await.refused(404);
    catalogue.remove_through(1).unwrap();
    assert_eq!(app.get("/api/v1/batches").await.json(), json!({"batches": [], "total": 0}));
    app.get("/api/v1/models/product/1/points").await.refused(404);
}

#[tokio::test]
async fn the_list_is_asked_for_page_by_page() {
    let app = TestApp::new();
    for number in 2..=4 {
        let number = ModelNumber::Number(number);
        app.state.registry.insert(raw_model(Entity::Customer, number, 1));
    }
    let numbers = async |query: &str| {
        let list = app.get(&format!("/api/v1/models?{query}")).await.json();
        let models = list["models"].as_array().unwrap().iter();
        let models = models.map(|model| model["number"].as_u64().unwrap()).collect::<Vec<_>>();
        (models, list["total"].as_u64().unwrap())
    };
    assert_eq!(numbers("entity=customer&limit=2").await, (vec![3, 4], 4));
    assert_eq!(numbers("entity=customer&limit=2&before=3").await, (vec![1, 2], 4));
    assert_eq!(numbers("kind=profile").await, (vec![], 0));
    assert_eq!(numbers("limit=0&kind=line").await, (vec![4, 1, 1], 6), "one at least");
    for wrong in ["limit=x", "before=-1", "kind=row", "entity=supplier"] {
        let error = app.get(&format!("/api/v1/models?{wrong}")).await.refused(400);
        let field = wrong.split('=').next().unwrap();
        assert!(error.contains(&format!("`{field}`")), "{error}");
    }
    app.get("/api/v1/batches?limit=x").await.refused(400);
}

#[tokio::test]
async fn an_older_model_is_read_from_its_file() {
    let app = TestApp::new();
    let store = ModelStore::open(&app.models()).unwrap();
    for number in 1..=2 {
        store.save(&raw_model(Entity::Customer, ModelNumber::Number(number), 1)).unwrap();
    }
    app.state.registry.refresh().unwrap();
    assert_eq!(app.get("/api/v1/models/customer/1").await.json()["number"], 1);
    let body = json!({
        "entity": "customer", "id": "1", "quantity": 10, "unit_price": 5, "model": 1
    });
    let answer = app.post("/api/v1/predict", body.to_string()).await.json();
    assert_eq!((&answer["model"], &answer["cluster"]), (&json!(1), &json!(1)));
}
