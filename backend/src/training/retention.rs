//! Removes old models and batches.

use std::{collections::BTreeSet, io};

use tillstream_shared::{Entity, ModelKind};

use super::publisher::Publisher;
use crate::{
    batch::{BatchError, Catalogue},
    registry::ChampionError,
    shutdown::Shutdown,
};

/// Models or batches that are removed before somebody else is let in.
const AT_A_TIME: usize = 1_000;

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
        for kind in ModelKind::ALL {
            for entity in Entity::ALL {
                let keep = usize::try_from(keep).unwrap_or(usize::MAX);
                let newest_first = self.registry.newest(kind, entity, u64::MAX, usize::MAX);
                let old: Vec<_> = newest_first.into_iter().skip(keep).collect();
                for numbers in old.chunks(AT_A_TIME).take_while(|_| !shutdown.requested()) {
                    // Not longer under the lock, for which whoever changes champions waits.
                    self.champions.protect(|protected| {
                        let protected = protected.get(&(kind, entity));
                        self.remove_unprotected(kind, entity, numbers, protected)
                    })??;
                }
            }
        }
        self.progress.models.set(self.registry.count());
        Ok(())
    }

    fn remove_unprotected(
        &self,
        kind: ModelKind,
        entity: Entity,
        numbers: &[u64],
        protected: Option<&BTreeSet<u64>>,
    ) -> io::Result<()> {
        let is_protected = |number| protected.is_some_and(|protected| protected.contains(number));
        for number in numbers.iter().filter(|number| !is_protected(number)) {
            // A model without its rows is removed the next time.
            if kind == ModelKind::Profile {
                self.rows.remove(entity, *number)?;
            }
            self.registry.remove(kind, entity, *number)?;
        }
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
        catalogue.remove_through(through.min(first + AT_A_TIME as u64 - 1))?;
    }
    Ok(())
}
