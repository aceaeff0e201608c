//! `GET /api/v1/batches`.

use tillstream_shared::{BatchFunnel, ClosedBy, Manifest, OffsetRange, api::BatchList};

use crate::support::TestApp;

#[tokio::test]
async fn manifests_are_answered_as_they_are_stored() {
    let app = TestApp::empty();
    assert_eq!(app.get("/api/v1/batches").await.good().text(), r#"{"batches":[]}"#);
    let manifest = Manifest {
        format_version: Manifest::FORMAT_VERSION,
        number: 1,
        file: "batch_000001_20261123T173509Z.csv".to_owned(),
        topic: "retail_stream".to_owned(),
        partitions: vec![OffsetRange { partition: 0, first: 0, last: 9_999 }],
        rows: 10_000,
        dead_letters: 0,
        funnel: BatchFunnel { lines: 10_000, sales: 9_700, ..BatchFunnel::default() },
        closed_by: ClosedBy::Size,
        bytes: 1_000_000,
        blake3: "00".repeat(32),
        created_at: "2026-11-23T17:35:09Z".to_owned(),
    };
    app.sources.manifests.lock().unwrap().push(manifest.clone());
    let list: BatchList = app.get("/api/v1/batches").await.good().json();
    assert_eq!(list.batches, [manifest]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_is_a_bare_internal_error() {
    let app = TestApp::empty();
    *app.sources.broken.lock().unwrap() = Some("/secret/path: I/O error");
    assert_eq!(app.get("/api/v1/batches").await.error(500), "internal error");
}
