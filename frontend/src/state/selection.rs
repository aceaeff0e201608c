//! Entity and model as the address of a page names them, so that a view can be linked to.

use serde::{Deserialize, Serialize};
use tillstream_shared::{Entity, ModelRef};

/// The query of a page's address: `?entity=product&model=latest`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Name of the entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// A model's number or an alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// What a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// Customers, products or countries.
    pub entity: Entity,
    /// Which model of them.
    pub model: ModelRef,
}

impl From<Query> for Selection {
    /// Whatever the query does not say, or says wrongly, is the default.
    fn from(query: Query) -> Self {
        Self {
            entity: query.entity.and_then(|e| e.parse().ok()).unwrap_or(Entity::Customer),
            model: query.model.and_then(|m| m.parse().ok()).unwrap_or(ModelRef::Latest),
        }
    }
}

impl From<Selection> for Query {
    fn from(selection: Selection) -> Self {
        Self {
            entity: Some(selection.entity.to_string()),
            model: Some(selection.model.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_survives_the_address() {
        for entity in Entity::ALL {
            for model in [ModelRef::Latest, ModelRef::All, ModelRef::Number(12)] {
                let selection = Selection { entity, model };
                assert_eq!(Selection::from(Query::from(selection)), selection);
            }
        }
    }

    #[test]
    fn nonsense_in_the_address_is_the_default() {
        let query = Query { entity: Some("till".to_owned()), model: Some("0".to_owned()) };
        let default = Selection { entity: Entity::Customer, model: ModelRef::Latest };
        assert_eq!(Selection::from(query), default);
        assert_eq!(Selection::from(Query::default()), default);
    }
}
