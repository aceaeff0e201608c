//! `GET /api/v1/events`: server-sent events of what happens.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse,
        sse::{Event as Message, KeepAlive, Sse},
    },
};
use tillstream_shared::api::{Event, Status};
use tokio::sync::{broadcast::error::RecvError, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::AppState;

/// How often the counts are sent when they change.
const STATUS_EVERY: Duration = Duration::from_millis(250);
/// Events that wait for a slow client before it falls behind.
const WAITING: usize = 64;

pub(super) async fn stream(State(state): State<Arc<AppState>>) -> impl IntoResponse {
    let (send, receive) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        // Ends when the client is gone, or with the service.
        tokio::select! {
            () = follow(&state, &send) => {}
            () = state.shutdown.cancelled() => {}
        }
    });
    Sse::new(ReceiverStream::new(receive)).keep_alive(KeepAlive::default())
}

type Sender = mpsc::Sender<Result<Message, Infallible>>;

async fn follow(state: &AppState, send: &Sender) {
    let mut events = state.progress.listen();
    let mut shown = None::<Status>;
    let mut ticks = tokio::time::interval(STATUS_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let event = tokio::select! {
            event = events.recv() => match event {
                Ok(event) => event,
                // What was missed shows in the counts, which are sent anew at the next tick.
                Err(RecvError::Lagged(_)) => {
                    shown = None;
                    continue;
                }
                Err(RecvError::Closed) => return,
            },
            _ = ticks.tick() => {
                let status = state.progress.status();
                if shown.as_ref() == Some(&status) {
                    if send.is_closed() {
                        return;
                    }
                    continue;
                }
                shown = Some(status.clone());
                Event::Status(Box::new(status))
            }
        };
        let Ok(message) = Message::default().event(event.name()).json_data(&event) else { return };
        if send.send(Ok(message)).await.is_err() {
            return;
        }
    }
}
