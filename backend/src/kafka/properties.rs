//! The properties of librdkafka that a user sets: for TLS, SASL, buffers, whatever there is.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use rdkafka::{ClientConfig, error::KafkaError as ClientError};

use super::property_table::{canonical, is_secret, protection};

/// What is shown in place of a secret.
pub(super) const MASK: &str = "********";

/// Where a property was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyOrigin {
    /// A line, counted from 1, of a properties file.
    File(PathBuf, usize),
    /// The environment variable of that name.
    Environment(String),
    /// The flag `--kafka-property`.
    Flag,
}

impl fmt::Display for PropertyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Flag => f.write_str("--kafka-property"),
        }
    }
}

/// A property that is not as it must be. Values are not repeated: they may be secrets.
#[derive(Debug, thiserror::Error)]
pub enum PropertyError {
    /// The properties file cannot be read.
    #[error("cannot read the Kafka properties {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was reported.
        source: io::Error,
    },
    /// It has no `=`, or nothing before it.
    #[error("{0}: a Kafka property is written NAME=VALUE")]
    Form(PropertyOrigin),
    /// librdkafka has no such property.
    #[error("{origin}: librdkafka has no property {name}")]
    Unknown {
        /// Where it was set.
        origin: PropertyOrigin,
        /// Its name.
        name: String,
    },
    /// librdkafka has it, but not with this value.
    #[error("{origin}: wrong value for {name}: {reason}")]
    Value {
        /// Where it was set.
        origin: PropertyOrigin,
        /// Its name.
        name: String,
        /// What librdkafka reports.
        reason: String,
    },
    /// The program depends on it.
    #[error("{origin}: {name} cannot be set: {reason}")]
    Protected {
        /// Where it was set.
        origin: PropertyOrigin,
        /// Its name.
        name: String,
        /// What depends on it.
        reason: &'static str,
    },
}

/// One property.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Property {
    /// Its canonical name.
    pub(super) name: String,
    pub(super) value: String,
    pub(super) origin: PropertyOrigin,
}

/// Does not show the value of a secret.
impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if is_secret(&self.name) { MASK } else { &self.value };
        write!(f, "{}={value} ({})", self.name, self.origin)
    }
}

/// Properties of which each is known to librdkafka and may be set. What is added later has precedence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties(Vec<Property>);

impl Properties {
    /// Adds those of a file of lines `NAME=VALUE`. Empty lines, and lines that begin with `#`, are comments;
    /// a value may hold any character, and spaces around it do not count.
    ///
    /// # Errors
    /// [`PropertyError`].
    pub fn add_file(&mut self, path: &Path) -> Result<(), PropertyError> {
        let text = fs::read_to_string(path)
            .map_err(|source| PropertyError::File { path: path.to_owned(), source })?;
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if !line.is_empty() && !line.starts_with('#') {
                self.add(line, PropertyOrigin::File(path.to_owned(), number))?;
            }
        }
        Ok(())
    }

    /// Adds a property that is written `NAME=VALUE`.
    ///
    /// # Errors
    /// [`PropertyError`].
    pub fn add(&mut self, text: &str, origin: PropertyOrigin) -> Result<(), PropertyError> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(PropertyError::Form(origin));
        };
        self.set(name.trim(), value.trim(), origin)
    }

    /// Adds the property `name`.
    ///
    /// # Errors
    /// [`PropertyError`].
    pub fn set(
        &mut self,
        name: &str,
        value: &str,
        origin: PropertyOrigin,
    ) -> Result<(), PropertyError> {
        if name.is_empty() {
            return Err(PropertyError::Form(origin));
        }
        let canonical = canonical(name);
        if let Some(reason) = protection(canonical) {
            return Err(PropertyError::Protected { origin, name: name.to_owned(), reason });
        }
        check(canonical, value, &origin)?;
        self.0.retain(|property| property.name != canonical);
        let (name, value) = (canonical.to_owned(), value.to_owned());
        self.0.push(Property { name, value, origin });
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Property> {
        self.0.iter()
    }

    /// The value of the property with this canonical name, if it is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|property| property.name == name).map(|property| property.value.as_str())
    }
}

