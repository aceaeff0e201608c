//! DescribeConfigs, and the settings that topics can be given.

use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeConfigsRequest, DescribeConfigsResponse,
        describe_configs_request::DescribeConfigsResource,
        describe_configs_response::{
            DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
        },
    },
};

use super::common::{NODE_ID, text};
use crate::{
    config::{BrokerConfig, DEFAULT_SEGMENT_BYTES},
    context::Context,
    topics::TopicSettings,
};

/// Kafka's numbers of what has settings.
pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
/// Where a value comes from: set for the topic, set when the broker was started, built in.
const FROM_TOPIC: i8 = 1;
const FROM_BROKER: i8 = 4;
const BUILT_IN: i8 = 5;
/// Kafka's numbers of the types of values.
const STRING: i8 = 2;
const INT: i8 = 3;
const LONG: i8 = 5;
/// A segment smaller than this would be a file per batch or two.
const MIN_SEGMENT_BYTES: u64 = 1024;

/// Settings whose only value is how this broker works; naming that value is allowed.
const FIXED: [(&str, &str); 4] = [
    ("cleanup.policy", "delete"),
    ("compression.type", "producer"),
    ("message.timestamp.type", "CreateTime"),
    ("min.insync.replicas", "1"),
];

/// One setting of a topic or of the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) source: i8,
    kind: i8,
    read_only: bool,
}

/// The settings in a request to create a topic; an error says which one is not possible.
pub(super) fn parse<'a>(
    given: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<TopicSettings, String> {
    let mut settings = TopicSettings::default();
    for (name, value) in given {
        if value.is_some() {
            set(&mut settings, name, value)?;
        }
    }
    Ok(settings)
}

/// Sets one setting of a topic; without a value it is the broker's again. An error says that it is
/// not possible.
pub(super) fn set(
    settings: &mut TopicSettings,
    name: &str,
    value: Option<&str>,
) -> Result<(), String> {
    let limit = |value: &str| match value.parse::<i64>() {
        Ok(number) if number >= -1 => Ok(number),
        _ => Err(format!("{name} must be a number, -1 for no limit, not {value:?}")),
    };
    let segment_bytes = |value: &str| match value.parse() {
        Ok(bytes) if bytes >= MIN_SEGMENT_BYTES => Ok(bytes),
        _ => Err(format!("{name} must be a number from {MIN_SEGMENT_BYTES} on, not {value:?}")),
    };
    match (name, value) {
        ("retention.ms", value) => settings.retention_ms = value.map(limit).transpose()?,
        ("retention.bytes", value) => settings.retention_bytes = value.map(limit).transpose()?,
        ("segment.bytes", value) => {
            settings.segment_bytes = value.map(segment_bytes).transpose()?
        }
        (name, None) if FIXED.iter().any(|(fixed, _)| *fixed == name) => {}
        (name, Some(value)) if FIXED.contains(&(name, value)) => {}
        (name, None) => return Err(format!("this broker has no setting {name}")),
        (name, Some(value)) => {
            return Err(format!("this broker cannot set {name} to {value:?}"));
        }
    }
    Ok(())
}

/// All settings of a topic.
pub(super) fn of_topic(config: &BrokerConfig, settings: &TopicSettings) -> Vec<Entry> {
    let resolved = settings.resolve(config);
    let number = |limit: Option<u128>| limit.map_or_else(|| "-1".to_owned(), |n| n.to_string());
    let source = |of_topic: bool, of_broker: bool| match (of_topic, of_broker) {
        (true, _) => FROM_TOPIC,
        (false, true) => FROM_BROKER,
        (false, false) => BUILT_IN,
    };
    let mut entries = vec![
        Entry {
            name: "retention.ms",
            value: number(resolved.retention_age.map(|age| age.as_millis())),
            source: source(settings.retention_ms.is_some(), config.retention_age.is_some()),
            kind: LONG,
            read_only: false,
        },
        Entry {
            name: "retention.bytes",
            value: number(resolved.retention_bytes.map(u128::from)),
            source: source(settings.retention_bytes.is_some(), config.retention_bytes.is_some()),
            kind: LONG,
            read_only: false,
        },
        Entry {
            name: "segment.bytes",
            value: resolved.segment_bytes.to_string(),
            source: source(
                settings.segment_bytes.is_some(),
                config.segment_bytes != DEFAULT_SEGMENT_BYTES,
            ),
            kind: INT,
            read_only: false,
        },
    ];
    entries.extend(FIXED.map(|(name, value)| Entry {
        name,
        value: value.to_owned(),
        source: BUILT_IN,
        kind: STRING,
        read_only: true,
    }));
    entries
}

