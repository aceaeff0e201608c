//! `GET /api/v1/events`.

use std::time::{Duration, Instant};

use axum::{
    body::{Body, BodyDataStream},
    http::Request,
};
use tillstream_shared::{
    Entity, ModelNumber,
    api::{Event, Status},
};
use tokio::time::timeout;
use tokio_stream::StreamExt;

use crate::support::{TestApp, raw};

const DEADLINE: Duration = Duration::from_secs(30);

/// Reads server-sent events.
struct Listener {
    body: BodyDataStream,
    text: String,
}

impl Listener {
    async fn new(app: &TestApp) -> Self {
        let request = Request::get("/api/v1/events").body(Body::empty()).unwrap();
        let response = app.open(request).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(!response.headers().contains_key("content-encoding"));
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event, its name checked against its data; comments left out.
    async fn next(&mut self) -> Event {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field =
                    |name| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                if let (Some(name), Some(data)) = (field("event:"), field("data:")) {
                    let event: Event = serde_json::from_str(data).unwrap();
                    assert_eq!(event.name(), name);
                    return event;
                }
                continue;
            }
            let bytes = timeout(DEADLINE, self.body.next()).await.unwrap().unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    async fn status(&mut self) -> Status {
        loop {
            if let Event::Status(status) = self.next().await {
                return *status;
            }
        }
    }
}

#[tokio::test]
async fn the_counts_come_at_once_and_when_they_change() {
    let app = TestApp::empty();
    app.progress.lines_stored.set(7);
    let mut listener = Listener::new(&app).await;
    assert_eq!(listener.status().await.lines_stored, 7);
    app.progress.lines_stored.set(8);
    app.registry.insert(raw(Entity::Country, 1, &[[1.0, 1.0]]));
    let mut status = listener.status().await;
    while (status.lines_stored, status.models) != (8, 1) {
        status = listener.status().await;
    }
}

#[tokio::test]
async fn what_happens_is_told_in_order() {
    let app = TestApp::empty();
    let mut listener = Listener::new(&app).await;
    let _ = listener.status().await;
    let events = [
        Event::BatchStored { number: 1, rows: 10_000 },
        Event::ModelTrained { entity: Entity::Customer, number: ModelNumber::Number(1) },
        Event::ModelTrained { entity: Entity::Customer, number: ModelNumber::All },
    ];
    events.iter().for_each(|event| app.progress.send(event.clone()));
    app.progress.notice("one\nsentence");
    let mut seen = Vec::new();
    while seen.len() < 4 {
        match listener.next().await {
            Event::Status(_) => {}
            event => seen.push(event),
        }
    }
    assert_eq!(seen[..3], events);
    assert_eq!(seen[3], Event::Notice { message: "one\nsentence".to_owned() });
}

/// The bound holds on a machine of any speed: the slower, the longer it takes.
#[tokio::test]
async fn the_counts_come_at_most_five_times_a_second() {
    let app = TestApp::empty();
    let start = Instant::now();
    let mut listener = Listener::new(&app).await;
    let progress = app.progress.clone();
    let busy = tokio::spawn(async move {
        loop {
            progress.lines_read.add(1);
            tokio::task::yield_now().await;
        }
    });
    for _ in 0..6 {
        let _ = listener.status().await;
    }
    busy.abort();
    assert!(start.elapsed() >= Duration::from_millis(5 * 200), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_listener_that_falls_behind_gets_fresh_counts() {
    let app = TestApp::empty();
    let mut listener = Listener::new(&app).await;
    let _ = listener.status().await;
    // In one go, so that the sender of events cannot keep up: more than the channel holds.
    for number in 0..5_000 {
        app.progress.send(Event::BatchStored { number, rows: 1 });
    }
    let mut stored = Vec::new();
    loop {
        match listener.next().await {
            Event::BatchStored { number, .. } => stored.push(number),
            Event::Status(_) => break,
            event => panic!("{event:?}"),
        }
    }
    assert!(stored.len() < 5_000, "nothing was missed");
    // And it hears what happens next.
    app.progress.send(Event::BatchStored { number: 9_999, rows: 1 });
    while listener.next().await != (Event::BatchStored { number: 9_999, rows: 1 }) {}
}
