//! Serving on a socket, and stopping.

use std::{io, net::SocketAddr, time::Duration};

use tillstream::http::serve;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::support::TestApp;

const DEADLINE: Duration = Duration::from_secs(30);

/// The service on a port of its own.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl Running {
    pub(crate) async fn start(app: &TestApp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { stopped.await.unwrap_or_default() };
        let server = tokio::spawn(serve(listener, app.state.clone(), shutdown));
        Self { address, stop, server }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(DEADLINE, self.server).await.expect("the server hangs").unwrap().unwrap();
    }

    async fn request(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

/// Reads until `end` has come.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&text).contains(end) {
        let read = timeout(DEADLINE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn an_event_stream_does_not_keep_the_server_from_stopping() {
    let server = Running::start(&TestApp::empty()).await;
    let mut events = server.request("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let _ = read_until(&mut events, "event: status").await;
    server.stop().await;
    // The stream ends as a stream does, not torn off: with the last, empty chunk.
    let rest = read_until(&mut events, "0\r\n\r\n").await;
    assert!(rest.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn nor_does_an_idle_connection_or_one_that_never_ends_its_request() {
    let server = Running::start(&TestApp::empty()).await;
    let mut idle = server.request("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let _ = read_until(&mut idle, r#"{"status":"ok"}"#).await;
    let head = "POST /cluster-customer HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n";
    let mut slow = server.request(head).await;
    // The server says so once it waits for the body.
    let _ = read_until(&mut slow, "100 Continue").await;
    server.stop().await;
}

#[tokio::test]
async fn a_request_under_way_is_finished() {
    let server = Running::start(&TestApp::of_the_manual()).await;
    let body = r#"{"model_number":1,"CustomerID":1,"Quantity":10,"UnitPrice":5.0}"#;
    let head = format!(
        "POST /cluster-customer HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut slow = server.request(&head).await;
    let _ = read_until(&mut slow, "100 Continue").await;
    let stopping = tokio::spawn(server.stop());
    slow.write_all(body.as_bytes()).await.unwrap();
    assert!(read_until(&mut slow, "cluster\":").await.contains("200 OK"));
    stopping.await.unwrap();
}
