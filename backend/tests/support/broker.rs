//! What a pipeline test runs against: the embedded broker and Apache Kafka, through one interface.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use tillstream::kafka::Cluster;
use uuid::Uuid;

use super::{
    Running,
    apache::{ApacheKafka, shared_address},
    tillstream,
};

/// Makes two tests of every function `fn(Kafka)`: `embedded::name` and `apache::name`.
macro_rules! on_both_brokers {
    ($($name:ident),+ $(,)?) => {
        mod embedded {
            $(#[test]
            fn $name() {
                super::$name($crate::support::broker::Kafka::Embedded);
            })+
        }

        $crate::support::broker::on_apache! { $($name),+ }
    };
}
pub(crate) use on_both_brokers;

/// Makes a test `apache::name` of every function `fn(Kafka)`, for what the embedded broker cannot do.
macro_rules! on_apache {
    ($($name:ident),+ $(,)?) => {
        mod apache {
            $(#[test]
            fn $name() {
                super::$name($crate::support::broker::Kafka::Apache);
            })+
        }
    };
}
pub(crate) use on_apache;

/// Slows every fsync of the embedded broker.
const SLOW_FSYNC: (&str, &str) = ("TILLSTREAM_FAULT_FSYNC_MS", "300");

/// Which Kafka a test runs against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kafka {
    Embedded,
    Apache,
}

impl Kafka {
    /// A broker that other tests may use too.
    #[track_caller]
    pub fn broker(self) -> Broker {
        match self {
            Self::Embedded => Broker::embedded(&[]),
            Self::Apache => Broker::at(shared_address()),
        }
    }

    /// A broker of the test's own, which may be killed.
    #[track_caller]
    pub fn own_broker(self) -> Broker {
        match self {
            Self::Embedded => Broker::embedded(&[]),
            Self::Apache => Broker::apache(ApacheKafka::start(1)),
        }
    }

    /// A broker of the test's own; the embedded one is slowed, so that what it was sent stays invisible for a
    /// while.
    #[track_caller]
    pub fn slow_broker(self) -> Broker {
        match self {
            Self::Embedded => Broker::embedded(&[SLOW_FSYNC]),
            Self::Apache => Broker::apache(ApacheKafka::start(1)),
        }
    }

    /// The arguments with which `up` uses this Kafka; it starts the embedded broker itself.
    pub fn arguments_of_up(self) -> Vec<String> {
        match self {
            Self::Embedded => Vec::new(),
            Self::Apache => self.broker().arguments().to_vec(),
        }
    }
}

/// A broker, and a topic that no other test uses; nobody has created it yet.
pub struct Broker {
    /// `HOST:PORT`.
    pub address: String,
    pub topic: String,
    server: Server,
}

enum Server {
    /// One that somebody else runs.
    Shared,
    Embedded(Embedded),
    Apache(ApacheKafka),
}

struct Embedded {
    folder: TempDir,
    environment: &'static [(&'static str, &'static str)],
    running: Option<Running>,
}

impl Embedded {
    /// Starts the program and gives the address that it announces.
    #[track_caller]
    fn start(&mut self, listen: &str) -> String {
        let mut command = tillstream(&["broker", "--broker-listen", listen, "--data-dir"]);
        command.arg(self.folder.path()).envs(self.environment.iter().copied());
        self.running.insert(Running::start(&mut command, "Kafka broker:")).announced.clone()
    }
}

impl Broker {
    /// The broker at an address, which somebody else runs.
    pub fn at(address: &str) -> Self {
        Self::new(address.to_owned(), Server::Shared)
    }

    fn new(address: String, server: Server) -> Self {
        Self { address, topic: format!("lines-{}", Uuid::new_v4()), server }
    }

    #[track_caller]
    fn embedded(environment: &'static [(&'static str, &'static str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut embedded = Embedded { folder, environment, running: None };
        Self::new(embedded.start("127.0.0.1:0"), Server::Embedded(embedded))
    }

    fn apache(kafka: ApacheKafka) -> Self {
        Self::new(kafka.address.clone(), Server::Apache(kafka))
    }

    /// The program with `arguments` and the data folder `data`, using this broker and topic.
    pub fn tillstream(&self, data: &Path, arguments: &[&str]) -> Command {
        let mut command = tillstream(arguments);
        command.args(self.arguments()).arg("--data-dir").arg(data);
        command
    }

    /// The arguments with which a command uses this broker and topic.
    pub fn arguments(&self) -> [String; 4] {
        ["--brokers", &self.address, "--topic", &self.topic].map(str::to_owned)
    }

    /// The same for parts of the program that a test uses directly.
    pub fn cluster(&self) -> Cluster {
        Cluster::new(&self.address, &self.topic)
    }

    pub fn dead_letter_topic(&self) -> String {
        self.cluster().dead_letter_topic()
    }

    /// Ends it as the power cut does.
    pub fn kill(&mut self) {
        match &mut self.server {
            Server::Shared => panic!("other tests use this broker too"),
            Server::Embedded(embedded) => embedded.running.take().unwrap().kill(),
            Server::Apache(kafka) => kafka.kill(1),
        }
    }

    /// Starts it again, with what it has on disk and at the same address.
    #[track_caller]
    pub fn restart(&mut self) {
        match &mut self.server {
            Server::Shared => panic!("other tests use this broker too"),
            Server::Embedded(embedded) => {
                embedded.start(&self.address);
            }
            Server::Apache(kafka) => kafka.resume(1),
        }
    }

    /// Removes the messages of partition 0 from the disk of a killed broker. Cluster and topic stay the same.
    pub fn lose_messages(&self) {
        let folder = match &self.server {
            Server::Shared => panic!("other tests use this broker too"),
            Server::Embedded(embedded) => embedded.folder.path().join("broker"),
            Server::Apache(kafka) => kafka.data(1),
        };
        for file in segments(&folder.join(format!("{}-0", self.topic))) {
            fs::remove_file(file).unwrap();
        }
    }
}

/// Files of a partition's segments, which are named after their first offset.
fn segments(partition: &Path) -> impl Iterator<Item = PathBuf> {
    let files = fs::read_dir(partition).unwrap().map(|entry| entry.unwrap());
    files
        .filter(|file| file.file_name().to_string_lossy().starts_with("000"))
        .map(|file| file.path())
}
