//! `GET /api/v1/events`: what happens, as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event as Sent, KeepAlive, Sse},
};
use tillstream_shared::api::{Event, Status};
use tokio::{
    sync::{broadcast::error::RecvError, mpsc},
    time::{MissedTickBehavior, interval},
};
use tokio_stream::wrappers::ReceiverStream;

use super::{App, AppState, status};

/// The counts are compared, and sent when they differ, at most five times a second.
const PERIOD: Duration = Duration::from_millis(200);
/// Events that wait for a slow listener here, before it misses some.
const WAITING: usize = 16;

type Stream = ReceiverStream<Result<Sent, Infallible>>;

/// The counts at once and whenever they changed, and every event as it happens.
pub(super) async fn events(State(state): App) -> Sse<axum::response::sse::KeepAliveStream<Stream>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(feed(state, Listener(sender)));
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default())
}

/// Sends to one listener until it is gone or the server stops.
async fn feed(state: Arc<AppState>, listener: Listener) {
    let shutdown = state.shutdown.clone();
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = listener.0.closed() => {}
        _ = send(&state, &listener) => {}
    }
}

/// The listener is gone.
struct Gone;

async fn send(state: &AppState, listener: &Listener) -> Result<(), Gone> {
    // Before the first status, so that nothing falls between.
    let mut events = state.progress.listen();
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Option<Status> = None;
    let mut behind = false;
    loop {
        tokio::select! {
            // The first tick is at once.
            _ = ticks.tick() => {
                let now = status::current(state);
                if behind || last.as_ref() != Some(&now) {
                    listener.send(&Event::Status(Box::new(now.clone()))).await?;
                    last = Some(now);
                    behind = false;
                }
            }
            event = events.recv() => match event {
                Ok(Event::Status(_)) => {}
                Ok(event) => listener.send(&event).await?,
                // Missed some: the next tick tells how things are now, changed or not.
                Err(RecvError::Lagged(_)) => behind = true,
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
}

struct Listener(mpsc::Sender<Result<Sent, Infallible>>);

impl Listener {
    async fn send(&self, event: &Event) -> Result<(), Gone> {
        let Ok(sent) = Sent::default().event(event.name()).json_data(event) else {
            tracing::error!("the event {} cannot be written as JSON", event.name());
            return Ok(());
        };
        self.0.send(Ok(sent)).await.map_err(|_| Gone)
    }
}
