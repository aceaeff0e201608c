//! Everything in one process.

use std::{
    sync::{Arc, mpsc},
    time::Instant,
};

use serde_json::json;
use tillstream_shared::{ModelKind, ModelNumber};

use super::{Error, LOOK, blocking, data, options::UpOptions, stop_on_signal, terminal::Terminal};
use crate::{
    batch::Catalogue,
    broker::{Broker, BrokerConfig},
    http,
    kafka::{Consumer, Producer},
    progress::Progress,
    registry::ChampionStore,
    shutdown::Shutdown,
    training::Trainer,
};

pub(super) async fn run(options: UpOptions, terminal: Terminal) -> Result<(), Error> {
    let begun = Instant::now();
    let progress = Arc::new(Progress::default());
    let stop = Shutdown::default();
    stop_on_signal(&stop)?;

    // What can be refused is tried before anything is started.
    let listener = data::bind(options.page.listen).await?;
    let address = listener.local_addr()?;
    let (batches, models) = (options.data.batch(), options.data.models());
    let (catalogue, _lock) = options.batches.open(&batches, &progress)?;
    let (_, registry) = data::load_models(&options.data, &progress)?;
    let trainer = Trainer::open(
        options.model.trainer(),
        &batches,
        &models,
        registry.clone(),
        progress.clone(),
    )?;
    let input_options = options.input;
    let input = blocking(move || input_options.open()).await?;

    let broker = match &options.brokers {
        Some(_) => None,
        None => Some(
            Broker::start(BrokerConfig {
                listen: options.broker_listen,
                default_partitions: options.topic.partitions,
                ..BrokerConfig::new(options.data.broker())
            })
            .await?,
        ),
    };
    let brokers = match (&broker, options.brokers) {
        (Some(broker), _) => broker.address().to_string(),
        (None, brokers) => brokers.unwrap_or_default(),
    };
    tracing::info!("Kafka broker: {brokers}");
    let cluster = options.topic.cluster(brokers);
    let parts = {
        let (cluster, progress) = (cluster.clone(), progress.clone());
        let options = options.batches.consumer();
        blocking(move || {
            let partitions = cluster.ensure_topics()?;
            let producer = Producer::connect(cluster.clone(), partitions, &progress)?;
            let onlooker = Catalogue::read(catalogue.folder())?;
            let consumer = Consumer::connect(cluster, options, catalogue, progress)?;
            Ok::<_, Error>((producer, consumer, onlooker))
        })
    };
    let (producer, consumer, catalogue) = parts.await?;
    let setup = begun.elapsed();

    let serving_stop = Shutdown::default();
    let state = data::state(
        &options.data,
        &options.page,
        registry.clone(),
        progress.clone(),
        serving_stop.clone(),
    );
    let serving = {
        let stop = stop.clone();
        tokio::spawn(async move {
            let served = http::serve(listener, state).await;
            stop.request();
            served
        })
    };
    // A person may change the champions by command while this runs.
    let following = {
        let (champions, registry) = (ChampionStore::new(&models), registry.clone());
        let (progress, stop) = (progress.clone(), serving_stop.clone());
        tokio::spawn(blocking(move || {
            while !stop.wait(LOOK) {
                data::follow_champions(&champions, &registry, &progress);
            }
        }))
    };
    println!("Page: http://{address}/");
    let showing = tokio::spawn(terminal.show(progress.clone(), serving_stop.clone()));

    let started = Instant::now();
    let end = consumer.end();
    let (stored, trained) = mpsc::channel();
    let training = tokio::spawn(blocking(move || {
        trainer.run(&catalogue, &trained);
        started.elapsed()
    }));
    let consuming = {
        let stop = stop.clone();
        tokio::spawn(blocking(move || {
            let consumed = consumer.run(&stop, |manifest| {
                tracing::info!("stored {}: {} lines", manifest.file, manifest.rows);
                // The trainer ends after the consumer only.
                let _ = stored.send(manifest.clone());
            });
            if consumed.is_err() {
                stop.request();
            }
            consumed.map(|()| started.elapsed())
        }))
    };
    let producing = {
        let (stop, progress) = (stop.clone(), progress.clone());
        let options = options.sending.producer(options.data.rejects());
        tokio::spawn(blocking(move || {
            let produced = producer.run(input, &options, &progress, &stop);
            if produced.is_err() {
                stop.request();
            }
            produced.map(|produced| (produced, started.elapsed()))
        }))
    };

    let produced = producing.await?;
    if options.once && matches!(&produced, Ok((produced, _)) if produced.complete) {
        let ends = blocking(move || cluster.current_ends()).await?;
        // Nobody else sets it.
        let _ = end.set(ends);
    }
    let consumed = consuming.await?;
    let interrupted = stop.requested();
    let train = training.await?;
    serving_stop.request();
    serving.await??;
    following.await?;
    showing.await?;
    if let Some(broker) = broker {
        broker.shutdown().await?;
    }
    let ((_, produce), consume) = (produced?, consumed?);
    if options.once && interrupted {
        return Err("stopped before all input was stored: start again to go on".into());
    }
    if options.once {
        let status = progress.status();
        let models = registry.models();
        let count = |kind| models.iter().filter(|model| model.kind == kind).count();
        let live_models = models.iter().filter(|m| m.number == ModelNumber::Live).count();
        let summary = json!({
            "lines_read": status.lines_read,
            "lines_sent": status.lines_sent,
            "lines_stored": status.lines_stored,
            "dead_letters": status.dead_letters,
            "rejects": status.rejects,
            "batches": status.batches,
            "models": count(ModelKind::Line) - live_models,
            "live_models": live_models,
            "profile_models": count(ModelKind::Profile),
            "seconds": {
                "setup": setup.as_secs_f64(),
                "produce": produce.as_secs_f64(),
                "consume": consume.as_secs_f64(),
                "train": train.as_secs_f64(),
                "total": begun.elapsed().as_secs_f64(),
            },
        });
        println!("{summary}");
    }
    Ok(())
}
