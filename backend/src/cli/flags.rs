//! The groups of flags that several commands share.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;

use super::kafka_options::KafkaOptions;
use crate::{
    batch::{BatchError, BatchFormat, BatchLocation, BatchStore},
    ingest::{DateOrder, DateRange},
    kafka::{Cluster, ConsumerOptions, MessageOptions, Pace, ProducerOptions, PropertyError, Rate},
};
use tillstream_broker::BrokerConfig;

/// Lines per second that are sent unless told otherwise: the first models appear after five seconds,
/// and the real data set lasts for four and a half minutes.
const DEFAULT_RATE: Pace = Pace::PerSecond(2000.0);
/// How often the consumer looks for new partitions.
const REFRESH_INTERVAL: Duration = Duration::from_secs(30);

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

    pub(super) fn models(&self) -> PathBuf {
        self.data_dir.join("models")
    }

    pub(super) fn rejects(&self) -> PathBuf {
        self.data_dir.join("rejects")
    }
}

/// The data folder of a command that has to do with batches.
#[derive(Debug, Args)]
pub(super) struct StorageOptions {
    #[command(flatten)]
    pub(super) data: DataOptions,
    /// Where the batches lie, if not in the data folder: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX,
    /// az://CONTAINER/PREFIX or file:///FOLDER. Address and credentials are read from the environment variables
    /// AWS_*, GOOGLE_* or AZURE_*
    #[arg(long, env = "TILLSTREAM_BATCH_STORE", value_name = "URL")]
    batch_store: Option<BatchLocation>,
}

impl StorageOptions {
    /// Where the batches lie. An object store is asked whether it answers: this blocks.
    pub(super) fn batches(&self) -> Result<BatchStore, BatchError> {
        let folder = |name| self.data.data_dir.join(name);
        BatchStore::open(self.batch_store.as_ref(), &folder("batch"), &folder("open_batch"))
    }
}

#[derive(Debug, Args)]
pub(super) struct TopicOptions {
    /// Topic that the lines go through
    #[arg(long, env = "TILLSTREAM_TOPIC", value_name = "NAME", default_value = "retail_stream")]
    topic: String,
    /// Partitions of the topic when it is made [default: 1]
    #[arg(
        long,
        env = "TILLSTREAM_PARTITIONS",
        value_name = "N",
        value_parser = clap::value_parser!(i32).range(1..=1000)
    )]
    partitions: Option<i32>,
    /// Replicas of the topic and its dead-letter topic when they are made [default: the cluster's]
    #[arg(
        long,
        env = "TILLSTREAM_REPLICATION",
        value_name = "N",
        value_parser = clap::value_parser!(i32).range(1..=100)
    )]
    replication: Option<i32>,
    /// How long the topic and its dead-letter topic keep messages when they are made, such as 7d, 12h, 30m
    /// or `forever`. Lines that are deleted before they are stored are only in the input
    #[arg(
        long,
        env = "TILLSTREAM_RETENTION",
        value_name = "TIME",
        default_value = "7d",
        value_parser = Retention::parse
    )]
    retention: Retention,
}

impl TopicOptions {
    pub(super) fn cluster(&self, brokers: String) -> Cluster {
        let Self { partitions, replication, retention: Retention(retention), .. } = *self;
        Cluster { partitions, replication, retention, ..Cluster::new(brokers, &self.topic) }
    }

    /// The embedded broker with its log in `folder`.
    pub(super) fn broker(&self, folder: PathBuf, listen: SocketAddr) -> BrokerConfig {
        let default_partitions = self.partitions.unwrap_or(1);
        BrokerConfig { listen, default_partitions, ..BrokerConfig::new(folder) }
    }
}

/// How long a topic keeps messages; `None` for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Retention(Option<Duration>);

impl Retention {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "forever" {
            return Ok(Self(None));
        }
        let unit = match text.chars().next_back() {
            Some('d') => 86_400,
            Some('h') => 3_600,
            Some('m') => 60,
            _ => 0,
        };
        text.get(..text.len().saturating_sub(1))
            .and_then(|number| number.parse::<u32>().ok())
            .map(|number| u64::from(number) * unit)
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Self(Some(Duration::from_secs(seconds))))
            .ok_or_else(|| {
                "use days, hours or minutes, such as 7d, 12h or 30m, or `forever`".to_owned()
            })
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
    kafka: KafkaOptions,
    #[command(flatten)]
    topic: TopicOptions,
}

impl ClusterOptions {
    pub(super) fn cluster(&self) -> Result<Cluster, PropertyError> {
        self.kafka.cluster(self.brokers.clone(), &self.topic)
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
    /// Format of the batch files; stored ones may have either
    #[arg(
        long,
        env = "TILLSTREAM_BATCH_FORMAT",
        value_name = "csv|parquet",
        hide_possible_values = true,
        default_value_t
    )]
    pub(super) batch_format: BatchFormat,
    /// How dates such as 01/12/2010 in messages of other producers are read [default: day-first where dots separate
    /// them, otherwise month-first]
    #[arg(long, env = "TILLSTREAM_MESSAGE_DATE_ORDER")]
    message_date_order: Option<DateOrder>,
    /// Set the stored batches aside, and store the topic from its beginning
    #[arg(long)]
    pub(super) new_history: bool,
}

impl BatchOptions {
    pub(super) fn consumer(&self, dates: DateRange) -> ConsumerOptions {
        ConsumerOptions {
            batch_size: self.batch_size,
            batch_interval: self.batch_interval,
            refresh_interval: REFRESH_INTERVAL,
            messages: MessageOptions { date_order: self.message_date_order, dates },
        }
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
    use super::*;

    #[test]
    fn intervals_are_read() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["0", "-1", "NaN", "inf", "1e300", "a minute"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn retentions_are_read() {
        let seconds = |seconds| Ok(Retention(Some(Duration::from_secs(seconds))));
        assert_eq!(Retention::parse("7d"), seconds(604_800));
        assert_eq!(Retention::parse("12h"), seconds(43_200));
        assert_eq!(Retention::parse("30m"), seconds(1_800));
        assert_eq!(Retention::parse("forever"), Ok(Retention(None)));
        for wrong in ["", "d", "7", "0d", "-1d", "7 days", "1.5h", "7ü"] {
            assert!(Retention::parse(wrong).is_err(), "{wrong}");
        }
    }
}
