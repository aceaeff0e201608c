//! The flags that say how to speak to a Kafka cluster.

use std::{env, path::PathBuf};

use clap::Args;

use super::flags::TopicOptions;
use crate::kafka::{Cluster, DEFAULT_GROUP, Properties, PropertyError, PropertyOrigin};

/// Begins the environment variables that set a property: `…_SASL_PASSWORD` is `sasl.password`.
const PROPERTY_VARIABLES: &str = "TILLSTREAM_KAFKA_PROPERTY_";

#[derive(Debug, Args)]
pub(super) struct KafkaOptions {
    /// Share the partitions of the topic with all consumers of this group, which store into the same batch folder.
    /// Without it the consumer takes all partitions and the folder alone, and commits offsets under `tillstream`
    #[arg(long, env = "TILLSTREAM_GROUP", value_name = "NAME")]
    group: Option<String>,
    /// File of librdkafka's properties, a NAME=VALUE on each line: TLS, SASL and whatever else there is
    #[arg(long, env = "TILLSTREAM_KAFKA_CONFIG", value_name = "FILE")]
    kafka_config: Option<PathBuf>,
    /// One of librdkafka's properties, with precedence over the file; may be repeated. By environment:
    /// TILLSTREAM_KAFKA_PROPERTY_SASL_PASSWORD for sasl.password, and so on
    #[arg(long, value_name = "NAME=VALUE")]
    kafka_property: Vec<String>,
}

impl KafkaOptions {
    /// The properties of the file, of the environment and of the flags, in this order.
    pub(super) fn properties(&self) -> Result<Properties, PropertyError> {
        let variables = env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        self.properties_with(variables)
    }

    fn properties_with(
        &self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Properties, PropertyError> {
        let mut properties = Properties::default();
        if let Some(path) = &self.kafka_config {
            properties.add_file(path)?;
        }
        let mut variables: Vec<_> =
            variables.filter(|(name, _)| name.starts_with(PROPERTY_VARIABLES)).collect();
        variables.sort();
        for (variable, value) in variables {
            let name = variable[PROPERTY_VARIABLES.len()..].to_lowercase().replace('_', ".");
            properties.set(&name, &value, PropertyOrigin::Environment(variable))?;
        }
        for property in &self.kafka_property {
            properties.add(property, PropertyOrigin::Flag)?;
        }
        Ok(properties)
    }

    /// Whether the consumer is one of several.
    pub(super) fn joins_group(&self) -> bool {
        self.group.is_some()
    }

    /// The cluster at `brokers`.
    pub(super) fn cluster(
        &self,
        brokers: String,
        topic: &TopicOptions,
    ) -> Result<Cluster, PropertyError> {
        let properties = self.properties()?;
        let group = self.group.clone().unwrap_or_else(|| DEFAULT_GROUP.to_owned());
        let joins_group = self.joins_group();
        Ok(Cluster { properties, group, joins_group, ..topic.cluster(brokers) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_precedence_over_the_environment_and_that_over_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "client.id=file\nlinger.ms=1\nsasl.username=file\n").unwrap();
        let options = KafkaOptions {
            group: None,
            kafka_config: Some(file.path().to_owned()),
            kafka_property: vec!["client.id=flag".to_owned()],
        };
        let variables = [
            ("TILLSTREAM_KAFKA_PROPERTY_CLIENT_ID", "environment"),
            ("TILLSTREAM_KAFKA_PROPERTY_SASL_USERNAME", "environment"),
            ("TILLSTREAM_KAFKA_CONFIG", "something else"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let properties = options.properties_with(variables.into_iter()).unwrap();
        assert_eq!(properties.get("client.id"), Some("flag"));
        assert_eq!(properties.get("sasl.username"), Some("environment"));
        assert_eq!(properties.get("linger.ms"), Some("1"));

        let variable = ("TILLSTREAM_KAFKA_PROPERTY_ACKS".to_owned(), "1".to_owned());
        let error = options.properties_with([variable].into_iter()).unwrap_err().to_string();
        assert!(error.starts_with("TILLSTREAM_KAFKA_PROPERTY_ACKS: acks cannot be set"), "{error}");
    }
}
