//! How models are told apart and asked for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use crate::UnknownName;

/// What one row of a model's training data stands for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = UnknownName, parse_err_fn = unknown_kind)]
pub enum ModelKind {
    /// A line: (Quantity, UnitPrice).
    #[default]
    Line,
    /// A customer, product or country with what all its lines so far amount to.
    Profile,
}

impl ModelKind {
    /// Both kinds, in the order in which they are listed everywhere.
    pub const ALL: [Self; 2] = [Self::Line, Self::Profile];

    /// The name in file names, URLs and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

fn unknown_kind(name: &str) -> UnknownName {
    UnknownName::new("kind of model", name, ModelKind::VARIANTS)
}

/// Which model of an entity this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ModelNumber {
    /// A line model trained on the batch of this number, from 1; a profile model of all lines up to
    /// the end of that batch.
    Number(u64),
    /// Trained on every batch so far.
    All,
    /// Follows the stream: earlier batches count less and less.
    Live,
}

/// How a request names a model: a number or an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModelRef {
    /// The model trained on the batch of this number.
    Number(u64),
    /// The numbered model with the highest number.
    Latest,
    /// The model trained on every batch so far.
    All,
    /// The model that follows the stream and forgets.
    Live,
    /// The promoted model.
    Champion,
}

/// A text that names no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a model number: use a number from 1, `latest`, `all`, `live` or `champion`")]
pub struct UnknownModelRef(pub String);

impl fmt::Display for ModelNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::All => f.pad("all"),
            Self::Live => f.pad("live"),
        }
    }
}

impl Serialize for ModelNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            alias => serializer.collect_str(alias),
        }
    }
}

impl<'de> Deserialize<'de> for ModelNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match ModelRef::deserialize(deserializer)? {
            ModelRef::Number(number) => Ok(Self::Number(number)),
            ModelRef::All => Ok(Self::All),
            ModelRef::Live => Ok(Self::Live),
            alias @ (ModelRef::Latest | ModelRef::Champion) => {
                Err(serde::de::Error::custom(format_args!("`{alias}` is not a model's number")))
            }
        }
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Latest => f.pad("latest"),
            Self::All => f.pad("all"),
            Self::Live => f.pad("live"),
            Self::Champion => f.pad("champion"),
        }
    }
}

impl From<ModelNumber> for ModelRef {
    fn from(number: ModelNumber) -> Self {
        match number {
            ModelNumber::Number(number) => Self::Number(number),
            ModelNumber::All => Self::All,
            ModelNumber::Live => Self::Live,
        }
    }
}

impl FromStr for ModelRef {
    type Err = UnknownModelRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "latest" => Ok(Self::Latest),
            "all" => Ok(Self::All),
            "live" => Ok(Self::Live),
            "champion" => Ok(Self::Champion),
            number => number
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .map(Self::Number)
                .ok_or_else(|| UnknownModelRef(text.to_owned())),
        }
    }
}

impl Serialize for ModelRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            alias => serializer.collect_str(alias),
        }
    }
}

impl<'de> Deserialize<'de> for ModelRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = ModelRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model number from 1, `latest`, `all`, `live` or `champion`")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<ModelRef, E> {
                if number == 0 {
                    return Err(E::invalid_value(serde::de::Unexpected::Unsigned(number), &self));
                }
                Ok(ModelRef::Number(number))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<ModelRef, E> {
                let unexpected = serde::de::Unexpected::Signed(number);
                u64::try_from(number)
                    .map_err(|_| E::invalid_value(unexpected, &self))
                    .and_then(|number| self.visit_u64(number))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ModelRef, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
