//! Changing the settings of topics.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::Duration;

use kafka_protocol::{
    messages::{
        IncrementalAlterConfigsRequest,
        incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
    },
    protocol::StrBytes,
};
use rdkafka::admin::{AdminOptions, AlterConfig, ConfigSource, ResourceSpecifier};
use support::{
    TestBroker, eventually,
    raw::{Raw, batch},
    segments,
};

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;
const TOPIC: i8 = 2;
const BROKER: i8 = 4;

fn alter(
    (kind, name): (i8, &str),
    changes: &[(i8, &str, Option<&str>)],
) -> IncrementalAlterConfigsRequest {
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let configs = changes.iter().map(|(operation, name, value)| {
        AlterableConfig::default()
            .with_config_operation(*operation)
            .with_name(text(name))
            .with_value(value.map(text))
    });
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configs(configs.collect());
    IncrementalAlterConfigsRequest::default().with_resources(vec![resource])
}

async fn error(broker: &TestBroker, request: &IncrementalAlterConfigsRequest) -> i16 {
    let mut raw = Raw::connect(broker.broker.address()).await;
    raw.call(request, 1).await.responses[0].error_code
}

/// Value of a setting of the topic `t`, and whether it is the topic's own.
async fn setting(broker: &TestBroker, name: &str) -> (String, bool) {
    let topic = ResourceSpecifier::Topic("t");
    let described = broker.admin().describe_configs([&topic], &AdminOptions::new()).await.unwrap();
    let resource = described.into_iter().next().unwrap().unwrap();
    let entry = resource.get(name).unwrap();
    assert!(!entry.is_read_only, "{name} can be changed");
    (entry.value.clone().unwrap(), entry.source == ConfigSource::DynamicTopic)
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_settings_hold_at_once_and_after_a_restart() {
    let configure = |config: &mut tillstream_broker::BrokerConfig| {
        config.retention_interval = Duration::from_millis(20);
    };
    let broker = TestBroker::with(configure).await;
    broker.create_topic("t", 1).await;
    let value = "x".repeat(600);
    let fill = async |broker: &TestBroker| {
        let mut raw = Raw::connect(broker.broker.address()).await;
        for _ in 0..20 {
            assert_eq!(raw.produce("t", batch(-1, -1, -1, &[&value])).await.error_code, 0);
        }
    };
    fill(&broker).await;
    assert_eq!(segments(broker.dir.path(), "t-0").len(), 1);
    let smaller = [(SET, "segment.bytes", Some("1024")), (SET, "retention.ms", Some("-1"))];
    assert_eq!(error(&broker, &alter((TOPIC, "t"), &smaller)).await, 0);
    fill(&broker).await;
    assert_eq!(segments(broker.dir.path(), "t-0").len(), 21);
    let fewer = [(SET, "retention.bytes", Some("1000"))];
    assert_eq!(error(&broker, &alter((TOPIC, "t"), &fewer)).await, 0);
    eventually("old segments are deleted", async || segments(broker.dir.path(), "t-0").len() < 4)
        .await;

    let dir = broker.stop().await;
    let broker = TestBroker::reopen(dir, configure).await;
    assert_eq!(setting(&broker, "segment.bytes").await, ("1024".to_owned(), true));
    assert_eq!(setting(&broker, "retention.bytes").await, ("1000".to_owned(), true));
    assert_eq!(setting(&broker, "retention.ms").await, ("-1".to_owned(), true));

    // One is the broker's again; then, as older clients do it, all that are not named.
    let back = [(DELETE, "segment.bytes", None)];
    assert_eq!(error(&broker, &alter((TOPIC, "t"), &back)).await, 0);
    let default = (256 << 20).to_string();
    assert_eq!(setting(&broker, "segment.bytes").await, (default.clone(), false));
    assert_eq!(setting(&broker, "retention.bytes").await, ("1000".to_owned(), true));
    let only = AlterConfig::new(ResourceSpecifier::Topic("t")).set("segment.bytes", "2048");
    let altered = broker.admin().alter_configs([&only], &AdminOptions::new()).await.unwrap();
    assert!(altered[0].is_ok(), "{altered:?}");
    assert_eq!(setting(&broker, "segment.bytes").await, ("2048".to_owned(), true));
    assert_eq!(setting(&broker, "retention.bytes").await, ("-1".to_owned(), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_changes_are_refused_and_change_nothing() {
    const INVALID_CONFIG: i16 = 40;
    const INVALID_REQUEST: i16 = 42;
    const UNKNOWN_TOPIC: i16 = 3;
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let good = (SET, "retention.ms", Some("1000"));
    for (what, on, changes, code) in [
        ("no such topic", (TOPIC, "nowhere"), vec![good], UNKNOWN_TOPIC),
        ("the broker", (BROKER, "1"), vec![good], INVALID_REQUEST),
        (
            "no number",
            (TOPIC, "t"),
            vec![good, (SET, "retention.bytes", Some("x"))],
            INVALID_CONFIG,
        ),
        ("too small", (TOPIC, "t"), vec![good, (SET, "segment.bytes", Some("1"))], INVALID_CONFIG),
        ("no value", (TOPIC, "t"), vec![good, (SET, "retention.bytes", None)], INVALID_CONFIG),
        ("no list", (TOPIC, "t"), vec![good, (APPEND, "retention.ms", Some("1"))], INVALID_CONFIG),
        (
            "not possible",
            (TOPIC, "t"),
            vec![good, (SET, "compression.type", Some("brotli"))],
            INVALID_CONFIG,
        ),
        ("unknown", (TOPIC, "t"), vec![good, (DELETE, "colour", None)], INVALID_CONFIG),
        (
            "lags that contradict each other",
            (TOPIC, "t"),
            vec![
                (SET, "min.compaction.lag.ms", Some("10")),
                (SET, "max.compaction.lag.ms", Some("9")),
            ],
            INVALID_CONFIG,
        ),
        (
            "lists",
            (TOPIC, "t"),
            vec![
                (APPEND, "cleanup.policy", Some("compact")),
                (SUBTRACT, "cleanup.policy", Some("delete")),
                (DELETE, "cleanup.policy", None),
            ],
            0,
        ),
    ] {
        assert_eq!(error(&broker, &alter(on, &changes)).await, code, "{what}");
    }
    let dry_run = alter((TOPIC, "t"), &[good]).with_validate_only(true);
    assert_eq!(error(&broker, &dry_run).await, 0);
    assert_eq!(setting(&broker, "retention.ms").await, ("-1".to_owned(), false));
}
