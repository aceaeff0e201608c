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
    config::BrokerConfig,
    context::Context,
    topic_settings::{self, DEFINITIONS, Definition, Kind, TopicSettings},
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
const DOUBLE: i8 = 6;
const LIST: i8 = 7;
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
            settings.set(name, value)?;
        }
    }
    Ok(settings)
}

/// All settings of a topic.
pub(super) fn of_topic(config: &BrokerConfig, settings: &TopicSettings) -> Vec<Entry> {
    let entry = |definition: &'static Definition| Entry {
        name: definition.name,
        value: settings.value(definition, config),
        source: if settings.own(definition.name).is_some() {
            FROM_TOPIC
        } else if topic_settings::of_broker(definition.name, config).is_some() {
            FROM_BROKER
        } else {
            BUILT_IN
        },
        kind: match definition.kind {
            Kind::Int(_) => INT,
            Kind::Long(_) => LONG,
            Kind::Ratio => DOUBLE,
            Kind::OneOf(_) => STRING,
            Kind::ListOf(_) => LIST,
        },
        read_only: false,
    };
    DEFINITIONS.iter().map(entry).collect()
}

fn of_broker(config: &BrokerConfig) -> Vec<Entry> {
    let for_topics = of_topic(config, &TopicSettings::default());
    let renamed = DEFINITIONS.iter().zip(for_topics).map(|(definition, entry)| Entry {
        name: definition.broker_name,
        read_only: true,
        ..entry
    });
    let own =
        |name, value| Entry { name, value, source: FROM_BROKER, kind: STRING, read_only: true };
    let mut entries: Vec<Entry> = renamed.collect();
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
