//! Real Apache Kafka, by `script/kafka`.

use std::{path::PathBuf, process::Command, sync::LazyLock};

use uuid::Uuid;

/// The environment variable with the address of an Apache Kafka that all tests share.
const SHARED: &str = "TILLSTREAM_TEST_KAFKA";

/// The address of the Apache Kafka that all tests share. Where the environment names none, the first test that
/// asks starts one, which ends with this process.
pub fn shared_address() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| {
        std::env::var(SHARED).unwrap_or_else(|_| {
            let kafka = ApacheKafka::start(1);
            let address = kafka.address.clone();
            std::mem::forget(kafka);
            address
        })
    });
    &ADDRESS
}

/// A cluster of Apache Kafka, stopped when dropped or when this process ends.
pub struct ApacheKafka {
    /// `HOST:PORT` of all brokers, separated by commas.
    pub address: String,
    folder: PathBuf,
}

impl ApacheKafka {
    /// Starts as many brokers: 1 or 3.
    pub fn start(brokers: u32) -> Self {
        Self::start_with(&["--brokers", &brokers.to_string()])
    }

    /// Starts what the flags of `script/kafka start` ask for.
    pub fn start_with(flags: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("tillstream-kafka-{}", Uuid::new_v4()));
        let mut kafka = Self { address: String::new(), folder };
        let process = std::process::id().to_string();
        let address = kafka.script(&[&["start", "--while", &process], flags].concat());
        address.trim().clone_into(&mut kafka.address);
        kafka
    }

    /// The file with the properties that a client needs.
    pub fn client_properties(&self) -> PathBuf {
        self.folder.join("client.properties")
    }

    /// The address for clients without a login, who may do everything.
    pub fn super_user_address(&self) -> String {
        std::fs::read_to_string(self.folder.join("super_user")).unwrap().trim().to_owned()
    }

    /// Gives or takes rights, with the arguments of Kafka's `kafka-acls`.
    pub fn acl(&self, arguments: &[&str]) {
        self.script_with(&["acl"], arguments);
    }

    /// Ends a broker with SIGKILL; the first is number 1.
    pub fn kill(&self, broker: u32) {
        self.script(&["kill", &broker.to_string()]);
    }

    /// Starts a broker that was killed, and waits until the cluster has admitted it.
    pub fn resume(&self, broker: u32) {
        self.script(&["resume", &broker.to_string()]);
    }

    /// Where a broker keeps its partitions.
    pub fn data(&self, broker: u32) -> PathBuf {
        self.folder.join(format!("broker-{broker}/data"))
    }

    /// Runs `script/kafka`; gives its standard output.
    fn script(&self, arguments: &[&str]) -> String {
        self.script_with(arguments, &[])
    }

    /// The same with arguments for what it runs.
    fn script_with(&self, arguments: &[&str], passed_on: &[&str]) -> String {
        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../script/kafka"));
        script.args(arguments).arg("--dir").arg(&self.folder).arg("--").args(passed_on);
        let output = script.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "script/kafka {}: {stderr}", arguments.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for ApacheKafka {
    fn drop(&mut self) {
        self.script(&["stop"]);
    }
}
