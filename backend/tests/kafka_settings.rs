//! Settings of the Kafka clients, what is refused at start, and brokers that are gone for a while.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{fs, path::Path, process::Command};

use support::{
    Running, apache::ApacheKafka, broker::Kafka, good, kafka::Admin, manifests, output, refused,
    status, stored_rows, tillstream, wait_for,
};
use tillstream_shared::api::Component;

fn consume(brokers: &str, data: &Path, arguments: &[&str]) -> Command {
    let mut command = tillstream(&["consume", "--once", "--brokers", brokers]);
    command.arg("--data-dir").arg(data).args(arguments);
    command
}

/// Runs it to its end, which must be exit code 2; gives standard error.
#[track_caller]
fn wrong_usage(command: &mut Command) -> String {
    let output = output(command);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    stderr
}

#[test]
fn what_cannot_be_reached_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let nobody = "127.0.0.1:1";
    let error = refused(&mut consume(nobody, data, &[]));
    assert!(error.starts_with("error: no Kafka broker answers at 127.0.0.1:1: "), "{error}");
    assert!(error.contains("Connection refused"), "{error}");

    let broker = Kafka::Embedded.own_broker();
    let tls = ["--kafka-property", "security.protocol=SSL"];
    let error = refused(&mut consume(&broker.address, data, &tls));
    assert!(error.contains(&broker.address) && error.contains("security.protocol"), "{error}");

    let wrong_file = ["--kafka-property", "ssl.ca.location=/no/such", tls[0], tls[1]];
    let error = refused(&mut consume(&broker.address, data, &wrong_file));
    assert!(error.contains("ssl.ca.location"), "{error}");

    let mut up = tillstream(&["up", "--listen", "127.0.0.1:0", tls[0], tls[1], "--data-dir"]);
    let error = refused(up.arg(data.join("embedded")));
    assert!(error.contains("--brokers") && error.contains("security.protocol"), "{error}");
}

#[test]
fn a_wrong_property_is_named_and_its_value_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path(), folder.path().join("client.properties"));
    let nobody = "127.0.0.1:1";
    for property in ["acks=1", "sasl.pasword=hunter2", "linger.ms=soon", "hunter2"] {
        let name = property.split_once('=').map_or("NAME=VALUE", |(name, _)| name);
        let flag = ["--kafka-property", property];
        let error = wrong_usage(&mut consume(nobody, data, &flag));
        assert!(error.contains(name) && !error.contains("hunter2"), "{error}");

        fs::write(&file, format!("# secured\n\n{property}\n")).unwrap();
        let config = ["--kafka-config", file.to_str().unwrap()];
        let error = wrong_usage(&mut consume(nobody, data, &config));
        assert!(error.contains("client.properties:3: ") && error.contains(name), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let mut command = consume(nobody, data, &[]);
    command.env("TILLSTREAM_KAFKA_PROPERTY_ISOLATION_LEVEL", "read_uncommitted");
    let error = wrong_usage(&mut command);
    assert!(error.contains("_ISOLATION_LEVEL: isolation.level cannot be set"), "{error}");
}

#[test]
fn settings_are_shown_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client.properties");
    fs::write(&file, "sasl.username=till\nsasl.password=hunter2\ncompression.codec=zstd\n")
        .unwrap();
    let mut command = tillstream(&["config", "--kafka-config", file.to_str().unwrap()]);
    command.args(["--topic", "tills", "--group", "shop", "--kafka-property", "fetch.min.bytes=7"]);
    command.env("TILLSTREAM_BATCH_SIZE", "500");
    command.env("TILLSTREAM_KAFKA_PROPERTY_SSL_KEY_PASSWORD", "hunter2");
    let shown = good(&mut command);
    assert!(!shown.contains("hunter2"), "{shown}");

    let sections: Vec<_> = shown.split("\n\n").collect();
    let section = |name: &str| {
        let header = format!("[{name}]");
        *sections.iter().find(|section| section.starts_with(&header)).unwrap()
    };
    #[track_caller]
    fn has(section: &str, line: &str) {
        assert!(section.lines().any(|shown| shown == line), "{line} is not in {section}");
    }
    has(section("settings"), "batch-size = 500  # environment");
    has(section("settings"), "topic = tills  # flag");
    has(section("settings"), "data-dir = data  # default");
    has(section("topics"), "dead-letters = tills.dead_letter");
    let producer = section("producer");
    has(producer, "acks = all  # fixed");
    has(producer, &format!("compression.type = zstd  # {}:3", file.display()));
    has(producer, &format!("sasl.password = ********  # {}:2", file.display()));
    has(producer, "linger.ms = 100  # default");
    assert!(!producer.contains("fetch.min.bytes"), "{producer}");
    let consumer = section("consumer");
    has(consumer, "fetch.min.bytes = 7  # --kafka-property");
    has(consumer, "group.id = shop  # --group");
    has(consumer, "ssl.key.password = ********  # TILLSTREAM_KAFKA_PROPERTY_SSL_KEY_PASSWORD");
    assert!(!consumer.contains("compression"), "{consumer}");
}

