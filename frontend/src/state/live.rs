//! The state fed by the server's events: counts, rates, what happened, and how the connection is.

use std::{collections::VecDeque, rc::Rc};

use tillstream_shared::{
    Entity, ModelKind, ModelNumber, ModelRef,
    api::{Event, Status},
};
use yew::Reducible;

use crate::{format::plural, words};

/// How many happenings are kept.
const LOG: usize = 40;

/// How many seconds of rates are kept.
pub const SECONDS: usize = 60;

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

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// Milliseconds on the page's clock.
    pub at: f64,
    /// A text for the list of events.
    pub text: String,
    /// A person should see it.
    pub notice: bool,
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
pub struct Signals {
    /// Times that a lost connection came back: whatever was loaded may be old.
    pub reconnected: u64,
    /// Stored batches.
    pub batches: u64,
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

impl Signals {
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

    /// A number that grows whenever the list of models may have changed.
    #[must_use]
    pub fn of_list(&self) -> u64 {
        self.reconnected + self.models + self.trained()
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

/// What happens to [`Live`].
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The connection is open.
    Opened,
    /// The connection broke, or could not be made.
    Broke,
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
    /// What happened, newest first.
    pub log: VecDeque<Happening>,
    /// What makes loaded data stale.
    pub signals: Signals,
    /// The page's clock at the last tick, milliseconds.
    pub now: f64,
    /// Clock, sent and received at the last tick, while the connection is open.
    measured: Option<(f64, u64, u64)>,
}

impl Live {
    /// The rate over the last three seconds, so that the figure does not jump with every batch.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        let recent: Vec<_> = self.rates.iter().rev().take(3).collect();
        let n = recent.len() as f64;
        (!recent.is_empty()).then(|| Rate {
            sent: recent.iter().map(|rate| rate.sent).sum::<f64>() / n,
            received: recent.iter().map(|rate| rate.received).sum::<f64>() / n,
        })
    }

    fn received(&mut self, event: Event, at: f64) {
        let text = match event {
            Event::Status(status) => return self.count(*status, at),
            Event::BatchStored { number, rows } => {
                format!("Batch {number} stored with {}", plural(rows, "line", "lines"))
            }
            Event::ModelTrained { kind, entity, number } => {
                let counts = match number {
                    ModelNumber::Number(_) => &mut self.signals.numbered,
                    ModelNumber::All => &mut self.signals.cumulative,
                    ModelNumber::Live => &mut self.signals.live,
                };
                counts[kind as usize][entity as usize] += 1;
                format!("Trained {}", words::model(kind, entity, number))
            }
            Event::ChampionChanged { kind, entity, model } => {
                self.signals.champions[kind as usize][entity as usize] += 1;
                format!("Champion: {}", words::model(kind, entity, ModelNumber::Number(model)))
            }
            Event::Notice { message } => {
                return self.note(Happening { at, text: message, notice: true });
            }
        };
        self.note(Happening { at, text, notice: false });
    }

    fn note(&mut self, happening: Happening) {
        self.log.push_front(happening);
        self.log.truncate(LOG);
    }

