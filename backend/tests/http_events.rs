//! Listeners of `GET /api/v1/events` that are slow, or still there when the service stops.
#![allow(clippy::unwrap_used, missing_docs)]

mod http_support;

use std::time::Duration;

use axum::{body::Body, http::Request};
use http_support::TestApp;
use tillstream::http::serve;
use tillstream_shared::api::Event;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_stream::StreamExt;
use tower::ServiceExt;

/// How long anything may take before it counts as not happening.
const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_listener_that_fell_behind_gets_fresh_counts() {
    let app = TestApp::new();
    let request = Request::get("/api/v1/events").body(Body::empty()).unwrap();
    let mut body = app.router().oneshot(request).await.unwrap().into_body().into_data_stream();
    let first = body.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"event: status"));

    // More than can wait: some are missed. The counts stay as they are.
    let sent = 5000;
    for number in 1..=sent {
        app.state.progress.send(Event::BatchStored { number, rows: 1 });
    }
    let mut received = 0;
    let fresh = async {
        while let Some(message) = body.next().await {
            if message.unwrap().starts_with(b"event: status") {
                return;
            }
            received += 1;
        }
        panic!("the stream ended");
    };
    timeout(DEADLINE, fresh).await.unwrap();
    assert!(received < sent, "{received} of {sent} came through: nothing was missed");
}

#[tokio::test]
async fn an_open_stream_of_events_does_not_hold_up_the_stop() {
    let app = TestApp::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = tokio::spawn(serve(listener, app.state.clone()));
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut seen = String::new();
    while !seen.contains("event: status") {
        let mut chunk = [0; 4096];
        let n = timeout(DEADLINE, socket.read(&mut chunk)).await.unwrap().unwrap();
        assert!(n > 0, "closed after: {seen}");
        seen.push_str(&String::from_utf8_lossy(&chunk[..n]));
    }

    app.state.shutdown.request();
    timeout(DEADLINE, service).await.unwrap().unwrap().unwrap();
    let mut rest = Vec::new();
    timeout(DEADLINE, socket.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "the stream was cut off, not ended");
}
