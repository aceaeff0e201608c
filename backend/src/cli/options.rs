//! The commands and their flags, each also by environment variable.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand, error::ErrorKind};
use tillstream_shared::Entity;

use super::{
    commands::{champion::ChampionAction, dead_letters::DeadLettersAction},
    flags::{
        BatchOptions, ClusterOptions, DataOptions, PageOptions, SendingOptions, StorageOptions,
        TopicOptions,
    },
    input_options::{InputOptions, RangeOptions, ReadingOptions},
    kafka_options::KafkaOptions,
    model_options::ModelOptions,
};
use crate::{
    ingest::InputSpec,
    training::{FileOptions, Recipe},
};

/// Streams retail transaction lines through Kafka, clusters customers, products and countries while
/// the stream runs, and answers predictions over REST.
#[derive(Debug, Parser)]
#[command(name = "tillstream", version)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run everything in one process: broker, producer, consumer, trainer, REST and page
    Up(Box<UpOptions>),
    /// Run the embedded broker alone
    Broker(BrokerOptions),
    /// Write a made-up but realistic stream of lines as CSV to standard output
    Generate(GenerateOptions),
    /// Send the lines of an input to the topic
    Produce(ProduceOptions),
    /// Store the lines of the topic in batches
    Consume(ConsumeOptions),
    /// Train models of the stored batches, or of one file
    Train(Box<TrainOptions>),
    /// Answer predictions and show the page, with the models of the data folder
    Serve(ServeOptions),
    /// Print the settings that `up` would run with, given the same flags; secrets are masked
    Config(Box<UpOptions>),
    /// Show which models are champions, and promote others
    Champion {
        #[command(subcommand)]
        action: ChampionAction,
    },
    /// Show the messages that were invalid, and send them again
    DeadLetters {
        #[command(subcommand)]
        action: DeadLettersAction,
    },
}

#[derive(Debug, Args)]
pub(super) struct UpOptions {
    #[command(flatten)]
    pub(super) storage: StorageOptions,
    #[command(flatten)]
    pub(super) input: InputOptions,
    #[command(flatten)]
    pub(super) sending: SendingOptions,
    #[command(flatten)]
    pub(super) batches: BatchOptions,
    #[command(flatten)]
    pub(super) model: ModelOptions,
    #[command(flatten)]
    pub(super) page: PageOptions,
    #[command(flatten)]
    pub(super) topic: TopicOptions,
    #[command(flatten)]
    pub(super) kafka: KafkaOptions,
    /// Use this Kafka cluster (HOST:PORT, several separated by commas) in place of the embedded broker
    #[arg(long, env = "TILLSTREAM_BROKERS", value_name = "HOST:PORT")]
    pub(super) brokers: Option<String>,
    /// Where the embedded broker listens; port 0 takes any free port
    #[arg(
        long,
        env = "TILLSTREAM_BROKER_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:0"
    )]
    pub(super) broker_listen: SocketAddr,
    /// End with status 0 when all input is stored and trained, with a JSON summary as the last line
    #[arg(long, env = "TILLSTREAM_ONCE")]
    pub(super) once: bool,
}

#[derive(Debug, Args)]
pub(super) struct BrokerOptions {
    #[command(flatten)]
    pub(super) data: DataOptions,
    /// Where the broker listens
    #[arg(
        long,
        env = "TILLSTREAM_BROKER_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:9092"
    )]
    pub(super) broker_listen: SocketAddr,
    #[command(flatten)]
    pub(super) topic: TopicOptions,
}

#[derive(Debug, Args)]
pub(super) struct GenerateOptions {
    /// Lines to write
    #[arg(long, value_name = "N")]
    pub(super) lines: u64,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(super) seed: u64,
    /// Share of lines that are damaged as real files are, from 0 to 1: some are still read as the same line, and
    /// among the lines there are others that are none
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub(super) dirt: f64,
}

/// A share of a whole.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "use a share from 0 to 1, such as 0.01".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct ProduceOptions {
    #[command(flatten)]
    pub(super) data: DataOptions,
    #[command(flatten)]
    pub(super) cluster: ClusterOptions,
    #[command(flatten)]
    pub(super) input: InputOptions,
    #[command(flatten)]
    pub(super) sending: SendingOptions,
}

