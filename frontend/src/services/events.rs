//! `/api/v1/events`: server-sent events.

use gloo::events::EventListener;
use tillstream_shared::api::Event;
use wasm_bindgen::JsCast;
use web_sys::{EventSource, MessageEvent};
use yew::Callback;

/// The names of the events that the page listens to.
const EVENT_NAMES: [&str; 5] =
    ["status", "batch_stored", "model_trained", "champion_changed", "notice"];

/// What comes from the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The connection is open.
    Connected,
    /// The connection broke, or could not be made. Nothing more comes from this stream.
    Disconnected,
    /// An event.
    Event(Event),
}

/// An open stream of events; closed when dropped.
pub struct EventStream {
    source: EventSource,
    _listeners: Vec<EventListener>,
}

impl EventStream {
    /// Connects. The browser's own reconnecting is not used, because it gives up on some answers
    /// without saying so: after [`Message::Disconnected`] open another stream.
    ///
    /// Returns `None` when the browser refuses to make a stream at all.
    #[must_use]
    pub fn open(on_message: &Callback<Message>) -> Option<Self> {
        let source = EventSource::new("/api/v1/events").ok()?;
        let mut listeners: Vec<_> = EVENT_NAMES
            .into_iter()
            .map(|name| {
                let on_message = on_message.clone();
                EventListener::new(&source, name, move |event| {
                    let data = event.dyn_ref::<MessageEvent>().and_then(|m| m.data().as_string());
                    match data.as_deref().map(serde_json::from_str::<Event>) {
                        Some(Ok(event)) => on_message.emit(Message::Event(event)),
                        // A server of another version: what it says in other events still counts.
                        _ => gloo::console::warn!(format!("invalid event `{name}`")),
                    }
                })
            })
            .collect();
        let opened = on_message.clone();
        listeners
            .push(EventListener::new(&source, "open", move |_| opened.emit(Message::Connected)));
        let (broke, broken) = (on_message.clone(), source.clone());
        listeners.push(EventListener::new(&source, "error", move |_| {
            broken.close();
            broke.emit(Message::Disconnected);
        }));
        Some(Self { source, _listeners: listeners })
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.source.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillstream_shared::{Entity, ModelKind, ModelNumber};

    #[test]
    fn every_event_is_listened_to() {
        let (kind, entity) = (ModelKind::Line, Entity::Customer);
        let events = [
            Event::Status(Box::default()),
            Event::BatchStored { number: 1, rows: 1 },
            Event::ModelTrained { kind, entity, number: ModelNumber::All },
            Event::ChampionChanged { kind, entity, model: 1 },
            Event::Notice { message: String::new() },
        ];
        assert_eq!(events.map(|event| event.name()), EVENT_NAMES);
    }
}
