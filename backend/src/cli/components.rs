//! The components of which the commands are composed.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use tillstream_shared::api::Component;
use tokio::{net::TcpListener, sync::watch};

use super::{data, output::print_line, terminal::Terminal};
use crate::{
    batch::Catalogue,
    http::{self, AppState},
    ingest::Input,
    kafka::{Consumer, Offsets, Produced, Producer, ProducerOptions},
    progress::Progress,
    registry::{ChampionStore, Registry},
    supervisor::Supervisor,
    training::Trainer,
};
use tillstream_broker::Broker;
use tillstream_durable::fault;

/// How often a component looks for what other processes have written.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What a component leaves when it ends as it should.
#[derive(Debug)]
pub(super) struct Outcome<T>(Arc<OnceLock<(T, Instant)>>);

impl<T> Default for Outcome<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Outcome<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Outcome<T> {
    fn set(&self, outcome: T) {
        // Each component ends once.
        let _ = self.0.set((outcome, Instant::now()));
    }

    /// What it was, and when.
    pub(super) fn get(&self) -> Option<&(T, Instant)> {
        self.0.get()
    }
}

/// Runs the embedded broker, which is up already.
pub(super) fn broker(supervisor: &mut Supervisor, broker: Broker) {
    supervisor.spawn(Component::Broker, |shutdown| async move {
        Ok(broker.run_until(shutdown.cancelled()).await?)
    });
}

/// Sends `input`. With `end`, the offsets that the topic then ends at are put there, if all of the input
/// was sent.
pub(super) fn producer(
    supervisor: &mut Supervisor,
    mut producer: Producer,
    input: Input,
    options: ProducerOptions,
    progress: Arc<Progress>,
    end: Option<Arc<OnceLock<Offsets>>>,
) -> Outcome<Produced> {
    let outcome = Outcome::default();
    let produced = outcome.clone();
    supervisor.spawn_blocking(Component::Producer, move |shutdown| {
        let sent = producer.run(input, &options, &progress, shutdown)?;
        produced.set(sent);
        if let Some(end) = end.filter(|_| sent.complete)
            && let Some(ends) = producer.current_ends(shutdown)?
        {
            // Nobody else sets it.
            let _ = end.set(ends);
        }
        Ok(())
    });
    outcome
}

/// Stores lines in batches, whose numbers appear in `stored`; dropped when no more will come.
pub(super) fn consumer(
    supervisor: &mut Supervisor,
    consumer: Consumer,
    stored: watch::Sender<u64>,
    print: bool,
) -> Outcome<()> {
    let outcome = Outcome::default();
    let consumed = outcome.clone();
    supervisor.spawn_blocking(Component::Consumer, move |shutdown| {
        consumer.run(shutdown, |manifest| {
            tracing::info!("stored {}: {} lines", manifest.file, manifest.rows);
            if print {
                print_line(format_args!("{}: {} lines", manifest.file, manifest.rows));
            }
            stored.send_replace(manifest.number);
            fault::point("consumer");
        })?;
        consumed.set(());
        Ok(())
    });
    outcome
}

/// Trains models of the batches, those included that another process stores, until the sender of `stored`
/// is dropped.
pub(super) fn trainer(
    supervisor: &mut Supervisor,
    trainer: Trainer,
    catalogue: Catalogue,
    stored: watch::Receiver<u64>,
) -> Outcome<()> {
    let outcome = Outcome::default();
    let trained = outcome.clone();
    supervisor.spawn_blocking(Component::Trainer, move |shutdown| {
        trainer.run(catalogue, stored, shutdown)?;
        trained.set(());
        Ok(())
    });
    outcome
}

/// Answers requests.
pub(super) fn serving(
    supervisor: &mut Supervisor,
    listener: TcpListener,
    address: SocketAddr,
    state: impl FnOnce(crate::shutdown::Shutdown) -> Arc<AppState>,
) {
    supervisor.spawn(Component::Serving, |shutdown| {
        let state = state(shutdown);
        print_line(format_args!("Page: http://{address}/"));
        async move { Ok(http::serve(listener, state).await?) }
    });
}

/// Takes up the champions that another process promotes.
pub(super) fn champion_watcher(
    supervisor: &mut Supervisor,
    champions: ChampionStore,
    registry: Arc<Registry>,
    progress: Arc<Progress>,
) {
    supervisor.spawn_blocking(Component::Watcher, move |shutdown| {
        while !shutdown.wait(POLL_INTERVAL) {
            data::follow_champions(&champions, &registry, &progress);
        }
        Ok(())
    });
}

/// Takes up the models, batches and champions that other processes write.
pub(super) fn data_watcher(
    supervisor: &mut Supervisor,
    mut batches: data::WatchedBatches,
    models: &Path,
    registry: Arc<Registry>,
    progress: Arc<Progress>,
) {
    let champions = ChampionStore::new(models);
    let mut gaps = data::WatchedGaps::new(models);
    supervisor.spawn_blocking(Component::Watcher, move |shutdown| {
        loop {
            let begun = Instant::now();
            data::refresh_models(&registry, &progress);
            data::follow_champions(&champions, &registry, &progress);
            batches.refresh(&progress);
            gaps.refresh(&progress);
            // A look at a long history takes its time: at most a twentieth of all.
            if shutdown.wait(POLL_INTERVAL.max(20 * begun.elapsed())) {
                return Ok(());
            }
        }
    });
}

/// Shows progress on standard error.
pub(super) fn terminal(supervisor: &mut Supervisor, terminal: Terminal, progress: Arc<Progress>) {
    supervisor.spawn(Component::Terminal, |shutdown| async move {
        terminal.show(progress, shutdown).await;
        Ok(())
    });
}
