//! The settings that a topic can have of its own, by Kafka's names.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    config::BrokerConfig,
    log::{LogSettings, TimestampType, compression_named},
};

/// A segment smaller than this would be a file per batch or two.
const MIN_SEGMENT_BYTES: i64 = 1024;

/// What values a setting can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 32 bits, from the minimum on.
    Int(i64),
    /// 64 bits, from the minimum on.
    Long(i64),
    /// A share, 0 to 1.
    Ratio,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// One or more of these, separated by commas.
    ListOf(&'static [&'static str]),
}

/// A setting that a topic can have.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    /// The setting of the broker that holds for topics without one of their own.
    pub(crate) broker_name: &'static str,
    pub(crate) kind: Kind,
    /// What holds if neither the topic nor the broker's configuration says otherwise; Apache Kafka's,
    /// but for the retention of a topic, which is without limit here, and the size of segments.
    pub(crate) default: &'static str,
}

const CLEANUP: &str = "cleanup.policy";
const COMPACT: &str = "compact";
const COMPRESSION: &str = "compression.type";
const COMPRESSIONS: [&str; 6] = ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
const DELETE: &str = "delete";
const LOG_APPEND_TIME: &str = "LogAppendTime";
const MAX_LAG: &str = "max.compaction.lag.ms";
const MIN_LAG: &str = "min.compaction.lag.ms";
const RETENTION_BYTES: &str = "retention.bytes";
const RETENTION_MS: &str = "retention.ms";
const SEGMENT_BYTES: &str = "segment.bytes";
const TIMESTAMP_AFTER: &str = "message.timestamp.after.max.ms";
const TIMESTAMP_BEFORE: &str = "message.timestamp.before.max.ms";
/// As in Apache Kafka, which writes no limit like this.
const NO_LIMIT: &str = "9223372036854775807";

/// All settings that a topic can have.
pub(crate) const DEFINITIONS: [Definition; 15] = [
    define(CLEANUP, "log.cleanup.policy", Kind::ListOf(&[COMPACT, DELETE]), DELETE),
    define(COMPRESSION, COMPRESSION, Kind::OneOf(&COMPRESSIONS), "producer"),
    define("delete.retention.ms", "log.cleaner.delete.retention.ms", Kind::Long(0), "86400000"),
    define(MAX_LAG, "log.cleaner.max.compaction.lag.ms", Kind::Long(1), NO_LIMIT),
    define("max.message.bytes", "message.max.bytes", Kind::Int(0), "1048588"),
    define(TIMESTAMP_AFTER, "log.message.timestamp.after.max.ms", Kind::Long(0), "3600000"),
    define(TIMESTAMP_BEFORE, "log.message.timestamp.before.max.ms", Kind::Long(0), NO_LIMIT),
    define(
        "message.timestamp.type",
        "log.message.timestamp.type",
        Kind::OneOf(&["CreateTime", LOG_APPEND_TIME]),
        "CreateTime",
    ),
    define("min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio", Kind::Ratio, "0.5"),
    define(MIN_LAG, "log.cleaner.min.compaction.lag.ms", Kind::Long(0), "0"),
    define("min.insync.replicas", "min.insync.replicas", Kind::Int(1), "1"),
    define(RETENTION_BYTES, "log.retention.bytes", Kind::Long(-1), "-1"),
    define(RETENTION_MS, "log.retention.ms", Kind::Long(-1), "-1"),
    define(SEGMENT_BYTES, "log.segment.bytes", Kind::Int(MIN_SEGMENT_BYTES), "268435456"),
    define("segment.ms", "log.roll.ms", Kind::Long(1), "604800000"),
];

const fn define(
    name: &'static str,
    broker_name: &'static str,
    kind: Kind,
    default: &'static str,
) -> Definition {
    Definition { name, broker_name, kind, default }
}

