//! What is known of librdkafka's properties beside their names: which are the same, which belong to one kind of
//! client, which are the program's own, and which are secret. Properties that no table names go to every client.

/// Other names of a property.
const ALIASES: [(&str, &str); 12] = [
    ("metadata.broker.list", "bootstrap.servers"),
    ("request.required.acks", "acks"),
    ("delivery.timeout.ms", "message.timeout.ms"),
    ("message.send.max.retries", "retries"),
    ("compression.codec", "compression.type"),
    ("queue.buffering.max.ms", "linger.ms"),
    ("max.in.flight", "max.in.flight.requests.per.connection"),
    ("sasl.mechanisms", "sasl.mechanism"),
    ("max.partition.fetch.bytes", "fetch.message.max.bytes"),
    ("auto.commit.enable", "enable.auto.commit"),
    ("sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.id"),
    ("sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.client.secret"),
];

/// Properties that only producers have.
const PRODUCER_ONLY: [&str; 12] = [
    "batch.num.messages",
    "batch.size",
    "compression.level",
    "compression.type",
    "linger.ms",
    "produce.offset.report",
    "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "request.timeout.ms",
    "sticky.partitioning.linger.ms",
    "transaction.timeout.ms",
];

/// Properties that only consumers have.
const CONSUMER_ONLY: [&str; 20] = [
    "auto.commit.interval.ms",
    "consume.callback.max.messages",
    "coordinator.query.interval.ms",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "fetch.min.bytes",
    "fetch.queue.backoff.ms",
    "fetch.wait.max.ms",
    "group.instance.id",
    "group.protocol",
    "group.protocol.type",
    "group.remote.assignor",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "offset.store.method",
    "partition.assignment.strategy",
    "queued.max.messages.kbytes",
    "queued.min.messages",
    "session.timeout.ms",
];

const ONCE_IN_ORDER: &str =
    "every line has to arrive once and in order, however long the broker is gone";
const FROM_MANIFESTS: &str =
    "where the consumer goes on is read from the manifests of the stored batches alone";
const OWN_MEMBERSHIP: &str =
    "the program stores what it has read of a partition before it gives that back";
const OWN_TOPICS: &str =
    "topics are created with the partitions, replication and retention that are asked for";

/// Properties that nobody else may set, and why. All of it are the names that [`canonical`] gives.
const PROTECTED: [(&str, &str); 25] = [
    ("bootstrap.servers", "name the brokers with --brokers"),
    ("group.id", "name the group with --group"),
    ("acks", ONCE_IN_ORDER),
    ("enable.idempotence", ONCE_IN_ORDER),
    ("enable.gapless.guarantee", ONCE_IN_ORDER),
    ("message.timeout.ms", ONCE_IN_ORDER),
    ("retries", ONCE_IN_ORDER),
    ("queuing.strategy", ONCE_IN_ORDER),
    ("transactional.id", "lines are sent by an idempotent producer without transactions"),
    ("delivery.report.only.error", "lines are counted when they are acknowledged"),
    ("partitioner", "a producer that is started again relies on the partition of each line"),
    ("topic.metadata.propagation.max.ms", "the program decides how long a topic may be missing"),
    ("enable.auto.commit", FROM_MANIFESTS),
    ("enable.auto.offset.store", FROM_MANIFESTS),
    ("auto.offset.reset", FROM_MANIFESTS),
    ("group.protocol", OWN_MEMBERSHIP),
    ("group.protocol.type", OWN_MEMBERSHIP),
    ("group.remote.assignor", OWN_MEMBERSHIP),
    ("partition.assignment.strategy", OWN_MEMBERSHIP),
    ("isolation.level", "lines of aborted transactions must not be stored"),
    ("check.crcs", "damaged messages must not be stored"),
    ("enable.partition.eof", "the program finds the ends of partitions by it"),
    ("statistics.interval.ms", "the program's lag and status come from it"),
    ("allow.auto.create.topics", OWN_TOPICS),
    ("topic.blacklist", "the program's topics must be seen"),
];

/// Begins the properties of librdkafka's simulated cluster.
const SIMULATION: &str = "test.mock.";

/// Parts of the names of properties whose values must not be shown.
const SECRET: [&str; 6] =
    ["password", "passphrase", "secret", "key.pem", "oauthbearer.config", "private.key"];

/// The kinds of clients that a property is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of them.
    All,
    /// Producers.
    Producers,
    /// Consumers.
    Consumers,
}

/// The one name of a property that may have several.
pub(super) fn canonical(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name)
}

/// Which clients the property `name` is for.
pub(super) fn scope(name: &str) -> Scope {
    if PRODUCER_ONLY.contains(&name) {
        return Scope::Producers;
    }
    if CONSUMER_ONLY.contains(&name) { Scope::Consumers } else { Scope::All }
}

/// Why a user may not set the property `name`; `None` when he may.
pub(super) fn protection(name: &str) -> Option<&'static str> {
    if name.starts_with(SIMULATION) {
        return Some("lines must reach a real cluster");
    }
    PROTECTED.iter().find(|(protected, _)| *protected == name).map(|(_, why)| *why)
}

/// Whether the value of the property `name` must not be shown.
pub(super) fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use rdkafka::ClientConfig;

    use super::*;

    /// Whether librdkafka has a property of that name.
    fn exists(name: &str) -> bool {
        let native = ClientConfig::new().create_native_config().unwrap();
        native.get(name).is_ok()
    }

    #[test]
    fn the_tables_name_properties_that_there_are() {
        let protected = PROTECTED.iter().map(|(name, _)| name);
        let aliases = ALIASES.iter().flat_map(|(alias, name)| [alias, name]);
        for name in PRODUCER_ONLY.iter().chain(&CONSUMER_ONLY).chain(protected).chain(aliases) {
            // librdkafka has topic properties in another set, which it does not show here.
            let topic_property = ClientConfig::new().set(*name, "none").create_native_config();
            let unknown = topic_property
                .err()
                .is_some_and(|error| error.to_string().contains("No such configuration property"));
            assert!(exists(name) || !unknown, "{name}");
        }
    }

    #[test]
    fn every_table_has_canonical_names() {
        let protected = PROTECTED.iter().map(|(name, _)| name);
        for name in PRODUCER_ONLY.iter().chain(&CONSUMER_ONLY).chain(protected) {
            assert_eq!(canonical(name), *name);
        }
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "sasl.password",
            "ssl.key.password",
            "ssl.key.pem",
            "ssl.keystore.password",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.config",
            "sasl.oauthbearer.assertion.private.key.passphrase",
            "sasl.oauthbearer.assertion.private.key.pem",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["sasl.username", "ssl.ca.location", "client.id", "ssl.certificate.pem"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