#[derive(Debug, Args)]
pub(super) struct ConsumeOptions {
    #[command(flatten)]
    pub(super) storage: StorageOptions,
    #[command(flatten)]
    pub(super) cluster: ClusterOptions,
    #[command(flatten)]
    pub(super) batches: BatchOptions,
    #[command(flatten)]
    pub(super) range: RangeOptions,
    /// End when everything that is in the topic now is stored
    #[arg(long, env = "TILLSTREAM_ONCE")]
    pub(super) once: bool,
}

#[derive(Debug, Args)]
pub(super) struct TrainOptions {
    #[command(flatten)]
    pub(super) storage: StorageOptions,
    #[command(flatten)]
    pub(super) model: ModelOptions,
    /// Train one model of this input in place of the stored batches: a CSV (also .gz, .zst, .zip) or XLSX
    /// file, `-` for standard input, a named pipe, or generate:N
    #[arg(long, value_name = "FILE", requires = "entity")]
    pub(super) input: Option<InputSpec>,
    #[command(flatten)]
    pub(super) reading: ReadingOptions,
    #[command(flatten)]
    pub(super) range: RangeOptions,
    /// With --input: what to cluster; several, separated by commas, give a model each
    #[arg(long, requires = "input", value_delimiter = ',', value_parser = clap::value_parser!(Entity))]
    entity: Vec<Entity>,
    /// With --input: what one row is. `line`: a line; `profile`: a customer, product or country with
    /// all its features; `rfm`: a customer with recency, frequency and monetary of the sales
    #[arg(
        long,
        requires = "input",
        value_name = "line|profile|rfm",
        default_value_t,
        value_parser = clap::value_parser!(Recipe)
    )]
    recipe: Recipe,
    /// With --input: leave out lines that repeat an earlier one in every field
    #[arg(long, requires = "input")]
    drop_duplicates: bool,
    /// With --input: find the clusters alone, and do not measure how good they are
    #[arg(long, requires = "input")]
    pub(super) fit_only: bool,
    /// With --input: print the whole model as JSON in place of a summary; several as an array
    #[arg(long, requires = "input")]
    pub(super) json: bool,
    /// Go on with every batch that is stored from now on
    #[arg(long, conflicts_with = "input")]
    pub(super) follow: bool,
}

impl TrainOptions {
    /// The input and what to make of it, where one is given.
    ///
    /// # Errors
    /// Wrong usage: the recipe does not go with the entity.
    pub(super) fn file(&self) -> Result<Option<(&InputSpec, FileOptions)>, clap::Error> {
        let Some(input) = &self.input else { return Ok(None) };
        for entity in &self.entity {
            self.recipe.suits(*entity).map_err(|error| {
                clap::Error::raw(ErrorKind::ArgumentConflict, format!("{error}\n"))
            })?;
        }
        let Self { recipe, drop_duplicates, .. } = *self;
        let entities = self.entity.clone();
        Ok(Some((input, FileOptions { entities, recipe, drop_duplicates })))
    }
}

#[derive(Debug, Args)]
pub(super) struct ServeOptions {
    #[command(flatten)]
    pub(super) storage: StorageOptions,
    #[command(flatten)]
    pub(super) page: PageOptions,
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::CommandFactory;

    use super::*;
    use crate::kafka::Pace;

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_pause_takes_the_place_of_the_rate() {
        let parse = |flags: &[&str]| {
            let line = ["tillstream", "up"].iter().chain(flags);
            CommandLine::try_parse_from(line).map(|parsed| match parsed.command {
                Command::Up(options) => options.sending.producer(PathBuf::new()).pace,
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(parse(&[]).unwrap(), Pace::PerSecond(2000.0));
        assert_eq!(parse(&["--rate", "max"]).unwrap(), Pace::Max);
        assert_eq!(parse(&["--delay", "0.5..2"]).unwrap(), Pace::Delay(0.5, 2.0));
        assert!(parse(&["--delay", "0.5..2", "--rate", "max"]).is_err());
    }
}