#[test]
fn a_topic_is_made_as_asked_for_and_left_alone_when_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Kafka::Embedded.own_broker();
    let brokers = &broker.address;
    let error = refused(&mut consume(brokers, folder.path(), &["--replication", "2"]));
    assert!(
        error.contains("the topic retail_stream does not exist and cannot be created"),
        "{error}"
    );

    Admin::connect(&broker).create_topic("retail_stream", 3);
    for (arguments, is_other) in [(&["--partitions", "5"][..], true), (&[], false)] {
        let output = output(&mut consume(brokers, folder.path(), arguments));
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{log}");
        assert_eq!(log.contains("has 3 partitions and not 5"), is_other, "{log}");
    }
}

#[test]
fn brokers_that_are_gone_are_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut broker = Kafka::Embedded.own_broker();
    let address = broker.address.clone();
    let mut up = tillstream(&["up", "--listen", "127.0.0.1:0", "--brokers", &address]);
    up.args(["--batch-interval", "0.2", "--input", "generate:20000:4", "--rate", "2000"]);
    up.args(["--kafka-property", "reconnect.backoff.max.ms=500", "--data-dir"]).arg(data);
    let mut running = Running::start(&mut up, "Page:");
    wait_for("the first batch", || (!manifests(data).is_empty()).then_some(()));
    broker.kill();
    let waiting = |component| {
        let shown = status(&running.announced).component(component).cloned().unwrap();
        shown.waiting
    };
    for component in [Component::Producer, Component::Consumer] {
        let text = wait_for("the outage to show", || waiting(component));
        assert!(text.contains(" since 20") && text.contains("to 500 ms"), "{text}");
    }
    let notices = status(&running.announced).notices;
    assert!(notices.iter().any(|notice| notice.starts_with("the producer waits: ")), "{notices:?}");
    let stored: u64 = manifests(data).iter().map(|manifest| manifest.rows).sum();
    assert!(stored < 20_000, "the outage came too late");

    broker.restart();
    for component in [Component::Producer, Component::Consumer] {
        wait_for("it to go on", || waiting(component).is_none().then_some(()));
    }
    wait_for("all lines", || {
        let stored: u64 = manifests(data).iter().map(|manifest| manifest.rows).sum();
        (stored >= 20_000).then_some(())
    });
    assert!(running.is_running());
    running.interrupt();
    assert_eq!(stored_rows(data).lines().count(), 20_000);
    assert_eq!(stored_rows(data), generated(20_000, 4));
}

#[test]
fn a_cluster_with_tls_and_scram_is_used() {
    use_secured_cluster(&["--tls", "--sasl", "scram"]);
}

#[test]
fn a_cluster_with_plain_logins_is_used() {
    use_secured_cluster(&["--sasl", "plain"]);
}

fn use_secured_cluster(flags: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let kafka = ApacheKafka::start_with(flags);
    let properties = kafka.client_properties();
    let config = ["--kafka-config", properties.to_str().unwrap()];
    let mut produce = tillstream(&["produce", "--brokers", &kafka.address, "--rate", "max"]);
    produce.args(["--input", "generate:500:3", "--data-dir"]).arg(data).args(config);
    assert!(good(&mut produce).starts_with("500 lines sent"));
    good(&mut consume(&kafka.address, data, &config));
    assert_eq!(stored_rows(data).lines().count(), 500);
    good(tillstream(&["dead-letters", "list", "--brokers", &kafka.address]).args(config));

    let mut wrong = consume(&kafka.address, data, &config);
    let error = refused(wrong.env("TILLSTREAM_KAFKA_PROPERTY_SASL_PASSWORD", "hunter2"));
    assert!(error.contains("refuses the login") && error.contains("sasl.password"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");

    let error = refused(&mut consume(&kafka.address, data, &[]));
    assert!(
        error.contains("no Kafka broker answers") && error.contains("security.protocol"),
        "{error}"
    );

    if flags.contains(&"--tls") {
        let trusted = fs::read_to_string(&properties).unwrap();
        let untrusted = trusted.lines().filter(|line| !line.starts_with("ssl.ca.location"));
        let file = data.join("client.properties");
        fs::write(&file, untrusted.collect::<Vec<_>>().join("\n")).unwrap();
        let config = ["--kafka-config", file.to_str().unwrap()];
        let error = refused(&mut consume(&kafka.address, data, &config));
        assert!(error.contains("no TLS connection") && error.contains("certificate"), "{error}");
    }
}

/// The rows of the input `generate:LINES:SEED`.
fn generated(lines: usize, seed: u64) -> String {
    let (lines, seed) = (lines.to_string(), seed.to_string());
    let csv = good(&mut tillstream(&["generate", "--lines", &lines, "--seed", &seed]));
    csv.split_once('\n').unwrap().1.to_owned()
}
