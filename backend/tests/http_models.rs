//! `GET /api/v1/models`, `/models/{entity}/{number}`, its `/points`, and `/batches`
#![allow(clippy::unwrap_used, missing_docs)]

mod http_support;

use http_support::{TestApp, raw_model};
use serde_json::json;
use tillstream::batch::{Catalogue, OpenBatch, Provenance};
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
    let mut batch = OpenBatch::create(&folder).unwrap();
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
    let (mut catalogue, _lock) = Catalogue::open(&folder).unwrap();
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
}
