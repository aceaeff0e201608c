//! `/healthz`, `/readyz`, `GET /api/v1/status`, `GET /api/v1/events`
#![allow(clippy::unwrap_used, missing_docs)]

mod http_support;

use axum::{body::Body, http::Request};
use http_support::TestApp;
use serde_json::{Value, json};
use tillstream_shared::{
    Entity, ModelKind, ModelNumber,
    api::{Event, Status},
};
use tokio_stream::StreamExt;
use tower::ServiceExt;

#[tokio::test]
async fn it_is_ready_when_every_entity_has_a_model() {
    let app = TestApp::empty();
    assert_eq!(app.get("/healthz").await.json(), json!({"status": "ok"}));
    let answer = app.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains(r#""missing":["customer","product","country"]"#));
    assert_eq!(TestApp::new().get("/readyz").await.json(), json!({"status": "ready"}));
}

#[tokio::test]
async fn the_counts_are_those_of_the_process() {
    let app = TestApp::new();
    app.state.progress.lines_sent.set(7);
    app.state.progress.notice("a notice");
    let json = app.get("/api/v1/status").await.good();
    let status: Status = serde_json::from_str(&json).unwrap();
    assert_eq!(status, app.state.progress.status());
    assert_eq!((status.lines_sent, status.lag, status.notices.len()), (7, None, 1));
}

#[tokio::test]
async fn events_are_streamed_until_the_service_stops() {
    let app = TestApp::new();
    let request = Request::get("/api/v1/events").body(Body::empty()).unwrap();
    let response = app.router().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    let mut next = async || {
        let message = body.next().await?.unwrap();
        let text = String::from_utf8(message.to_vec()).unwrap();
        let (name, data) = text.trim_end().split_once('\n').unwrap();
        let json: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(json["event"], name.strip_prefix("event: ").unwrap());
        Some(json)
    };
    let first = next().await.unwrap();
    assert_eq!((&first["event"], &first["lines_sent"]), (&json!("status"), &json!(0)));

    let (entity, number) = (Entity::Product, ModelNumber::All);
    app.state.progress.send(Event::ModelTrained { kind: ModelKind::Line, entity, number });
    let trained = next().await.unwrap();
    let expected = json!({
        "event": "model_trained", "kind": "line", "entity": "product", "number": "all"
    });
    assert_eq!(trained, expected);
    app.state.progress.lines_sent.add(5);
    assert_eq!(next().await.unwrap()["lines_sent"], 5, "a change of the counts is sent");
    app.state.shutdown.request();
    assert_eq!(next().await, None);
}
