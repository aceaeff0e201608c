//! The page's files.
#![allow(clippy::unwrap_used, missing_docs)]

mod http_support;

use std::fs;

use axum::{body::Body, http::Request};
use http_support::TestApp;

#[tokio::test]
async fn the_page_is_served_under_all_its_routes() {
    let app = TestApp::new();
    fs::create_dir_all(app.page()).unwrap();
    fs::write(app.page().join("index.html"), "<title>built</title>").unwrap();
    fs::write(app.page().join("page-1a2b.wasm"), "wasm").unwrap();
    fs::write(app.data.path().join("secret"), "secret").unwrap();
    for path in ["/", "/clusters", "/predict", "/clusters?entity=product"] {
        let answer = app.get(path).await;
        assert_eq!(answer.good(), "<title>built</title>", "{path}");
        assert_eq!(answer.headers["cache-control"], "no-cache");
        assert!(answer.headers.contains_key("content-security-policy"));
    }
    let asset = app.get("/page-1a2b.wasm").await;
    assert_eq!(asset.good(), "wasm");
    assert_eq!(asset.headers["content-type"], "application/wasm");
    assert!(asset.headers["cache-control"].to_str().unwrap().contains("immutable"));
    for path in ["/page-old.wasm", "/../secret", "/%2e%2e/secret", "/api/v1/nothing"] {
        let answer = app.get(path).await;
        answer.refused(404);
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn without_a_page_it_says_how_to_build_one() {
    let answer = TestApp::new().get("/").await;
    assert!(answer.good().contains("trunk build"));
}

#[tokio::test]
async fn a_person_who_is_lost_is_told_by_the_page() {
    let app = TestApp::new();
    fs::create_dir_all(app.page()).unwrap();
    fs::write(app.page().join("index.html"), "<title>built</title>").unwrap();
    let request = Request::get("/nowhere").header("accept", "text/html,*/*").body(Body::empty());
    let answer = app.send(request.unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (404, "<title>built</title>"));
}
