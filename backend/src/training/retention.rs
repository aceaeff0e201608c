//! Removes old models and batches.

use std::{collections::BTreeSet, io};

use tillstream_shared::{Entity, ModelKind};

use super::publisher::Publisher;
use crate::{
    batch::{BatchError, Catalogue},
    registry::ChampionError,
    shutdown::Shutdown,
};

/// Batches that are removed at a time.
const BATCHES_AT_A_TIME: u64 = 1_000;

/// Why old models could not be removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RetentionError {
    #[error(transparent)]
    Champions(#[from] ChampionError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Publisher {
    /// Removes all numbered models of every kind and entity but the newest `keep`, champions, and those
    /// that they could be rolled back to.
    pub(super) fn remove_models(
        &self,
        keep: u64,
        shutdown: &Shutdown,
    ) -> Result<(), RetentionError> {
        self.champions.protect(|protected| {
            for kind in ModelKind::ALL {
                for entity in Entity::ALL {
                    let protected = protected.get(&(kind, entity));
                    self.remove_models_of(kind, entity, keep, protected, shutdown)?;
                }
            }
            Ok(())
        })?
    }

    fn remove_models_of(
        &self,
        kind: ModelKind,
        entity: Entity,
        keep: u64,
        protected: Option<&BTreeSet<u64>>,
        shutdown: &Shutdown,
    ) -> Result<(), RetentionError> {
        let newest_first = self.registry.newest(kind, entity, u64::MAX, usize::MAX);
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        for number in newest_first.into_iter().skip(keep) {
            if shutdown.requested() {
                return Ok(());
            }
            if protected.is_some_and(|protected| protected.contains(&number)) {
                continue;
            }
            // A model without its rows is removed the next time.
            if kind == ModelKind::Profile {
                self.rows.remove(entity, number)?;
            }
            self.registry.remove(kind, entity, number)?;
        }
        self.progress.models.set(self.registry.count());
        Ok(())
    }
}

/// Removes the batches up to `through`.
pub(super) fn remove_batches(
    catalogue: &mut Catalogue,
    through: u64,
    shutdown: &Shutdown,
) -> Result<(), BatchError> {
    let mut first = 0;
    while first < catalogue.first() && catalogue.first() <= through && !shutdown.requested() {
        first = catalogue.first();
        catalogue.remove_through(through.min(first + BATCHES_AT_A_TIME - 1))?;
    }
    Ok(())
}
