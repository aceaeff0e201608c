//! The state fed by the server's events: counts, rates, the log, and the connection.

use std::{collections::VecDeque, rc::Rc};

use tillstream_shared::{
    Entity, ModelKind, ModelNumber, ModelRef,
    api::{Event, Status},
};
use yew::Reducible;

use crate::{format::plural, labels};

/// How many log entries are kept.
const MAX_LOG_ENTRIES: usize = 40;

/// How many seconds of rates are kept.
pub const RATE_WINDOW: usize = 60;

/// How the connection to the server is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Connection {
    /// Never yet open.
    #[default]
    Connecting,
    /// Events come in.
    Open,
    /// Lost, or never made; tried so many times since.
    Lost {
        /// From 1.
        attempts: u32,
    },
}

/// An entry of the event log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Milliseconds on the page's clock.
    pub at: f64,
    /// A text for the list of events.
    pub text: String,
    /// A person should see it.
    pub notice: bool,
    /// The models that it tells of. One entry stands for all entities, so that the models of a batch do
    /// not push the batch out of the list.
    trained: Option<Trained>,
}

/// Models of several entities that were trained on the same batches.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trained {
    kind: ModelKind,
    number: ModelNumber,
    entities: Vec<Entity>,
}

/// Lines per second, measured over one tick.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rate {
    /// Acknowledged by the broker.
    pub sent: f64,
    /// Read by the consumer, stored or in the open batch.
    pub received: f64,
}

/// What makes loaded data stale. Compared as a whole, so that pages that show models are not drawn
/// anew for every count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Versions {
    /// Times that a lost connection came back: whatever was loaded may be old.
    pub reconnected: u64,
    /// Batches in the data folder.
    pub batches: u64,
    /// Batches stored since the page was opened.
    pub stored: u64,
    /// Usable models.
    pub models: u64,
    /// Numbered models trained since the page was opened.
    pub numbered: Counts,
    /// Cumulative models trained since the page was opened.
    pub cumulative: Counts,
    /// Times that the streaming models were updated since the page was opened.
    pub live: Counts,
    /// Changes of champions since the page was opened.
    pub champions: Counts,
}

/// Counts by kind and entity, both in their listed order.
pub type Counts = [[u64; 3]; 2];

impl Versions {
    /// A number that grows whenever what `model` of `entity` names may have become another model.
    #[must_use]
    pub fn of_model(&self, kind: ModelKind, entity: Entity, model: ModelRef) -> u64 {
        let count = |counts: &Counts| counts[kind as usize][entity as usize];
        self.reconnected
            + match model {
                ModelRef::Number(_) => 0,
                ModelRef::Latest => count(&self.numbered),
                ModelRef::All => count(&self.cumulative),
                ModelRef::Live => count(&self.live),
                ModelRef::Champion => count(&self.champions),
            }
    }

    /// A number that grows whenever the champions, or what was decided about a model, may have
    /// changed: every numbered model is judged.
    #[must_use]
    pub fn of_champions(&self) -> u64 {
        self.reconnected + sum(&self.numbered) + sum(&self.champions)
    }

    /// Differs whenever the list of models may have changed: also when as many were removed as trained.
    #[must_use]
    pub fn of_models(&self) -> [u64; 3] {
        [self.reconnected, self.models, self.trained()]
    }

    /// Differs whenever the list of batches may have changed: also when as many were removed as stored.
    #[must_use]
    pub fn of_batches(&self) -> [u64; 3] {
        [self.reconnected, self.batches, self.stored]
    }

    /// Models trained since the page was opened.
    #[must_use]
    pub fn trained(&self) -> u64 {
        [self.numbered, self.cumulative, self.live].iter().map(sum).sum()
    }
}

fn sum(counts: &Counts) -> u64 {
    counts.iter().flatten().sum()
}

/// The actions on [`Live`].
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The connection is open.
    Connected,
    /// The connection broke, or could not be made.
    Disconnected,
    /// An event came in.
    Received {
        /// The event.
        event: Event,
        /// Milliseconds on the page's clock.
        at: f64,
    },
    /// A second passed.
    Tick {
        /// Milliseconds on the page's clock.
        at: f64,
    },
}

