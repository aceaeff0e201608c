//! `GET /api/v1/models` and `/api/v1/models/{entity}/{number}`.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use tillstream::registry::{Contents, Unusable};
use tillstream_shared::{Entity, Model, ModelNumber, api::ModelList};

use crate::support::{TestApp, all, log, raw};

const NEAR_AND_FAR: [[f64; 2]; 2] = [[1.0, 1.0], [10.0, 5.0]];

#[tokio::test]
async fn models_are_listed_by_entity_and_number_with_all_last() {
    let app = TestApp::with([
        all(raw(Entity::Customer, 10, &NEAR_AND_FAR)),
        raw(Entity::Country, 2, &NEAR_AND_FAR),
        raw(Entity::Customer, 10, &NEAR_AND_FAR),
        log(Entity::Customer, 2, &NEAR_AND_FAR),
    ]);
    let answer = app.get("/api/v1/models").await.good();
    let list: ModelList = answer.json();
    let names: Vec<_> = list.models.iter().map(|m| (m.entity, m.number.to_string())).collect();
    let expected = [
        (Entity::Customer, "2"),
        (Entity::Customer, "10"),
        (Entity::Customer, "all"),
        (Entity::Country, "2"),
    ];
    assert_eq!(names, expected.map(|(entity, number)| (entity, number.to_owned())));
    assert!(answer.text().starts_with(
        r#"{"models":[{"entity":"customer","number":2,"batch":2,"preprocessing":"log","k":2,"sizes":[7,7],"sse":0.30000000000000004,"trained_at":"2026-11-23T17:35:09Z"}"#
    ));
}

#[tokio::test]
async fn files_that_were_left_out_are_listed() {
    let app = TestApp::empty();
    assert_eq!(app.get("/api/v1/models").await.good().json::<ModelList>(), ModelList::default());
    let unusable = Unusable { file: "x_model_1.json".into(), reason: "is odd".into() };
    app.registry.replace_all(Contents { models: Vec::new(), unusable: vec![unusable] });
    let list: ModelList = app.get("/api/v1/models").await.good().json();
    assert_eq!(list.unusable, ["x_model_1.json: is odd"]);
}

#[tokio::test]
async fn one_model_is_answered_whole() {
    let model = raw(Entity::Product, 3, &NEAR_AND_FAR);
    let whole = all(log(Entity::Product, 3, &NEAR_AND_FAR));
    let app = TestApp::with([model.clone(), whole.clone()]);
    for (name, expected) in [("3", &model), ("latest", &model), ("all", &whole)] {
        let answer = app.get(&format!("/api/v1/models/product/{name}")).await.good();
        assert_eq!(answer.json::<Model>(), *expected);
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn a_new_model_answers_at_once() {
    let app = TestApp::with([raw(Entity::Product, 3, &NEAR_AND_FAR)]);
    app.registry.insert(raw(Entity::Product, 4, &NEAR_AND_FAR));
    let model: Model = app.get("/api/v1/models/product/latest").await.good().json();
    assert_eq!(model.number, ModelNumber::Number(4));
}

#[tokio::test]
async fn what_names_no_model_is_an_error() {
    let app = TestApp::with([raw(Entity::Product, 3, &NEAR_AND_FAR)]);
    for (path, status, message) in [
        ("product/2", 404, "Model not found"),
        ("product/all", 404, "Model not found"),
        ("customer/latest", 404, "Model not found"),
        ("shop/1", 404, "unknown entity `shop`: use customer, product or country"),
        ("product/x", 400, "`x` is no model number: use a number from 1, `latest` or `all`"),
        ("product/%ff", 404, "there is nothing at this path"),
        ("product", 404, "there is nothing at this path"),
    ] {
        assert_eq!(app.get(&format!("/api/v1/models/{path}")).await.error(status), message);
    }
}

#[tokio::test]
async fn a_long_list_is_compressed_for_whoever_asks() {
    let app = TestApp::with((1..100).map(|n| raw(Entity::Product, n, &NEAR_AND_FAR)));
    let request = Request::get("/api/v1/models").header(header::ACCEPT_ENCODING, "gzip");
    let answer = app.send(request.body(Body::empty()).unwrap()).await.good();
    assert_eq!(answer.header("content-encoding"), "gzip");
    let plain = app.get("/api/v1/models").await.good();
    assert!(answer.body.len() * 5 < plain.body.len());
    assert_eq!(plain.header("cache-control"), "no-store");
}

#[tokio::test]
async fn only_get_and_head_are_answered() {
    let app = TestApp::with([raw(Entity::Product, 3, &NEAR_AND_FAR)]);
    for path in ["/api/v1/models", "/api/v1/models/product/3"] {
        let answer = app.method(Method::DELETE, path).await;
        assert_eq!(answer.header("allow"), "GET,HEAD");
        let _ = answer.error(405);
        assert!(app.method(Method::HEAD, path).await.good().body.is_empty());
    }
}
