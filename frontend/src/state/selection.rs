//! Kind, entity and model as the address of a page names them, so that a view can be linked to.

use serde::{Deserialize, Serialize};
use tillstream_shared::{Entity, ModelKind, ModelRef};

/// The query of a page's address: `?kind=line&entity=product&model=latest`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Name of the kind of model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
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
    /// Line or profile models.
    pub kind: ModelKind,
    /// Customers, products or countries.
    pub entity: Entity,
    /// Which model of them.
    pub model: ModelRef,
}

impl From<Query> for Selection {
    /// Whatever the query does not say, or says wrongly, is the default.
    fn from(query: Query) -> Self {
        Self {
            kind: query.kind.and_then(|k| k.parse().ok()).unwrap_or_default(),
            entity: query.entity.and_then(|e| e.parse().ok()).unwrap_or(Entity::Customer),
            model: query.model.and_then(|m| m.parse().ok()).unwrap_or(ModelRef::Latest),
        }
    }
}

impl From<Selection> for Query {
    fn from(selection: Selection) -> Self {
        Self {
            kind: Some(selection.kind.to_string()),
            entity: Some(selection.entity.to_string()),
            model: Some(selection.model.to_string()),
        }
    }
}

/// The query of the profile page: `?entity=customer&id=17850`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileQuery {
    /// Name of the entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// The customer, product or country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl ProfileQuery {
    /// The query that shows `id`.
    #[must_use]
    pub fn new(entity: Entity, id: &str) -> Self {
        Self { entity: Some(entity.to_string()), id: Some(id.to_owned()) }
    }

    /// The entity; customers where the query does not say, or says it wrongly.
    #[must_use]
    pub fn entity(&self) -> Entity {
        self.entity.as_ref().and_then(|e| e.parse().ok()).unwrap_or(Entity::Customer)
    }

    /// The identifier, without blanks around it; none when there is nothing else.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        self.id.as_deref().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_survives_the_address() {
        let models = [
            ModelRef::Latest,
            ModelRef::All,
            ModelRef::Live,
            ModelRef::Champion,
            ModelRef::Number(12),
        ];
        for kind in ModelKind::ALL {
            for entity in Entity::ALL {
                for model in models {
                    let selection = Selection { kind, entity, model };
                    assert_eq!(Selection::from(Query::from(selection)), selection);
                }
            }
        }
    }

    #[test]
    fn nonsense_in_the_address_is_the_default() {
        let text = |text: &str| Some(text.to_owned());
        let query = Query { kind: text("row"), entity: text("till"), model: text("0") };
        let default =
            Selection { kind: ModelKind::Line, entity: Entity::Customer, model: ModelRef::Latest };
        assert_eq!(Selection::from(query), default);
        assert_eq!(Selection::from(Query::default()), default);
    }

    #[test]
    fn a_profile_is_named_by_entity_and_identifier() {
        let query = ProfileQuery::new(Entity::Country, " United Kingdom ");
        assert_eq!(query.entity(), Entity::Country);
        assert_eq!(query.id().as_deref(), Some("United Kingdom"));
        let blank = ProfileQuery { entity: Some("till".to_owned()), id: Some(" ".to_owned()) };
        assert_eq!((blank.entity(), blank.id()), (Entity::Customer, None));
    }
}
