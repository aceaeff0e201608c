//! The single parts, each alone in its process.

use std::{
    io::{self, Write},
    sync::{Arc, mpsc},
};

use tillstream_shared::{Entity, Model, ModelKind};

use super::{
    Error, LOOK, blocking, data,
    options::{
        BrokerOptions, ConsumeOptions, GenerateOptions, ProduceOptions, ServeOptions, TrainOptions,
    },
    stop_on_signal,
    terminal::Terminal,
};
use crate::{
    batch::Catalogue,
    broker::{Broker, BrokerConfig},
    clustering::ModelParams,
    http,
    ingest::{InputSpec, generate},
    kafka::{Consumer, Producer},
    progress::Progress,
    registry::ChampionStore,
    shutdown::Shutdown,
    training::{Trainer, train_file, train_plain_file},
};

pub(super) async fn broker(options: BrokerOptions) -> Result<(), Error> {
    let stop = Shutdown::default();
    stop_on_signal(&stop)?;
    let broker = Broker::start(BrokerConfig {
        listen: options.broker_listen,
        default_partitions: options.topic.partitions,
        ..BrokerConfig::new(options.data.broker())
    })
    .await?;
    println!("Kafka broker: {}", broker.address());
    stop.cancelled().await;
    Ok(broker.shutdown().await?)
}

