//! `GET /api/v1/champions` and `POST /api/v1/champions/{entity}`
#![allow(clippy::unwrap_used, missing_docs)]

mod http_support;

use http_support::{TestApp, profile_model, raw_model};
use serde_json::{Value, json};
use tillstream_shared::{Entity, ModelNumber, api::Event};

fn app() -> TestApp {
    let app = TestApp::empty();
    for number in 1..=3 {
        let number = ModelNumber::Number(number);
        app.state.registry.insert(raw_model(Entity::Customer, number, 1));
    }
    app.state.registry.insert(profile_model(Entity::Country, 2));
    app
}

/// The model that answers under the alias, by the route of predictions.
async fn answering(app: &TestApp) -> Value {
    let body = json!({
        "entity": "customer", "id": "17850", "quantity": 1, "unit_price": 1, "model": "champion"
    });
    app.post("/api/v1/predict", body.to_string()).await.json()["model"].clone()
}

#[tokio::test]
async fn a_person_promotes_rolls_back_and_releases() {
    let app = app();
    let mut events = app.state.progress.listen();
    let change = |body: Value| app.post("/api/v1/champions/customer", body.to_string());
    let first = change(json!({"promote": 1})).await.json();
    assert_eq!((&first["model"], &first["held"]), (&json!(1), &json!(true)));
    assert_eq!(first["decisions"][0]["judgement"], Value::Null, "a person gives no reason");
    let heard = events.recv().await.unwrap();
    assert!(matches!(heard, Event::ChampionChanged { model: 1, .. }), "{heard:?}");
    change(json!({"promote": 3})).await.good();
    assert_eq!(answering(&app).await, 3);
    assert_eq!(change(json!("roll_back")).await.json()["model"], 1);
    assert_eq!(answering(&app).await, 1);
    assert_eq!(change(json!("release")).await.json()["held"], false);
    let listed = app.get("/api/v1/champions").await.json();
    let customer = listed["champions"].as_array().unwrap().iter();
    let customer: Vec<_> =
        customer.filter(|c| c["entity"] == "customer" && c["kind"] == "line").collect();
    assert_eq!(customer.len(), 1);
    assert_eq!(customer[0]["model"], 1);
}

#[tokio::test]
async fn kinds_have_champions_of_their_own() {
    let app = app();
    let path = "/api/v1/champions/country?kind=profile";
    let champion = app.post(path, json!({"promote": 2}).to_string()).await.json();
    assert_eq!((&champion["kind"], &champion["model"]), (&json!("profile"), &json!(2)));
    let model = app.get("/api/v1/models/country/champion?kind=profile").await.json();
    assert_eq!(model["number"], 2);
    app.get("/api/v1/models/country/champion").await.refused(404);
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let app = app();
    let post = |path: &'static str, body: &'static str| app.post(path, body);
    let customer = "/api/v1/champions/customer";
    assert_eq!(post(customer, r#"{"promote": 9}"#).await.refused(404), "Model not found");
    let error = post(customer, r#""roll_back""#).await.refused(409);
    assert!(error.contains("earlier"), "{error}");
    for body in ["", "{}", r#"{"promote": "x"}"#, r#"{"promote": -1}"#, r#""demote""#, "7"] {
        post(customer, body).await.refused(400);
    }
    post("/api/v1/champions/supplier", r#""release""#).await.refused(404);
    let error = post("/api/v1/champions/customer?kind=row", r#""release""#).await.refused(400);
    assert!(error.contains("`kind`") && error.contains("line or profile"), "{error}");
    app.get("/api/v1/champions/customer").await.refused(405);
}