fn of_broker(config: &BrokerConfig) -> Vec<Entry> {
    let topic = of_topic(config, &TopicSettings::default());
    let renamed = |entry: Entry| {
        let name = match entry.name {
            "retention.ms" => "log.retention.ms",
            "retention.bytes" => "log.retention.bytes",
            "segment.bytes" => "log.segment.bytes",
            "cleanup.policy" => "log.cleanup.policy",
            "message.timestamp.type" => "log.message.timestamp.type",
            other => other,
        };
        Entry { name, read_only: true, ..entry }
    };
    let own =
        |name, value| Entry { name, value, source: FROM_BROKER, kind: STRING, read_only: true };
    let mut entries: Vec<Entry> = topic.into_iter().map(renamed).collect();
    entries.push(own("num.partitions", config.default_partitions.to_string()));
    let offsets_retention = config.offsets_retention.as_secs() / 60;
    entries.push(own("offsets.retention.minutes", offsets_retention.to_string()));
    entries.push(own("auto.create.topics.enable", config.auto_create_topics.to_string()));
    entries
}

pub(super) async fn describe(
    context: &Context,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let synonyms = request.include_synonyms;
    let results = request.resources.into_iter().map(|asked| describe_one(context, asked, synonyms));
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn describe_one(
    context: &Context,
    asked: DescribeConfigsResource,
    synonyms: bool,
) -> DescribeConfigsResult {
    let node = &context.node;
    let name = &*asked.resource_name;
    let entries = match asked.resource_type {
        TOPIC => match node.topics.all().get(name) {
            Some(topic) => Ok(of_topic(&node.config, &topic.settings)),
            None => Err((ResponseError::UnknownTopicOrPartition, "there is no such topic")),
        },
        BROKER if name.is_empty() || *name == NODE_ID.to_string() => Ok(of_broker(&node.config)),
        BROKER => Err((ResponseError::InvalidRequest, "there is only node 1")),
        _ => Err((ResponseError::InvalidRequest, "only topics and the broker have settings")),
    };
    let result = DescribeConfigsResult::default().with_resource_type(asked.resource_type);
    let result = match entries {
        Err((error, why)) => {
            result.with_error_code(error.code()).with_error_message(Some(text(why)))
        }
        Ok(mut entries) => {
            if let Some(keys) = &asked.configuration_keys {
                entries.retain(|entry| keys.iter().any(|key| &**key == entry.name));
            }
            let configs = entries.into_iter().map(|entry| describe_entry(&entry, synonyms));
            result.with_configs(configs.collect())
        }
    };
    result.with_resource_name(asked.resource_name)
}

fn describe_entry(entry: &Entry, synonyms: bool) -> DescribeConfigsResourceResult {
    let synonym = DescribeConfigsSynonym::default()
        .with_name(text(entry.name))
        .with_value(Some(text(&entry.value)))
        .with_source(entry.source);
    DescribeConfigsResourceResult::default()
        .with_name(text(entry.name))
        .with_value(Some(text(&entry.value)))
        .with_read_only(entry.read_only)
        .with_config_source(entry.source)
        .with_config_type(entry.kind)
        .with_synonyms(if synonyms { vec![synonym] } else { Vec::new() })
}
