//! What a model is about: customers, products or countries.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Line;

/// The thing whose lines a model clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entity {
    /// Identified by CustomerID; lines without one belong to no customer.
    Customer,
    /// Identified by StockCode.
    Product,
    /// Identified by Country.
    Country,
}

/// A name that is no [`Entity`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown entity `{0}`: use customer, product or country")]
pub struct UnknownEntity(pub String);

impl Entity {
    /// All entities, in the order in which they are listed everywhere.
    pub const ALL: [Self; 3] = [Self::Customer, Self::Product, Self::Country];

    /// The name in file names, URLs and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Product => "product",
            Self::Country => "country",
        }
    }

    /// The column that identifies the entity, as the data set and the REST API spell it.
    #[must_use]
    pub const fn id_field(self) -> &'static str {
        match self {
            Self::Customer => "CustomerID",
            Self::Product => "StockCode",
            Self::Country => "Country",
        }
    }

    /// The entity's identifier on `line`; `None` where the line has none.
    #[must_use]
    pub fn id_of<'a>(self, line: &'a Line<'_>) -> Option<&'a str> {
        match self {
            Self::Customer => line.customer_id.as_deref(),
            Self::Product => Some(line.stock_code.as_ref()),
            Self::Country => Some(line.country.as_ref()),
        }
        .filter(|id| !id.is_empty())
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Entity {
    type Err = UnknownEntity;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|entity| entity.name() == name)
            .ok_or_else(|| UnknownEntity(name.to_owned()))
    }
}
