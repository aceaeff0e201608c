//! The page's files, on every path that is not the API's.

use std::fs;

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use tempfile::TempDir;

use crate::support::TestApp;

const HASHED: &str = "tillstream-page-1f0b6c2f9f1f3c7d";

/// What trunk writes.
fn built() -> (TempDir, TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let index = format!(
        "<!doctype html><html><head>\n<script type=\"module\">\nimport init from '/{HASHED}.js';\n\
         </script>\n<link rel=\"modulepreload\" href=\"/{HASHED}.js\"></head><body></body></html>"
    );
    fs::write(folder.path().join("index.html"), index).unwrap();
    fs::write(folder.path().join(format!("{HASHED}.js")), "export default 1;".repeat(99)).unwrap();
    fs::write(folder.path().join(format!("{HASHED}_bg.wasm")), b"\0asm").unwrap();
    fs::write(folder.path().join("favicon.svg"), "<svg/>").unwrap();
    let app = TestApp::with_page(folder.path());
    (folder, app)
}

#[tokio::test]
async fn every_address_of_the_page_is_answered_with_its_index() {
    let (_folder, app) = built();
    for path in ["/", "/index.html", "/clusters", "/clusters/customer/all?x=1.5", "/predict"] {
        let answer = app.get(path).await.good();
        assert!(answer.text().contains("modulepreload"), "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-cache");
    }
    assert!(app.method(Method::HEAD, "/clusters").await.good().body.is_empty());
}

#[tokio::test]
async fn only_the_page_s_own_scripts_may_run() {
    let (_folder, app) = built();
    let answer = app.get("/").await.good();
    let policy = answer.header("content-security-policy");
    let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0;
    assert!(answer.text().contains(&format!("<script nonce=\"{nonce}\" type=\"module\">")));
    assert!(policy.contains("'wasm-unsafe-eval'") && policy.contains("frame-ancestors 'none'"));
    let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
    assert!(!scripts.contains("unsafe-inline") && !scripts.contains("'unsafe-eval'"));
    let again = app.get("/").await.good();
    assert_ne!(again.header("content-security-policy"), policy);
}

#[tokio::test]
async fn a_file_with_a_hash_in_its_name_is_kept_for_ever() {
    let (_folder, app) = built();
    for (path, kind, cache) in [
        (format!("/{HASHED}.js"), "text/javascript", "public, max-age=31536000, immutable"),
        (format!("/{HASHED}_bg.wasm"), "application/wasm", "public, max-age=31536000, immutable"),
        ("/favicon.svg".to_owned(), "image/svg+xml", "no-cache"),
    ] {
        let answer = app.get(&path).await.good();
        assert_eq!(answer.header("content-type"), kind);
        assert_eq!(answer.header("cache-control"), cache);
    }
}

#[tokio::test]
async fn files_are_compressed_for_whoever_asks() {
    let (_folder, app) = built();
    let request = Request::get(format!("/{HASHED}.js")).header(header::ACCEPT_ENCODING, "gzip");
    let answer = app.send(request.body(Body::empty()).unwrap()).await.good();
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(answer.header("vary"), "accept-encoding");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_found() {
    let (folder, app) = built();
    let outside = folder.path().parent().unwrap().join("outside.txt");
    for path in ["/nothing.js", "/../Cargo.toml", "/%2e%2e/outside.txt", "/..%2foutside.txt"] {
        let _ = app.get(path).await.error(404);
    }
    assert!(!outside.exists());
}

#[tokio::test]
async fn without_a_page_it_is_said_how_to_build_one() {
    let empty = tempfile::tempdir().unwrap();
    for app in [TestApp::empty(), TestApp::with_page(empty.path())] {
        let answer = app.get("/clusters").await.good();
        assert!(answer.text().contains("trunk build"));
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        let _ = app.get("/nothing.js").await.error(404);
    }
}
