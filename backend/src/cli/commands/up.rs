//! `tillstream up`: everything in one process.

use std::{sync::Arc, time::Instant};

use serde::Serialize;
use serde_json::{Value, json};
use tillstream_shared::api::Component;
use tokio::sync::watch;

use crate::{
    cli::{
        Error, components, data, options::UpOptions, output::print_line, setup, terminal::Terminal,
    },
    kafka::{Consumer, Producer},
    progress::Progress,
    registry::{ChampionStore, ModelCounts, Registry},
    shutdown::Shutdown,
    supervisor::{End, StopTimeouts, Supervisor},
    training::Trainer,
};
use tillstream_broker::Broker;

pub(in crate::cli) async fn run(
    options: UpOptions,
    terminal: Terminal,
    shutdown: Shutdown,
) -> Result<(), Error> {
    let begun = Instant::now();
    let progress = Arc::<Progress>::default();
    let mut supervisor = Supervisor::new(progress.clone(), StopTimeouts::default());
    let options = Arc::new(options);

    // What can be refused is tried before anything is started.
    check_embedded(&options)?;
    let listener = data::bind(options.page.listen).await?;
    let address = listener.local_addr()?;
    let (opening, at) = (options.clone(), progress.clone());
    let (store, catalogue, lock, registry, trainer, input) = setup(&shutdown, move || {
        let shared = opening.kafka.joins_group();
        let (store, models) = (opening.storage.batches()?, opening.storage.data.models());
        let (catalogue, lock) = data::open_batches(&store, &opening.batches, shared, &at)?;
        let registry = data::load_models(&models, &store, &at)?;
        let params = opening.model.trainer();
        let trainer = Trainer::open(params, &catalogue, &models, registry.clone(), at.clone())?;
        Ok((store, catalogue, lock, registry, trainer, opening.input.open(&at)?))
    })
    .await?;

    let brokers = match &options.brokers {
        Some(brokers) => brokers.clone(),
        None => {
            let config = options.topic.broker(options.storage.data.broker(), options.broker_listen);
            let broker = Broker::start(config).await?;
            let address = broker.address().to_string();
            components::broker(&mut supervisor, broker);
            address
        }
    };
    tracing::info!("Kafka broker: {brokers}");
    let cluster = options.kafka.cluster(brokers, &options.topic)?;
    let at = progress.clone();
    let batches = options.batches.consumer(options.input.range.dates);
    let connected = setup(&shutdown, move || {
        let connection = cluster.connect()?;
        let partitions = connection.ensure_topics(&at)?;
        let onlooker = catalogue.clone();
        let producer = Producer::connect(connection.clone(), partitions, &at)?;
        let consumer = Consumer::connect(connection, batches, (catalogue, lock), at)?;
        Ok((producer, consumer, onlooker))
    });
    let (producer, consumer, onlooker) = connected.await?;
    let setup = begun.elapsed();

    let models = options.storage.data.models();
    components::serving(&mut supervisor, listener, address, |shutdown| {
        let (registry, progress) = (registry.clone(), progress.clone());
        data::state(&models, &store, &options.page, registry, progress, shutdown)
    });
    let champions = ChampionStore::new(&models);
    components::champion_watcher(&mut supervisor, champions, registry.clone(), progress.clone());
    components::terminal(&mut supervisor, terminal, progress.clone());

    let started = Instant::now();
    let (stored, batches) = watch::channel(onlooker.last());
    let end = options.once.then(|| consumer.end());
    let trained = components::trainer(&mut supervisor, trainer, onlooker, batches);
    let consumed = components::consumer(&mut supervisor, consumer, stored, false);
    let sending = options.sending.producer(options.storage.data.rejects());
    let produced =
        components::producer(&mut supervisor, producer, input, sending, progress.clone(), end);

    let last = options.once.then_some(Component::Trainer);
    let end = supervisor.run(&shutdown, last).await?;
    if !options.once {
        return Ok(());
    }
    if end == End::Interrupted {
        return Err("stopped before all input was stored: start again to go on".into());
    }
    let seconds = |at: Option<Instant>| at.map(|at| (at - started).as_secs_f64());
    let seconds = Seconds {
        setup: setup.as_secs_f64(),
        produce: seconds(produced.get().map(|(_, at)| *at)),
        consume: seconds(consumed.get().map(|(_, at)| *at)),
        train: seconds(trained.get().map(|(_, at)| *at)),
        total: begun.elapsed().as_secs_f64(),
    };
    print_line(summary(&progress, &registry, &seconds));
    Ok(())
}

/// Refuses properties that are wrong, and those that the embedded broker cannot meet.
fn check_embedded(options: &UpOptions) -> Result<(), Error> {
    let properties = options.kafka.properties()?;
    let secured = properties
        .get("security.protocol")
        .is_some_and(|protocol| !protocol.eq_ignore_ascii_case("plaintext"));
    if secured && options.brokers.is_none() {
        return Err(
            "the embedded broker has neither TLS nor logins: name a cluster with --brokers, or leave security.protocol out"
                .into(),
        );
    }
    Ok(())
}

/// What took how long, from the start of the pipeline; `setup` comes before, and `total` is all of it.
#[derive(Serialize)]
struct Seconds {
    setup: f64,
    produce: Option<f64>,
    consume: Option<f64>,
    train: Option<f64>,
    total: f64,
}

/// The JSON that `--once` ends with.
fn summary(progress: &Progress, registry: &Registry, seconds: &Seconds) -> Value {
    let status = progress.status();
    let ModelCounts { line, live, profile } = registry.counts();
    json!({
        "lines_read": status.lines_read,
        "lines_sent": status.lines_sent,
        "lines_stored": status.lines_stored,
        "dead_letters": status.dead_letters,
        "repeated": status.repeated,
        "empty": status.empty,
        "rejects": status.rejects,
        "batches": status.batches,
        "models": line,
        "live_models": live,
        "profile_models": profile,
        "seconds": seconds,
    })
}