/// Asks librdkafka about one property.
fn check(name: &str, value: &str, origin: &PropertyOrigin) -> Result<(), PropertyError> {
    let Err(error) = ClientConfig::new().set(name, value).create_native_config() else {
        return Ok(());
    };
    let (name, origin) = (name.to_owned(), origin.clone());
    match error {
        ClientError::ClientConfig(_, reason, ..) if reason.starts_with("No such") => {
            Err(PropertyError::Unknown { origin, name })
        }
        ClientError::ClientConfig(_, reason, ..) if !is_secret(&name) => {
            Err(PropertyError::Value { origin, name, reason })
        }
        // Other texts may repeat the value.
        _ => Err(PropertyError::Value { origin, name, reason: "not accepted".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(text: &str) -> Result<Properties, PropertyError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut properties = Properties::default();
        properties.add_file(file.path()).map(|()| properties)
    }

    fn refused(property: &str) -> String {
        let mut properties = Properties::default();
        properties.add(property, PropertyOrigin::Flag).unwrap_err().to_string()
    }

    #[test]
    fn a_file_is_read_line_by_line() {
        let properties = read(
            "# TLS\nsecurity.protocol = SASL_SSL\n\n  sasl.mechanisms=SCRAM-SHA-256\nsasl.password= a=b #c \n",
        )
        .unwrap();
        assert_eq!(properties.get("security.protocol"), Some("SASL_SSL"));
        assert_eq!(properties.get("sasl.mechanism"), Some("SCRAM-SHA-256"), "by its alias");
        assert_eq!(properties.get("sasl.password"), Some("a=b #c"));
        assert_eq!(properties.get("client.id"), None);
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number_and_not_repeated() {
        let error = read("client.id=a\n\nsasl.password hunter2\n").unwrap_err().to_string();
        assert!(error.contains(":3: ") && !error.contains("hunter2"), "{error}");
        let error = read("=a").unwrap_err().to_string();
        assert!(error.contains("NAME=VALUE"), "{error}");
        let error = Properties::default().add_file(Path::new("/no/such")).unwrap_err().to_string();
        assert!(error.contains("/no/such"), "{error}");
    }

    #[test]
    fn what_is_added_later_has_precedence() {
        let mut properties = Properties::default();
        for (property, origin) in [
            ("compression.codec=zstd", PropertyOrigin::Environment("X".to_owned())),
            ("compression.type=gzip", PropertyOrigin::Flag),
        ] {
            properties.add(property, origin).unwrap();
        }
        assert_eq!(properties.get("compression.type"), Some("gzip"));
        assert_eq!(properties.iter().count(), 1, "two names of one property");
    }

    #[test]
    fn an_unknown_property_and_a_wrong_value_are_named() {
        let error = refused("sasl.pasword=hunter2");
        assert!(error.contains("no property sasl.pasword"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        let error = refused("linger.ms=soon");
        assert!(error.contains("linger.ms") && error.starts_with("--kafka-property: "), "{error}");
        let error = refused("security.protocol=SECRET");
        assert!(error.contains("security.protocol"), "{error}");
        assert!(refused("log_cb=1").contains("log_cb"), "one that is no text");
    }

    #[test]
    fn what_delivery_depends_on_cannot_be_set() {
        for name in [
            "acks",
            "request.required.acks",
            "enable.idempotence",
            "enable.gapless.guarantee",
            "message.timeout.ms",
            "delivery.timeout.ms",
            "retries",
            "isolation.level",
            "auto.offset.reset",
            "enable.auto.commit",
            "auto.commit.enable",
            "enable.auto.offset.store",
            "check.crcs",
            "enable.partition.eof",
            "partitioner",
            "transactional.id",
            "test.mock.num.brokers",
        ] {
            let error = refused(&format!("{name}=1"));
            assert!(error.contains(&format!("{name} cannot be set: ")), "{error}");
        }
        assert!(refused("metadata.broker.list=a:1").contains("--brokers"));
        assert!(refused("group.id=a").contains("--group"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut properties = Properties::default();
        properties.add("sasl.password=hunter2", PropertyOrigin::Flag).unwrap();
        properties.add("client.id=till", PropertyOrigin::Flag).unwrap();
        let shown = format!("{properties:?}");
        assert!(!shown.contains("hunter2") && shown.contains("client.id=till"), "{shown}");
    }
}
