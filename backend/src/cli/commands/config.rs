//! `tillstream config`: the settings that `tillstream up` would run with.

use clap::{ArgMatches, CommandFactory, parser::ValueSource};
use strum::IntoEnumIterator;

use crate::{
    cli::{
        Error,
        options::{CommandLine, UpOptions},
        output::print_line,
    },
    kafka::{ClientRole, Setting},
};

/// The flag whose values may be secrets: they are shown with the clients.
const PROPERTIES: &str = "kafka_property";

/// Prints every flag with its value and where that comes from, the topics, and what is set of librdkafka's
/// properties for each client. Secrets are masked.
pub(in crate::cli) fn run(options: &UpOptions, matches: &ArgMatches) -> Result<(), Error> {
    let brokers = options.brokers.clone().unwrap_or_else(|| "(the embedded broker)".to_owned());
    let cluster = options.kafka.cluster(brokers, &options.topic)?;

    print_line("[settings]");
    let command = CommandLine::command();
    let arguments = command.find_subcommand("config").into_iter().flat_map(|c| c.get_arguments());
    for argument in arguments {
        let id = argument.get_id().as_str();
        let Some(name) = argument.get_long().filter(|_| id != PROPERTIES && id != "help") else {
            continue;
        };
        let values = matches.get_raw(id).into_iter().flatten();
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        let source = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => "flag",
            Some(ValueSource::EnvVariable) => "environment",
            Some(_) => "default",
            None => "not set",
        };
        print_line(format_args!("{name} = {}  # {source}", values.join(",")));
    }

    print_line("\n[topics]");
    print_line(format_args!("lines = {}", cluster.topic));
    print_line(format_args!("dead-letters = {}", cluster.dead_letter_topic()));

    for role in ClientRole::iter() {
        print_line(format_args!("\n[{role}]"));
        for Setting { name, value, source } in cluster.settings(role) {
            print_line(format_args!("{name} = {value}  # {source}"));
        }
    }
    Ok(())
}
