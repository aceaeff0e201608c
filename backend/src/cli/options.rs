//! Flags, each also by environment variable.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, error::ErrorKind};
use tillstream_shared::Entity;

use super::{champion::ChampionAction, model_options::ModelOptions};
use crate::{
    ingest::{DateOrder, IngestError, Input, InputSpec, ReadOptions},
    kafka::{Cluster, ConsumerOptions, Pace, ProducerOptions, Rate},
    training::{FileOptions, Recipe},
};

/// Lines per second that are sent unless told otherwise: the first models appear after five seconds,
/// and the real data set lasts for four and a half minutes.
const DEFAULT_RATE: Pace = Pace::PerSecond(2000.0);

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
    Train(TrainOptions),
    /// Answer predictions and show the page, with the models of the data folder
    Serve(ServeOptions),
    /// Show which models are champions, and promote others
    Champion {
        #[command(subcommand)]
        action: ChampionAction,
    },
}

#[derive(Debug, Args)]
pub(super) struct UpOptions {
    #[command(flatten)]
    pub(super) data: DataOptions,
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
    pub(super) data: DataOptions,
    #[command(flatten)]
    pub(super) cluster: ClusterOptions,
    #[command(flatten)]
    pub(super) batches: BatchOptions,
    /// End when everything that is in the topic now is stored
    #[arg(long, env = "TILLSTREAM_ONCE")]
    pub(super) once: bool,
}

#[derive(Debug, Args)]
pub(super) struct TrainOptions {
    #[command(flatten)]
    pub(super) data: DataOptions,
    #[command(flatten)]
    pub(super) model: ModelOptions,
    /// Train one model of this input in place of the stored batches: a CSV (also .gz, .zst) or XLSX
    /// file, or generate:N
    #[arg(long, value_name = "FILE", requires = "entity")]
    pub(super) input: Option<InputSpec>,
    #[command(flatten)]
    pub(super) dates: DateOptions,
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
    pub(super) data: DataOptions,
    #[command(flatten)]
    pub(super) page: PageOptions,
}

#[derive(Debug, Args)]
pub(super) struct DataOptions {
    /// Folder for the log of the broker, batches, models and rejects
    #[arg(long, env = "TILLSTREAM_DATA_DIR", value_name = "DIR", default_value = "data")]
    data_dir: PathBuf,
}

impl DataOptions {
    pub(super) fn broker(&self) -> PathBuf {
        self.data_dir.join("broker")
    }

    pub(super) fn batch(&self) -> PathBuf {
        self.data_dir.join("batch")
    }

    pub(super) fn models(&self) -> PathBuf {
        self.data_dir.join("models")
    }

    pub(super) fn rejects(&self) -> PathBuf {
        self.data_dir.join("rejects")
    }
}

#[derive(Debug, Args)]
pub(super) struct TopicOptions {
    /// Topic that the lines go through
    #[arg(long, env = "TILLSTREAM_TOPIC", value_name = "NAME", default_value = "retail_stream")]
    topic: String,
    /// Partitions of the topic when it is made
    #[arg(
        long,
        env = "TILLSTREAM_PARTITIONS",
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(i32).range(1..=1000)
    )]
    pub(super) partitions: i32,
}

impl TopicOptions {
    pub(super) fn cluster(&self, brokers: String) -> Cluster {
        Cluster { brokers, topic: self.topic.clone(), partitions: self.partitions }
    }
}

#[derive(Debug, Args)]
pub(super) struct ClusterOptions {
    /// The Kafka cluster (HOST:PORT, several separated by commas)
    #[arg(
        long,
        env = "TILLSTREAM_BROKERS",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:9092"
    )]
    brokers: String,
    #[command(flatten)]
    topic: TopicOptions,
}

impl ClusterOptions {
    pub(super) fn cluster(&self) -> Cluster {
        self.topic.cluster(self.brokers.clone())
    }
}

#[derive(Debug, Args)]
pub(super) struct InputOptions {
    /// CSV (also .gz, .zst) or XLSX file, or generate:N for made-up lines; without it, the real data
    /// set Online Retail that the program carries
    #[arg(long, env = "TILLSTREAM_INPUT", value_name = "PATH")]
    input: Option<InputSpec>,
    #[command(flatten)]
    dates: DateOptions,
}

impl InputOptions {
    pub(super) fn open(&self) -> Result<Input, IngestError> {
        self.dates.open(&self.input.clone().unwrap_or_default())
    }
}

#[derive(Debug, Args)]
pub(super) struct DateOptions {
    /// How dates such as 01/12/2010 are read; found out from the whole file unless given
    #[arg(long, env = "TILLSTREAM_DATE_ORDER")]
    date_order: Option<DateOrder>,
}

impl DateOptions {
    /// Whether it is left open how dates are read.
    pub(super) fn is_open(&self) -> bool {
        self.date_order.is_none()
    }

    pub(super) fn open(&self, input: &InputSpec) -> Result<Input, IngestError> {
        let input = Input::open(input, &ReadOptions { date_order: self.date_order })?;
        if let Some(report) = input.date_report() {
            tracing::warn!("{report}");
        }
        Ok(input)
    }
}

#[derive(Debug, Args)]
pub(super) struct SendingOptions {
    /// Lines per second, or `max` [default: 2000]
    #[arg(long, env = "TILLSTREAM_RATE", value_name = "N|max")]
    rate: Option<Rate>,
    /// A random pause after each line, in seconds, such as 0.5..2
    #[arg(long, env = "TILLSTREAM_DELAY", value_name = "MIN..MAX", conflicts_with = "rate")]
    delay: Option<Pace>,
    /// Send all of the input anew, whatever the topic holds of it
    #[arg(long, env = "TILLSTREAM_RESTART")]
    restart: bool,
    /// Print every line sent
    #[arg(long, env = "TILLSTREAM_PRINT")]
    print: bool,
}

impl SendingOptions {
    pub(super) fn producer(&self, rejects: PathBuf) -> ProducerOptions {
        let rate = self.rate.map_or(DEFAULT_RATE, |rate| rate.0);
        ProducerOptions {
            pace: self.delay.unwrap_or(rate),
            restart: self.restart,
            print: self.print,
            rejects,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct BatchOptions {
    /// Lines after which a batch is closed
    #[arg(
        long,
        env = "TILLSTREAM_BATCH_SIZE",
        value_name = "N",
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    batch_size: u64,
    /// Seconds after a batch's first line at which it is closed
    #[arg(
        long,
        env = "TILLSTREAM_BATCH_INTERVAL",
        value_name = "SECONDS",
        default_value = "60",
        value_parser = seconds
    )]
    batch_interval: Duration,
}

impl BatchOptions {
    pub(super) fn consumer(&self) -> ConsumerOptions {
        ConsumerOptions { batch_size: self.batch_size, batch_interval: self.batch_interval }
    }
}

#[derive(Debug, Args)]
pub(super) struct PageOptions {
    /// Where REST and the page are served; port 0 takes any free port
    #[arg(long, env = "TILLSTREAM_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:5000")]
    pub(super) listen: SocketAddr,
    /// Folder of the built page
    #[arg(long, env = "TILLSTREAM_PAGE", value_name = "DIR", default_value = "dist")]
    pub(super) page: PathBuf,
}

/// A positive number of seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "use seconds above zero, such as 60 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn intervals_are_read() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["0", "-1", "NaN", "inf", "1e300", "a minute"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
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
