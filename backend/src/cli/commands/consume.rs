//! `tillstream consume`: stores the lines of a topic in batches.

use std::sync::Arc;

use tillstream_shared::api::Component;
use tokio::sync::watch;

use crate::{
    cli::{Error, components, data, options::ConsumeOptions, setup, terminal::Terminal},
    kafka::Consumer,
    progress::Progress,
    shutdown::Shutdown,
    supervisor::{End, StopTimeouts, Supervisor},
};

pub(in crate::cli) async fn run(
    options: ConsumeOptions,
    terminal: Terminal,
    shutdown: Shutdown,
) -> Result<(), Error> {
    let cluster = options.cluster.cluster()?;
    let progress = Arc::<Progress>::default();
    let mut supervisor = Supervisor::new(progress.clone(), StopTimeouts::default());
    let (once, connecting) = (options.once, progress.clone());
    let consumer = setup(&shutdown, move || {
        let shared = cluster.joins_group;
        let store = options.storage.batches()?;
        let opened = data::open_batches(&store, &options.batches, shared, &connecting)?;
        let connection = cluster.connect()?;
        connection.ensure_topics(&connecting)?;
        let batches = options.batches.consumer(options.range.dates);
        let consumer = Consumer::connect(connection.clone(), batches, opened, connecting)?;
        if once {
            // Nobody else sets it.
            let _ = consumer.end().set(connection.current_ends()?);
        }
        Ok(consumer)
    })
    .await?;
    components::terminal(&mut supervisor, terminal, progress);
    let (stored, _) = watch::channel(0);
    components::consumer(&mut supervisor, consumer, stored, true);
    let end = supervisor.run(&shutdown, Some(Component::Consumer)).await?;
    if once && end == End::Interrupted {
        return Err("stopped before all of the topic was stored: start again to go on".into());
    }
    Ok(())
}
