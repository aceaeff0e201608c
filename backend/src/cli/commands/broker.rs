//! `tillstream broker`: the embedded broker alone.

use std::sync::Arc;

use crate::{
    cli::{Error, components, options::BrokerOptions, output::print_line},
    shutdown::Shutdown,
    supervisor::{StopTimeouts, Supervisor},
};
use tillstream_broker::Broker;

pub(in crate::cli) async fn run(options: BrokerOptions, shutdown: Shutdown) -> Result<(), Error> {
    let mut supervisor = Supervisor::new(Arc::default(), StopTimeouts::default());
    let config = options.topic.broker(options.data.broker(), options.broker_listen);
    let broker = Broker::start(config).await?;
    print_line(format_args!("Kafka broker: {}", broker.address()));
    components::broker(&mut supervisor, broker);
    supervisor.run(&shutdown, None).await?;
    Ok(())
}
