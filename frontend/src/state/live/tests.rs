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
        Action::Connected,
        status(0.0, 1000, 0, 900),
        status(800.0, 2500, 1000, 1000),
        Action::Tick { at: 1000.0 },
    ]);
    assert_eq!(live.rates, [Rate { sent: 1500.0, received: 1100.0 }]);
}

#[test]
fn a_quiet_stream_falls_to_zero() {
    let live = after([
        Action::Connected,
        status(0.0, 0, 0, 0),
        status(500.0, 3000, 0, 3000),
        Action::Tick { at: 1000.0 },
        Action::Tick { at: 2000.0 },
        Action::Tick { at: 3000.0 },
        Action::Tick { at: 4000.0 },
    ]);
    assert_eq!(live.rates.len(), 4);
    assert!(live.rates.iter().skip(1).all(|rate| *rate == Rate::default()));
}

#[test]
fn only_so_many_seconds_are_kept() {
    let ticks = (1..200).map(|second| Action::Tick { at: f64::from(second) * 1000.0 });
    let live = after([Action::Connected, status(0.0, 0, 0, 0)].into_iter().chain(ticks));
    assert_eq!(live.rates.len(), RATE_WINDOW);
}

#[test]
fn a_gap_in_the_connection_makes_no_spike() {
    let live = after([
        Action::Connected,
        status(0.0, 0, 0, 0),
        Action::Disconnected,
        Action::Tick { at: 1000.0 },
        Action::Connected,
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
        Action::Connected,
        status(0.0, 10, 10, 0),
        Action::Received { event: Event::Status(Box::new(restarted)), at: 500.0 },
        Action::Tick { at: 1000.0 },
    ]);
    assert_eq!(live.rates, [Rate::default()]);
}

#[test]
fn only_a_connection_that_was_lost_comes_back() {
    assert_eq!(after([Action::Connected]).versions.reconnected, 0);
    let live = after([Action::Connected, Action::Disconnected, Action::Disconnected]);
    assert_eq!(live.connection, Connection::Lost { attempts: 2 });
    let live =
        after([Action::Connected, Action::Disconnected, Action::Disconnected, Action::Connected]);
    assert_eq!((live.connection, live.versions.reconnected), (Connection::Open, 1));
}

#[test]
fn an_alias_is_stale_when_its_model_was_trained() {
    let trained = |number| {
        let event = Event::ModelTrained { kind: ModelKind::Line, entity: Entity::Product, number };
        after([Action::Received { event, at: 0.0 }]).versions
    };
    let before = Versions::default();
    let stale = |versions: &Versions, kind, entity, model| {
        versions.of_model(kind, entity, model) != before.of_model(kind, entity, model)
    };
    let (line, product) = (ModelKind::Line, Entity::Product);
    let aliases = [
        (ModelNumber::Number(3), ModelRef::Latest),
        (ModelNumber::All, ModelRef::All),
        (ModelNumber::Live, ModelRef::Live),
    ];
    for (number, own) in aliases {
        let versions = trained(number);
        for (_, alias) in aliases {
            assert_eq!(stale(&versions, line, product, alias), alias == own, "{number} {alias}");
        }
        assert!(!stale(&versions, line, product, ModelRef::Number(3)));
        assert!(!stale(&versions, line, product, ModelRef::Champion));
        assert!(!stale(&versions, line, Entity::Customer, own));
        assert!(!stale(&versions, ModelKind::Profile, product, own));
        assert!(versions.of_models() != before.of_models());
    }
}

#[test]
fn a_new_champion_makes_the_old_one_stale() {
    let (kind, entity) = (ModelKind::Profile, Entity::Customer);
    let event = Event::ChampionChanged { kind, entity, model: 7 };
    let live = after([Action::Received { event, at: 0.0 }]);
    assert_eq!(live.log[0].text, "Champion: customer profile model 7");
    assert_eq!(live.versions.of_model(kind, entity, ModelRef::Champion), 1);
    assert_eq!(live.versions.of_model(ModelKind::Line, entity, ModelRef::Champion), 0);
    assert_eq!((live.versions.of_champions(), live.versions.of_models()), (1, [0; 3]));
}

#[test]
fn lists_are_stale_though_as_many_were_removed_as_added() {
    let counts = |batches, models| {
        let status = Status { batches, models, ..Status::default() };
        Action::Received { event: Event::Status(Box::new(status)), at: 0.0 }
    };
    let event = |event| Action::Received { event, at: 0.0 };
    let before = after([counts(100, 600)]).versions;
    let (kind, entity, number) = (ModelKind::Line, Entity::Country, ModelNumber::Number(101));
    let later = after([
        counts(100, 600),
        event(Event::BatchStored { number: 101, rows: 10 }),
        event(Event::ModelTrained { kind, entity, number }),
        counts(99, 599),
    ])
    .versions;
    assert_ne!(later.of_batches(), before.of_batches());
    assert_ne!(later.of_models(), before.of_models());
}

#[test]
fn the_log_is_newest_first_and_bounded() {
    let stored = |number| Action::Received {
        event: Event::BatchStored { number, rows: 1000 },
        at: number as f64,
    };
    let live = after((1..100).map(stored));
    assert_eq!(live.log.len(), MAX_LOG_ENTRIES);
    assert_eq!(live.log[0].text, "Batch 99 stored with 1,000 lines");
}

#[test]
fn the_models_of_a_batch_are_one_entry() {
    let trained = |kind, entity, number| Action::Received {
        event: Event::ModelTrained { kind, entity, number },
        at: 0.0,
    };
    let batch = |batch| {
        let stored = Event::BatchStored { number: batch, rows: 10 };
        let models = Entity::ALL.into_iter().flat_map(move |entity| {
            let number = ModelNumber::Number(batch);
            [
                trained(ModelKind::Line, entity, number),
                trained(ModelKind::Line, entity, ModelNumber::All),
                trained(ModelKind::Profile, entity, number),
            ]
        });
        [Action::Received { event: stored, at: 0.0 }].into_iter().chain(models)
    };
    let live = after(batch(6).chain(batch(7)));
    let texts: Vec<_> = live.log.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "Trained customer, product and country profile model 7",
            "Trained customer, product and country model of every batch",
            "Trained customer, product and country model 7",
            "Batch 7 stored with 10 lines",
            "Trained customer, product and country profile model 6",
            "Trained customer, product and country model 6",
            "Batch 6 stored with 10 lines",
        ]
    );
    assert_eq!(live.versions.trained(), 18);
}
