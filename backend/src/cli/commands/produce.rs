//! `tillstream produce`: sends an input to a topic.

use std::sync::Arc;

use tillstream_shared::api::Component;

use crate::{
    cli::{
        Error, components, options::ProduceOptions, output::print_line, setup, terminal::Terminal,
    },
    kafka::Producer,
    progress::Progress,
    shutdown::Shutdown,
    supervisor::{StopTimeouts, Supervisor},
};

pub(in crate::cli) async fn run(
    options: ProduceOptions,
    terminal: Terminal,
    shutdown: Shutdown,
) -> Result<(), Error> {
    let cluster = options.cluster.cluster()?;
    let progress = Arc::<Progress>::default();
    let mut supervisor = Supervisor::new(progress.clone(), StopTimeouts::default());
    let sending = options.sending.producer(options.data.rejects());
    let connecting = progress.clone();
    let (input, producer) = setup(&shutdown, move || {
        let input = options.input.open(&connecting)?;
        let connection = cluster.connect()?;
        let partitions = connection.ensure_topics(&connecting)?;
        Ok((input, Producer::connect(connection, partitions, &connecting)?))
    })
    .await?;
    components::terminal(&mut supervisor, terminal, progress.clone());
    let produced = components::producer(&mut supervisor, producer, input, sending, progress, None);
    supervisor.run(&shutdown, Some(Component::Producer)).await?;
    if let Some((produced, _)) = produced.get() {
        let (sent, resumed) = (produced.sent, produced.resumed);
        print_line(format_args!("{sent} lines sent, {resumed} were in the topic before"));
    }
    Ok(())
}
