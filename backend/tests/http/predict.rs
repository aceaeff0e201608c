//! `POST /api/v1/predict`.

use axum::http::Method;
use serde_json::{Value, json};
use tillstream_shared::{
    Entity, ModelNumber, ModelRef,
    api::{PredictRequest, PredictResponse},
};

use crate::support::{TestApp, all, log, raw};

const PATH: &str = "/api/v1/predict";

fn app() -> TestApp {
    TestApp::with([
        raw(Entity::Customer, 1, &[[1.0, 1.0], [10.0, 5.0], [13.0, 9.0]]),
        raw(Entity::Customer, 4, &[[10.0, 5.0], [20.0, 5.0]]),
        all(log(Entity::Customer, 4, &[[1.0, 1.0]])),
        log(Entity::Product, 1, &[[1.0, 1.0], [10.0, 5.0], [13.0, 9.0]]),
    ])
}

fn request() -> Value {
    json!({ "entity": "customer", "id": "17850", "quantity": 10, "unit_price": 5, "model": 1 })
}

async fn predict(request: &Value) -> PredictResponse {
    app().post(PATH, request.to_string()).await.good().json()
}

#[tokio::test]
async fn the_answer_names_cluster_meaning_distances_and_model() {
    let answer = app().post(PATH, request().to_string()).await.good();
    assert_eq!(
        answer.text(),
        r#"{"entity":"customer","id":"17850","quantity":10.0,"unit_price":5.0,"model":1,"#
            .to_owned()
            + r#""cluster":2,"description":"Medium-value customer line","#
            + r#""distances":[9.848857801796104,0.0,5.0]}"#
    );
    let expected = PredictResponse {
        entity: Entity::Customer,
        id: "17850".to_owned(),
        quantity: 10.0,
        unit_price: 5.0,
        model: ModelNumber::Number(1),
        cluster: 2,
        description: "Medium-value customer line".to_owned(),
        distances: vec![97.0_f64.sqrt(), 0.0, 5.0],
    };
    assert_eq!(answer.json::<PredictResponse>(), expected);
}

#[tokio::test]
async fn the_page_s_own_request_is_understood() {
    let request = PredictRequest {
        entity: Entity::Product,
        id: "85123A".to_owned(),
        quantity: 13.0,
        unit_price: 9.0,
        model: ModelRef::Latest,
    };
    let answer = predict(&serde_json::to_value(request).unwrap()).await;
    assert_eq!((answer.cluster, answer.distances[2]), (3, 0.0));
}

#[tokio::test]
async fn an_alias_is_answered_with_the_model_s_own_number() {
    for (model, resolved) in [
        (json!("latest"), ModelNumber::Number(4)),
        (json!("all"), ModelNumber::All),
        (json!("1"), ModelNumber::Number(1)),
        (json!(1), ModelNumber::Number(1)),
    ] {
        let mut request = request();
        request["model"] = model;
        assert_eq!(predict(&request).await.model, resolved);
    }
}

#[tokio::test]
async fn a_customer_s_id_may_be_a_number() {
    let mut request = request();
    request["id"] = json!(17850);
    assert_eq!(predict(&request).await.id, "17850");
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    for (field, value, why) in [
        ("entity", json!("shop"), "unknown entity `shop`: use customer, product or country"),
        ("entity", json!(1), "must be customer, product or country, not 1"),
        ("id", json!("A1"), "must be a number or a string of digits"),
        ("quantity", json!("10"), "must be a number"),
        ("quantity", json!(1e300), "is too large for this model"),
        ("unit_price", json!(null), "must be a number"),
        ("unit_price", json!(-1e300), "is too large for this model"),
        ("model", json!("champion!"), "must be a model number, `latest` or `all`"),
    ] {
        let mut request = request();
        request[field] = value;
        let message = app().post(PATH, request.to_string()).await.error(400);
        assert!(message.starts_with(&format!("`{field}` ")), "{message}");
        assert!(message.contains(why), "{message}");
    }
    for field in ["entity", "id", "quantity", "unit_price", "model"] {
        let mut request = request();
        request.as_object_mut().unwrap().remove(field);
        let message = app().post(PATH, request.to_string()).await.error(400);
        assert_eq!(message, format!("`{field}` is missing"));
    }
}

#[tokio::test]
async fn a_return_is_refused_by_a_model_of_sales() {
    let mut request = request();
    request["entity"] = json!("product");
    request["quantity"] = json!(-10);
    assert_eq!(
        app().post(PATH, request.to_string()).await.error(400),
        "`quantity` must be above zero: the model was trained on sales only"
    );
}

#[tokio::test]
async fn an_unknown_model_is_not_found() {
    let mut request = request();
    request["model"] = json!(2);
    assert_eq!(app().post(PATH, request.to_string()).await.error(404), "Model not found");
    request["entity"] = json!("country");
    request["model"] = json!("latest");
    assert_eq!(app().post(PATH, request.to_string()).await.error(404), "Model not found");
}

#[tokio::test]
async fn only_post_is_answered() {
    let answer = app().method(Method::GET, PATH).await;
    assert_eq!(answer.header("allow"), "POST");
    let _ = answer.error(405);
}
