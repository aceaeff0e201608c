//! `GET /api/v1/status`, and what is unknown under `/api`.

use tillstream::progress::Part;
use tillstream_shared::{
    Entity,
    api::{Stage, Status},
};

use crate::support::{TestApp, raw};

#[tokio::test]
async fn the_counts_are_those_of_the_process() {
    let app = TestApp::with([raw(Entity::Country, 1, &[[1.0, 1.0]])]);
    app.progress.lines_sent.add(41);
    app.progress.lines_sent.add(1);
    app.progress.input_lines.set(541_909);
    app.progress.stage(Part::Consumer, Stage::Running);
    app.progress.notice("batch 3 has too few points");
    let status: Status = app.get("/api/v1/status").await.good().json();
    assert_eq!(status.version, env!("CARGO_PKG_VERSION"));
    assert_eq!((status.lines_sent, status.input_lines, status.lag), (42, Some(541_909), None));
    assert_eq!((status.producer, status.consumer), (Stage::Absent, Stage::Running));
    assert_eq!(status.models, 1);
    assert_eq!(status.notices, ["batch 3 has too few points"]);
}

#[tokio::test]
async fn nothing_else_is_under_api() {
    for path in ["/api", "/api/", "/api/v1", "/api/v1/nothing", "/api/v1/status/", "/api/x.html"] {
        let message = TestApp::empty().get(path).await.error(404);
        assert_eq!(message, "there is nothing at this path", "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let app = TestApp::empty();
    for path in ["/api/v1/status", "/api/v1/nothing", "/", "/nothing.js"] {
        let answer = app.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
}
