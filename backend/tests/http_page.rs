//! The page's files.
#![allow(clippy::unwrap_used, missing_docs)]

mod http_support;

use std::fs;

use axum::{body::Body, http::Request};
use http_support::{Answer, TestApp};

/// A page as trunk builds it: the script that starts it is inline.
const INDEX: &str = "<title>built</title><script type=\"module\">start()</script>";

fn built() -> TestApp {
    let app = TestApp::new();
    fs::create_dir_all(app.page()).unwrap();
    fs::write(app.page().join("index.html"), INDEX).unwrap();
    app
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().unwrap()
}

/// The sources that the answer's policy allows for `kind`.
fn sources<'a>(answer: &'a Answer, kind: &str) -> Vec<&'a str> {
    let mut directives = header(answer, "content-security-policy").split(';');
    directives.find_map(|rule| rule.trim().strip_prefix(kind)).unwrap().split_whitespace().collect()
}

#[tokio::test]
async fn the_page_is_served_under_all_its_routes() {
    let app = built();
    for path in
        ["/", "/clusters", "/profiles", "/predict", "/index.html", "/clusters?entity=product"]
    {
        let answer = app.get(path).await;
        assert!(answer.good().starts_with("<title>built</title>"), "{path}");
        assert_eq!(header(&answer, "cache-control"), "no-cache", "{path}");
        assert!(header(&answer, "content-type").starts_with("text/html"), "{path}");
    }
}

#[tokio::test]
async fn a_nonce_of_one_answer_lets_the_pages_own_script_run() {
    let app = built();
    let (first, second) = (app.get("/").await, app.get("/").await);
    assert_ne!(first.text(), second.text(), "every answer has a nonce of its own");
    for answer in [first, second] {
        let text = answer.good();
        let nonce = text.split("<script nonce=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(nonce.len(), 32);
        let allowed = sources(&answer, "script-src");
        assert!(allowed.contains(&format!("'nonce-{nonce}'").as_str()), "{allowed:?}");
        assert!(!allowed.contains(&"'unsafe-inline'"), "{allowed:?}");
    }
    let api = app.get("/api/v1/models").await;
    assert_eq!(sources(&api, "script-src"), ["'self'", "'wasm-unsafe-eval'"]);
}

#[tokio::test]
async fn only_files_with_a_hash_in_their_name_are_kept_for_ever() {
    let app = built();
    fs::write(app.page().join("page-0123456789abcdef_bg.wasm"), "wasm").unwrap();
    fs::write(app.page().join("robots.txt"), "robots").unwrap();
    let asset = app.get("/page-0123456789abcdef_bg.wasm").await;
    assert_eq!(asset.good(), "wasm");
    assert_eq!(header(&asset, "content-type"), "application/wasm");
    assert!(header(&asset, "cache-control").contains("immutable"));
    let plain = app.get("/robots.txt").await;
    assert_eq!((plain.good().as_str(), header(&plain, "cache-control")), ("robots", "no-cache"));
}

#[tokio::test]
async fn what_is_not_there_is_refused_and_not_kept() {
    let app = built();
    fs::write(app.data.path().join("secret"), "secret").unwrap();
    let paths = ["/page-0123456789abcdef.wasm", "/../secret", "/%2e%2e/secret", "/api/v1/nothing"];
    for path in paths {
        let answer = app.get(path).await;
        answer.refused(404);
        assert_eq!(header(&answer, "cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn without_a_page_it_says_how_to_build_one() {
    let answer = TestApp::new().get("/").await;
    assert!(answer.good().contains("trunk build"));
}

#[tokio::test]
async fn a_person_who_is_lost_is_told_by_the_page() {
    let request = Request::get("/nowhere").header("accept", "text/html,*/*").body(Body::empty());
    let answer = built().send(request.unwrap()).await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().starts_with("<title>built</title>"));
    assert!(sources(&answer, "script-src").iter().any(|source| source.starts_with("'nonce-")));
}