impl Definition {
    /// The setting of that name; an error says that there is none.
    pub(crate) fn of(name: &str) -> Result<&'static Self, String> {
        let found = DEFINITIONS.iter().find(|definition| definition.name == name);
        found.ok_or_else(|| format!("this broker has no setting {name}"))
    }

    fn check(&self, value: &str) -> Result<(), String> {
        let number = value.parse::<i64>();
        let (valid, wanted) = match self.kind {
            Kind::Int(min) => (
                number.is_ok_and(|n| (min..=i64::from(i32::MAX)).contains(&n)),
                format!("a number from {min} on"),
            ),
            Kind::Long(min) => (number.is_ok_and(|n| n >= min), format!("a number from {min} on")),
            Kind::Ratio => (
                value.parse::<f64>().is_ok_and(|ratio| (0.0..=1.0).contains(&ratio)),
                "a number from 0 to 1".to_owned(),
            ),
            Kind::OneOf(words) => (words.contains(&value), format!("one of {words:?}")),
            Kind::ListOf(words) => {
                let listed: Vec<&str> = list(value).collect();
                let twice = |(i, word)| listed[..i].contains(word);
                let valid = listed.iter().all(|word| words.contains(word))
                    && !listed.iter().enumerate().any(twice);
                (valid, format!("a list of {words:?}"))
            }
        };
        if valid { Ok(()) } else { Err(format!("{} must be {wanted}, not {value:?}", self.name)) }
    }
}

/// The words in the value of a [`Kind::ListOf`].
fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

/// Settings of one topic that differ from the broker's: values by name, as they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TopicSettings(BTreeMap<String, String>);