pub(super) fn generate(options: &GenerateOptions) -> Result<(), Error> {
    let mut out = io::BufWriter::with_capacity(1 << 18, io::stdout().lock());
    let written =
        generate::write_csv(options.lines, options.seed, &mut out).and_then(|()| out.flush());
    match written {
        // Whoever reads has enough: `tillstream generate | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

pub(super) async fn produce(options: ProduceOptions, terminal: Terminal) -> Result<(), Error> {
    let (stop, shown) = (Shutdown::default(), Shutdown::default());
    stop_on_signal(&stop)?;
    let progress = Arc::new(Progress::default());
    let showing = tokio::spawn(terminal.show(progress.clone(), shown.clone()));
    let produced = blocking(move || {
        let input = options.input.open()?;
        let cluster = options.cluster.cluster();
        let partitions = cluster.ensure_topics()?;
        let producer = Producer::connect(cluster, partitions, &progress)?;
        let options = options.sending.producer(options.data.rejects());
        Ok::<_, Error>(producer.run(input, &options, &progress, &stop)?)
    })
    .await;
    shown.request();
    showing.await?;
    let produced = produced?;
    println!("{} lines sent, {} were in the topic before", produced.sent, produced.resumed);
    Ok(())
}

pub(super) async fn consume(options: ConsumeOptions, terminal: Terminal) -> Result<(), Error> {
    let (stop, shown) = (Shutdown::default(), Shutdown::default());
    stop_on_signal(&stop)?;
    let progress = Arc::new(Progress::default());
    let showing = tokio::spawn(terminal.show(progress.clone(), shown.clone()));
    let consumed = blocking(move || {
        let (catalogue, _lock) = options.batches.open(&options.data.batch(), &progress)?;
        let cluster = options.cluster.cluster();
        cluster.ensure_topics()?;
        let consumer =
            Consumer::connect(cluster.clone(), options.batches.consumer(), catalogue, progress)?;
        if options.once {
            // Nobody else sets it.
            let _ = consumer.end().set(cluster.current_ends()?);
        }
        consumer.run(&stop, |manifest| println!("{}: {} lines", manifest.file, manifest.rows))?;
        Ok::<_, Error>(())
    })
    .await;
    shown.request();
    showing.await?;
    consumed
}

pub(super) async fn train(options: TrainOptions) -> Result<(), Error> {
    // Wrong usage that the flags alone do not show.
    if let Some((input, file)) = options.file().unwrap_or_else(|error| error.exit()) {
        let evaluate = !options.fit_only;
        let params = ModelParams { evaluate, ..options.model.of_recipe(file.recipe) };
        let plain = match input {
            InputSpec::File(path) if options.dates.is_open() => {
                train_plain_file(path, &file, &params)
            }
            _ => None,
        };
        let models = match plain {
            Some(models) => models?,
            None => train_file(options.dates.open(input)?, &file, &params)?,
        };
        match &models[..] {
            [model] if options.json => println!("{}", serde_json::to_string_pretty(model)?),
            models if options.json => println!("{}", serde_json::to_string_pretty(models)?),
            models => models.iter().for_each(|model| print!("{}", summary(model))),
        }
        return Ok(());
    }
    let stop = Shutdown::default();
    stop_on_signal(&stop)?;
    blocking(move || {
        let progress = Arc::new(Progress::default());
        let batches = options.data.batch();
        let (_, registry) = data::load_models(&options.data, &progress)?;
        let trainer = Trainer::open(
            options.model.trainer(),
            &batches,
            &options.data.models(),
            registry.clone(),
            progress,
        )?;
        let catalogue = Catalogue::read(&batches)?;
        let (stored, trained) = mpsc::channel();
        let mut follower = Catalogue::read(&batches)?;
        let training = std::thread::spawn(move || trainer.run(&catalogue, &trained));
        while options.follow && !stop.wait(LOOK) {
            for manifest in follower.refresh()? {
                stored.send(manifest)?;
            }
        }
        drop(stored);
        if let Err(panic) = training.join() {
            std::panic::resume_unwind(panic);
        }
        println!("{} models in {}", registry.count(), options.data.models().display());
        Ok(())
    })
    .await
}

/// A model for people: how many there are of what in each cluster, and where its centroid is.
fn summary(model: &Model) -> String {
    let rows = match (model.kind, model.entity) {
        (ModelKind::Line, _) => "lines",
        (ModelKind::Profile, Entity::Customer) => "customers",
        (ModelKind::Profile, Entity::Product) => "products",
        (ModelKind::Profile, Entity::Country) => "countries",
    };
    let total: u64 = model.sizes.iter().sum();
    let mut text = format!(
        "{}: {total} {rows} from {} of {} lines, {}, SSE {:.4}\n",
        model.entity, model.funnel.kept, model.funnel.lines, model.preprocessing.kind, model.sse
    );
    for (index, centroid) in model.centroids.iter().enumerate() {
        let features = model.features.iter().zip(centroid);
        let around: Vec<_> =
            features.map(|(feature, value)| format!("{feature} {value:.2}")).collect();
        text += &format!(
            "cluster {}: {} {rows} of mean value {:.2}, around {}\n",
            index + 1,
            model.sizes[index],
            model.mean_values[index],
            around.join(", ")
        );
    }
    text
}

pub(super) async fn serve(options: ServeOptions) -> Result<(), Error> {
    let stop = Shutdown::default();
    stop_on_signal(&stop)?;
    let progress = Arc::new(Progress::default());
    let listener = data::bind(options.page.listen).await?;
    let address = listener.local_addr()?;
    let (store, registry) = data::load_models(&options.data, &progress)?;
    let state =
        data::state(&options.data, &options.page, registry.clone(), progress.clone(), stop.clone());
    let watching = {
        let (stop, batches) = (stop.clone(), options.data.batch());
        let champions = ChampionStore::new(&options.data.models());
        tokio::spawn(blocking(move || {
            loop {
                match registry.refresh(&store) {
                    Ok(notices) => notices.into_iter().for_each(|notice| progress.notice(notice)),
                    Err(error) => progress.notice(format!("the models cannot be read: {error}")),
                }
                progress.models.set(registry.count() as u64);
                data::follow_champions(&champions, &registry, &progress);
                match Catalogue::read(&batches) {
                    Ok(catalogue) => catalogue.summary().report(&progress),
                    Err(error) => progress.notice(error.to_string()),
                }
                if stop.wait(LOOK) {
                    return;
                }
            }
        }))
    };
    println!("Page: http://{address}/");
    let served = http::serve(listener, state).await;
    stop.request();
    watching.await?;
    Ok(served?)
}