/// Everything that comes in with the events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Live {
    /// How the connection is.
    pub connection: Connection,
    /// The newest counts.
    pub status: Option<Rc<Status>>,
    /// The last seconds' rates, newest last.
    pub rates: VecDeque<Rate>,
    /// The event log, newest first.
    pub log: VecDeque<LogEntry>,
    /// What makes loaded data stale.
    pub versions: Versions,
    /// The page's clock at the last tick, milliseconds.
    pub now: f64,
    /// Clock, sent and received at the last tick, while the connection is open.
    measured: Option<(f64, u64, u64)>,
}

impl Live {
    fn received(&mut self, event: Event, at: f64) {
        let text = match event {
            Event::Status(status) => return self.update_status(*status, at),
            Event::BatchStored { number, rows } => {
                self.versions.stored += 1;
                format!("Batch {number} stored with {}", plural(rows, "line", "lines"))
            }
            Event::ModelTrained { kind, entity, number } => {
                let counts = match number {
                    ModelNumber::Number(_) => &mut self.versions.numbered,
                    ModelNumber::All => &mut self.versions.cumulative,
                    ModelNumber::Live => &mut self.versions.live,
                };
                counts[kind as usize][entity as usize] += 1;
                return self.log_trained(kind, entity, number, at);
            }
            Event::ChampionChanged { kind, entity, model } => {
                self.versions.champions[kind as usize][entity as usize] += 1;
                format!(
                    "Champion: {}",
                    labels::model_name(kind, entity, ModelNumber::Number(model))
                )
            }
            Event::Notice { message } => {
                return self.push_log(LogEntry { at, text: message, notice: true, trained: None });
            }
        };
        self.push_log(LogEntry { at, text, notice: false, trained: None });
    }

    /// Adds `entity` to the entry of the models of this kind and number, which becomes the newest.
    fn log_trained(&mut self, kind: ModelKind, entity: Entity, number: ModelNumber, at: f64) {
        let same = self.log.iter().position(|entry| {
            entry.trained.as_ref().is_some_and(|old| (old.kind, old.number) == (kind, number))
        });
        let old = same.and_then(|index| self.log.remove(index)).and_then(|entry| entry.trained);
        let mut entities = old.map_or_else(Vec::new, |old| old.entities);
        if !entities.contains(&entity) {
            entities.push(entity);
        }
        let text = format!("Trained {}", labels::model_names(kind, &entities, number));
        let trained = Some(Trained { kind, number, entities });
        self.push_log(LogEntry { at, text, notice: false, trained });
    }

    fn push_log(&mut self, entry: LogEntry) {
        self.log.push_front(entry);
        self.log.truncate(MAX_LOG_ENTRIES);
    }

    fn update_status(&mut self, status: Status, at: f64) {
        // Another process counts anew: no rate spans both.
        if self.status.as_ref().is_none_or(|old| old.started_at != status.started_at) {
            self.measured = Some((at, status.lines_sent, received(&status)));
        }
        self.versions.batches = status.batches;
        self.versions.models = status.models;
        self.status = Some(Rc::new(status));
    }

    fn tick(&mut self, at: f64) {
        self.now = at;
        let Some(status) = self.status.as_ref().filter(|_| self.connection == Connection::Open)
        else {
            return;
        };
        let now = (at, status.lines_sent, received(status));
        let Some(then) = self.measured.replace(now) else { return };
        let seconds = (now.0 - then.0) / 1000.0;
        if seconds <= 0.0 {
            return;
        }
        self.rates.push_back(Rate {
            sent: now.1.saturating_sub(then.1) as f64 / seconds,
            received: now.2.saturating_sub(then.2) as f64 / seconds,
        });
        if self.rates.len() > RATE_WINDOW {
            self.rates.pop_front();
        }
    }
}

fn received(status: &Status) -> u64 {
    status.lines_stored + status.lines_open
}

impl Reducible for Live {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        match action {
            Action::Connected => {
                if matches!(next.connection, Connection::Lost { .. }) {
                    next.versions.reconnected += 1;
                }
                next.connection = Connection::Open;
            }
            Action::Disconnected => {
                let attempts = match next.connection {
                    Connection::Lost { attempts } => attempts + 1,
                    Connection::Connecting | Connection::Open => 1,
                };
                next.connection = Connection::Lost { attempts };
                next.measured = None;
            }
            Action::Received { event, at } => next.received(event, at),
            Action::Tick { at } => next.tick(at),
        }
        Rc::new(next)
    }
}

#[cfg(test)]
mod tests;