impl TopicSettings {
    /// The value that the topic has of its own.
    pub(crate) fn own(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value that holds for the topic.
    pub(crate) fn value(&self, definition: &Definition, config: &BrokerConfig) -> String {
        let own = self.own(definition.name).map(str::to_owned);
        own.or_else(|| of_broker(definition.name, config))
            .unwrap_or_else(|| definition.default.to_owned())
    }

    /// Sets one setting; without a value it is the broker's again. An error says that it is not
    /// possible.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), String> {
        let definition = Definition::of(name)?;
        let Some(value) = value else {
            self.0.remove(name);
            return Ok(());
        };
        definition.check(value)?;
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Adds words to a setting that is a list, or takes them away from it.
    pub(crate) fn change_list(
        &mut self,
        name: &str,
        value: &str,
        add: bool,
        config: &BrokerConfig,
    ) -> Result<(), String> {
        let definition = Definition::of(name)?;
        if !matches!(definition.kind, Kind::ListOf(_)) {
            return Err(format!("{name} is not a list"));
        }
        let before = self.value(definition, config);
        let mut words: Vec<&str> = list(&before).collect();
        words.retain(|word| !list(value).any(|named| named == *word));
        if add {
            words.extend(list(value));
        }
        self.set(name, Some(&words.join(",")))
    }

    /// What cannot be seen from one setting alone; an error says which do not fit together.
    pub(crate) fn check(&self, config: &BrokerConfig) -> Result<(), String> {
        for (name, value) in &self.0 {
            Definition::of(name)?.check(value)?;
        }
        let LogSettings { min_compaction_lag, max_compaction_lag, .. } = self.resolve(config);
        if max_compaction_lag.is_some_and(|max| min_compaction_lag > max) {
            return Err(format!("{MIN_LAG} is greater than {MAX_LAG}"));
        }
        Ok(())
    }

    /// The settings of the topic's partitions, given the broker's.
    pub(crate) fn resolve(&self, config: &BrokerConfig) -> LogSettings {
        let value = |name: &str| {
            let definition = DEFINITIONS.iter().find(|definition| definition.name == name);
            definition.map(|definition| self.value(definition, config)).unwrap_or_default()
        };
        // Only values that were checked are stored.
        let number = |name: &str| value(name).parse::<i64>().unwrap_or(i64::MAX);
        let limit = |name: &str| u64::try_from(number(name)).ok();
        let millis = |name: &str| limit(name).map(Duration::from_millis);
        let unless_endless = |name: &str| millis(name).filter(|_| value(name) != NO_LIMIT);
        let cleanup = value(CLEANUP);
        LogSettings {
            segment_bytes: limit(SEGMENT_BYTES).unwrap_or(u64::MAX),
            segment_age: millis("segment.ms").unwrap_or(Duration::MAX),
            delete: list(&cleanup).any(|word| word == DELETE),
            retention_bytes: limit(RETENTION_BYTES),
            retention_age: millis(RETENTION_MS),
            compact: list(&cleanup).any(|word| word == COMPACT),
            min_dirty_ratio: value("min.cleanable.dirty.ratio").parse().unwrap_or(0.5),
            min_compaction_lag: millis(MIN_LAG).unwrap_or_default(),
            max_compaction_lag: unless_endless(MAX_LAG),
            tombstone_age: millis("delete.retention.ms").unwrap_or_default(),
            min_insync_replicas: limit("min.insync.replicas").unwrap_or(1),
            max_batch_bytes: limit("max.message.bytes").unwrap_or(u64::MAX),
            compression: compression_named(&value(COMPRESSION)),
            timestamp_type: if value("message.timestamp.type") == LOG_APPEND_TIME {
                TimestampType::LogAppend
            } else {
                TimestampType::Create
            },
            max_timestamp_before: unless_endless(TIMESTAMP_BEFORE),
            max_timestamp_after: unless_endless(TIMESTAMP_AFTER),
        }
    }
}

/// The value of a topic's setting that the broker was started with, if it is not the default.
pub(crate) fn of_broker(name: &str, config: &BrokerConfig) -> Option<String> {
    match name {
        RETENTION_MS => config.retention_age.map(|age| age.as_millis().to_string()),
        RETENTION_BYTES => config.retention_bytes.map(|bytes| bytes.to_string()),
        SEGMENT_BYTES => Some(config.segment_bytes.to_string())
            .filter(|bytes| Definition::of(name).is_ok_and(|one| one.default != bytes)),
        _ => None,
    }
}

/// Earlier versions stored numbers, and names with `_` for Kafka's dots.
impl<'de> Deserialize<'de> for TopicSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Text(String),
            Number(i64),
        }
        let stored = BTreeMap::<String, Value>::deserialize(deserializer)?;
        let named = stored.into_iter().map(|(name, value)| {
            let value = match value {
                Value::Text(value) => value,
                Value::Number(value) => value.to_string(),
            };
            (name.replace('_', "."), value)
        });
        Ok(Self(named.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> BrokerConfig {
        BrokerConfig::new("unused")
    }

    #[test]
    fn the_defaults_are_possible_values_and_are_what_holds() {
        let config = config();
        for definition in &DEFINITIONS {
            assert_eq!(definition.check(definition.default), Ok(()), "{}", definition.name);
            let value = TopicSettings::default().value(definition, &config);
            assert_eq!(value, definition.default, "{}", definition.name);
        }
        let resolved = TopicSettings::default().resolve(&config);
        assert!(resolved.delete && !resolved.compact);
        assert_eq!((resolved.retention_age, resolved.retention_bytes), (None, None));
        assert_eq!(resolved.max_compaction_lag, None);
    }

    #[test]
    fn lists_can_be_added_to_and_taken_from() {
        let (config, mut settings) = (config(), TopicSettings::default());
        settings.change_list(CLEANUP, COMPACT, true, &config).unwrap();
        assert_eq!(settings.own(CLEANUP), Some("delete,compact"));
        let resolved = settings.resolve(&config);
        assert!(resolved.delete && resolved.compact);
        settings.change_list(CLEANUP, DELETE, false, &config).unwrap();
        assert_eq!(settings.own(CLEANUP), Some(COMPACT));
        assert!(settings.change_list(CLEANUP, COMPACT, false, &config).is_err(), "none is left");
        assert!(settings.set(CLEANUP, Some("compact,compact")).is_err());
        assert!(settings.change_list(RETENTION_MS, "1", true, &config).is_err());
    }

    #[test]
    fn lags_that_contradict_each_other_are_refused() {
        let mut settings = TopicSettings::default();
        settings.set(MIN_LAG, Some("10")).unwrap();
        assert_eq!(settings.check(&config()), Ok(()));
        settings.set(MAX_LAG, Some("9")).unwrap();
        assert!(settings.check(&config()).is_err());
    }

    #[test]
    fn settings_of_earlier_versions_are_read() {
        let old = r#"{"retention_ms": -1, "segment_bytes": 2048}"#;
        let settings: TopicSettings = serde_json::from_str(old).unwrap();
        assert_eq!(settings.own(RETENTION_MS), Some("-1"));
        assert_eq!(settings.resolve(&config()).segment_bytes, 2048);
        let again = serde_json::to_string(&settings).unwrap();
        assert_eq!(again, r#"{"retention.ms":"-1","segment.bytes":"2048"}"#);
        assert_eq!(serde_json::from_str::<TopicSettings>(&again).unwrap(), settings);
    }
}