    fn count(&mut self, status: Status, at: f64) {
        // Another process counts anew: no rate spans both.
        if self.status.as_ref().is_none_or(|old| old.started_at != status.started_at) {
            self.measured = Some((at, status.lines_sent, received(&status)));
        }
        self.signals.batches = status.batches;
        self.signals.models = status.models;
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
        if self.rates.len() > SECONDS {
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
            Action::Opened => {
                if matches!(next.connection, Connection::Lost { .. }) {
                    next.signals.reconnected += 1;
                }
                next.connection = Connection::Open;
            }
            Action::Broke => {
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
mod tests {
    use super::*;

    fn after(actions: impl IntoIterator<Item = Action>) -> Live {
        let state = actions.into_iter().fold(Rc::new(Live::default()), Live::reduce);
        (*state).clone()
    }

    fn status(at: f64, sent: u64, stored: u64, open: u64) -> Action {
        let status = Status {
            started_at: "2026-11-23T17:35:09Z".to_owned(),
            lines_sent: sent,
            lines_stored: stored,
            lines_open: open,
            ..Status::default()
        };
        Action::Received { event: Event::Status(Box::new(status)), at }
    }

    #[test]
    fn rates_are_measured_from_tick_to_tick() {
        let live = after([
            Action::Opened,
            status(0.0, 1000, 0, 900),
            status(800.0, 2500, 1000, 1000),
            Action::Tick { at: 1000.0 },
        ]);
        assert_eq!(live.rates, [Rate { sent: 1500.0, received: 1100.0 }]);
    }

    #[test]
    fn a_quiet_stream_falls_to_zero() {
        let live = after([
            Action::Opened,
            status(0.0, 0, 0, 0),
            status(500.0, 3000, 0, 3000),
            Action::Tick { at: 1000.0 },
            Action::Tick { at: 2000.0 },
            Action::Tick { at: 3000.0 },
            Action::Tick { at: 4000.0 },
        ]);
        assert_eq!(live.rate(), Some(Rate::default()));
    }

    #[test]
    fn only_so_many_seconds_are_kept() {
        let ticks = (1..200).map(|second| Action::Tick { at: f64::from(second) * 1000.0 });
        let live = after([Action::Opened, status(0.0, 0, 0, 0)].into_iter().chain(ticks));
        assert_eq!(live.rates.len(), SECONDS);
    }

    #[test]
    fn a_gap_in_the_connection_makes_no_spike() {
        let live = after([
            Action::Opened,
            status(0.0, 0, 0, 0),
            Action::Broke,
            Action::Tick { at: 1000.0 },
            Action::Opened,
            status(60_000.0, 900_000, 900_000, 0),
            Action::Tick { at: 61_000.0 },
        ]);
        assert!(live.rates.is_empty());
    }

    #[test]
    fn a_restarted_server_makes_no_spike() {
        let mut restarted = Status { lines_sent: 700_000, ..Status::default() };
        restarted.started_at = "2026-11-23T18:00:00Z".to_owned();
        let live = after([
            Action::Opened,
            status(0.0, 10, 10, 0),
            Action::Received { event: Event::Status(Box::new(restarted)), at: 500.0 },
            Action::Tick { at: 1000.0 },
        ]);
        assert_eq!(live.rates, [Rate::default()]);
    }

    #[test]
    fn only_a_connection_that_was_lost_comes_back() {
        assert_eq!(after([Action::Opened]).signals.reconnected, 0);
        let live = after([Action::Opened, Action::Broke, Action::Broke]);
        assert_eq!(live.connection, Connection::Lost { attempts: 2 });
        let live = after([Action::Opened, Action::Broke, Action::Broke, Action::Opened]);
        assert_eq!((live.connection, live.signals.reconnected), (Connection::Open, 1));
    }

    #[test]
    fn an_alias_is_stale_when_its_model_was_trained() {
        let trained = |number| {
            let event =
                Event::ModelTrained { kind: ModelKind::Line, entity: Entity::Product, number };
            after([Action::Received { event, at: 0.0 }]).signals
        };
        let before = Signals::default();
        let stale = |signals: &Signals, kind, entity, model| {
            signals.of_model(kind, entity, model) != before.of_model(kind, entity, model)
        };
        let (line, product) = (ModelKind::Line, Entity::Product);
        let aliases = [
            (ModelNumber::Number(3), ModelRef::Latest),
            (ModelNumber::All, ModelRef::All),
            (ModelNumber::Live, ModelRef::Live),
        ];
        for (number, own) in aliases {
            let signals = trained(number);
            for (_, alias) in aliases {
                assert_eq!(stale(&signals, line, product, alias), alias == own, "{number} {alias}");
            }
            assert!(!stale(&signals, line, product, ModelRef::Number(3)));
            assert!(!stale(&signals, line, product, ModelRef::Champion));
            assert!(!stale(&signals, line, Entity::Customer, own));
            assert!(!stale(&signals, ModelKind::Profile, product, own));
            assert!(signals.of_list() > before.of_list());
        }
    }

    #[test]
    fn a_new_champion_makes_the_old_one_stale() {
        let (kind, entity) = (ModelKind::Profile, Entity::Customer);
        let event = Event::ChampionChanged { kind, entity, model: 7 };
        let live = after([Action::Received { event, at: 0.0 }]);
        assert_eq!(live.log[0].text, "Champion: customer profile model 7");
        assert_eq!(live.signals.of_model(kind, entity, ModelRef::Champion), 1);
        assert_eq!(live.signals.of_model(ModelKind::Line, entity, ModelRef::Champion), 0);
        assert_eq!((live.signals.of_champions(), live.signals.of_list()), (1, 0));
    }

    #[test]
    fn the_log_is_newest_first_and_bounded() {
        let stored = |number| Action::Received {
            event: Event::BatchStored { number, rows: 1000 },
            at: number as f64,
        };
        let live = after((1..100).map(stored));
        assert_eq!(live.log.len(), LOG);
        assert_eq!(live.log[0].text, "Batch 99 stored with 1,000 lines");
    }
}
