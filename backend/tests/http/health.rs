//! `GET /healthz` and `/readyz`.

use tillstream_shared::Entity;

use crate::support::{TestApp, all, raw};

#[tokio::test]
async fn the_process_is_alive_before_it_is_ready() {
    let app = TestApp::empty();
    assert_eq!(app.get("/healthz").await.good().text(), r#"{"status":"ok"}"#);
    let answer = app.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.text(),
        r#"{"status":"starting","missing":["customer","product","country"]}"#
    );

    app.registry.insert(raw(Entity::Customer, 1, &[[1.0, 1.0]]));
    app.registry.insert(all(raw(Entity::Country, 1, &[[1.0, 1.0]])));
    let answer = app.get("/readyz").await;
    assert_eq!(answer.text(), r#"{"status":"starting","missing":["product"]}"#);

    app.registry.insert(raw(Entity::Product, 1, &[[1.0, 1.0]]));
    assert_eq!(app.get("/readyz").await.good().text(), r#"{"status":"ok"}"#);
}
