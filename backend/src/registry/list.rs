//! The list of models, page by page.

use tillstream_shared::{
    Entity, ModelKind, ModelNumber,
    api::{ModelList, ModelSummary},
};

use super::{ModelKey, Registry};

/// Which models are listed.
#[derive(Debug, Clone, Copy)]
pub struct ListQuery {
    /// Those of one kind; of both without it.
    pub kind: Option<ModelKind>,
    /// Those of one entity; of all without it.
    pub entity: Option<Entity>,
    /// So many numbered models of every kind and entity: the newest.
    pub limit: usize,
    /// Numbered models below this, and no others; without it `all` and `live` are listed too.
    pub before: Option<u64>,
}

impl Registry {
    /// The models that `query` asks for, by kind and entity, numbered models ascending, then `all` and
    /// `live`; and the files that could not be used. Blocks: it may have to read files.
    #[must_use]
    pub fn list(&self, query: &ListQuery) -> ModelList {
        let matches = |kind, entity| {
            query.kind.is_none_or(|wanted| wanted == kind)
                && query.entity.is_none_or(|wanted| wanted == entity)
        };
        let mut models = Vec::new();
        for kind in ModelKind::ALL {
            for entity in Entity::ALL.into_iter().filter(|entity| matches(kind, *entity)) {
                models.extend(self.page(kind, entity, query));
            }
        }
        ModelList { models, total: self.usable(matches), unusable: self.unusable() }
    }

    fn page(&self, kind: ModelKind, entity: Entity, query: &ListQuery) -> Vec<ModelSummary> {
        let summary = |number| self.summary(ModelKey { kind, entity, number });
        let before = query.before.unwrap_or(u64::MAX);
        let newest = self.newest(kind, entity, before, query.limit);
        let numbered = newest.into_iter().rev().map(ModelNumber::Number);
        let aliases = [ModelNumber::All, ModelNumber::Live];
        let aliases = aliases.into_iter().filter(|_| query.before.is_none());
        numbered.chain(aliases).filter_map(summary).collect()
    }
}
