//! The settings of every client: the program's defaults, then what the user sets, then what the program
//! depends on.

use rdkafka::ClientConfig;

use super::{
    Cluster,
    properties::MASK,
    property_table::{Scope, is_secret, scope},
};

/// How often librdkafka gathers statistics, in milliseconds.
pub(super) const STATISTICS_INTERVAL_MS: &str = "1000";

/// The source of a setting that the user may change.
const DEFAULT: &str = "default";
/// The source of a setting that nobody may change.
const FIXED: &str = "fixed";

/// Names and values.
type Settings = &'static [(&'static str, &'static str)];

/// The clients that the program has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "kebab-case")]
pub enum ClientRole {
    /// Sends lines.
    Producer,
    /// Reads lines.
    Consumer,
    /// Sends invalid messages to the dead-letter topic.
    DeadLetterProducer,
    /// Sends dead letters back to their topics.
    ReplayProducer,
    /// Reads what a topic holds, and joins no group: to go on after it, or to list it.
    Reader,
    /// Asks for metadata and offsets.
    Metadata,
    /// Creates topics.
    Admin,
}

/// Where a setting of a client comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Name of the property.
    pub name: String,
    /// Its value, masked when it is a secret.
    pub value: String,
    /// Who set it.
    pub source: String,
}

impl ClientRole {
    fn is_producer(self) -> bool {
        match self {
            Self::Producer | Self::DeadLetterProducer | Self::ReplayProducer | Self::Admin => true,
            Self::Consumer | Self::Reader | Self::Metadata => false,
        }
    }

    /// What the user may set otherwise.
    fn defaults(self) -> Settings {
        match self {
            Self::Producer => &[
                ("compression.type", "lz4"),
                ("batch.size", "1000000"),
                ("batch.num.messages", "10000"),
                // Five batches on their way, which are the most, and less than one more. With a whole one at hand, or
                // one that has waited long enough, librdkafka spins until one of the five is answered.
                ("queue.buffering.max.kbytes", "5700"),
                ("linger.ms", "100"),
            ],
            Self::Consumer => &[
                ("fetch.wait.max.ms", "100"),
                // The default second stalls a full queue long after there is room again.
                ("fetch.queue.backoff.ms", "10"),
                ("queued.min.messages", "200000"),
                ("queued.max.messages.kbytes", "131072"),
                // New partitions of the topic are heard of by it when the group is joined.
                ("topic.metadata.refresh.interval.ms", "30000"),
            ],
            // librdkafka leaves the address that it was given for the one that the broker gives, and waits half of this
            // before it connects there.
            Self::Metadata => &[("reconnect.backoff.ms", "20")],
            Self::DeadLetterProducer | Self::ReplayProducer | Self::Reader | Self::Admin => &[],
        }
    }

    /// What the user may not set.
    fn guarantees(self) -> Settings {
        match self {
            Self::Producer => &[
                // A broker that is gone is waited for.
                ("message.timeout.ms", "0"),
                ("acks", "all"),
                ("enable.idempotence", "true"),
                // A line that cannot be delivered stops all lines behind it: the order is what a restart relies on.
                ("enable.gapless.guarantee", "true"),
                ("statistics.interval.ms", STATISTICS_INTERVAL_MS),
            ],
            Self::Consumer => &[
                ("isolation.level", "read_committed"),
                ("check.crcs", "true"),
                ("enable.partition.eof", "true"),
                ("statistics.interval.ms", STATISTICS_INTERVAL_MS),
                // Where to begin is decided from the manifests, and by nobody else.
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("auto.offset.reset", "error"),
                // The others read on while partitions move.
                ("group.protocol", "classic"),
                ("partition.assignment.strategy", "cooperative-sticky"),
            ],
            Self::DeadLetterProducer => &[
                ("message.timeout.ms", "0"),
                // The topic was there a moment ago: its absence is believed soon.
                ("topic.metadata.propagation.max.ms", "5000"),
                ("acks", "all"),
                ("enable.idempotence", "true"),
            ],
            Self::ReplayProducer => &[
                // The partition of a key, as Kafka's clients and the program's producer choose it.
                ("partitioner", "murmur2_random"),
                ("acks", "all"),
                ("enable.idempotence", "true"),
            ],
            Self::Reader => &[
                ("isolation.level", "read_committed"),
                ("check.crcs", "true"),
                ("enable.partition.eof", "true"),
                ("enable.auto.commit", "false"),
                ("auto.offset.reset", "error"),
            ],
            Self::Metadata | Self::Admin => &[],
        }
    }
}

impl Cluster {
    /// The settings of a client.
    pub(super) fn config(&self, role: ClientRole) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (Setting { name, value, .. }, _) in self.all_settings(role) {
            config.set(name, value);
        }
        config
    }

    /// The settings of a client that are not librdkafka's defaults, by name; secrets are masked.
    #[must_use]
    pub fn settings(&self, role: ClientRole) -> Vec<Setting> {
        let mut settings: Vec<Setting> = Vec::new();
        for (mut setting, secret) in self.all_settings(role) {
            settings.retain(|earlier| earlier.name != setting.name);
            if secret {
                setting.value = MASK.to_owned();
            }
            settings.push(setting);
        }
        settings.sort_by(|a, b| a.name.cmp(&b.name));
        settings
    }

    /// What is applied one after the other, and whether it is a secret.
    fn all_settings(&self, role: ClientRole) -> impl Iterator<Item = (Setting, bool)> {
        let own = |source: &'static str| {
            move |(name, value): &(&str, &str)| {
                let (name, value) = ((*name).to_owned(), (*value).to_owned());
                (Setting { name, value, source: source.to_owned() }, false)
            }
        };
        let fits = move |name: &str| match scope(name) {
            Scope::All => true,
            Scope::Producers => role.is_producer(),
            Scope::Consumers => !role.is_producer(),
        };
        let users =
            self.properties.iter().filter(move |property| fits(&property.name)).map(|property| {
                let (name, value) = (property.name.clone(), property.value.clone());
                let secret = is_secret(&name);
                (Setting { name, value, source: property.origin.to_string() }, secret)
            });
        let mut shared = vec![
            ("bootstrap.servers", self.brokers.as_str(), "--brokers"),
            // The metadata request that looks for the topic must not create it, with other partitions.
            ("allow.auto.create.topics", "false", FIXED),
        ];
        // librdkafka assigns partitions only to a member of a group, which need not be joined.
        if matches!(role, ClientRole::Consumer | ClientRole::Reader) {
            shared.push(("group.id", &self.group, "--group"));
        }
        let shared = shared.into_iter().map(|(name, value, source)| {
            let (name, value) = (name.to_owned(), value.to_owned());
            (Setting { name, value, source: source.to_owned() }, false)
        });
        let client_id = [("client.id", "tillstream")];
        let defaults: Vec<_> = client_id.iter().chain(role.defaults()).map(own(DEFAULT)).collect();
        let guarantees: Vec<_> = role.guarantees().iter().map(own(FIXED)).collect();
        defaults.into_iter().chain(users).chain(shared).chain(guarantees)
    }
}
