//! What a model is about: customers, products or countries.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};

use crate::{Line, UnknownName};

/// The thing whose lines a model clusters.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = UnknownName, parse_err_fn = unknown)]
pub enum Entity {
    /// Identified by CustomerID; lines without one belong to no customer.
    Customer,
    /// Identified by StockCode.
    Product,
    /// Identified by Country.
    Country,
}

impl Entity {
    /// All entities, in the order in which they are listed everywhere.
    pub const ALL: [Self; 3] = [Self::Customer, Self::Product, Self::Country];

    /// The name in file names, URLs and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
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

fn unknown(name: &str) -> UnknownName {
    UnknownName::new("entity", name, Entity::VARIANTS)
}
