//! What waits until no batch does.

use std::collections::BTreeSet;

use super::{Retention, Trainer, batches::read_content, retention::remove_batches};
use crate::{batch::Catalogue, shutdown::Shutdown};

impl Trainer {
    /// Trains models of many batches and models that could not be stored, and removes what is old. Tells whether nothing of it is left.
    pub(super) fn train_when_quiet(
        &mut self,
        catalogue: &mut Catalogue,
        shutdown: &Shutdown,
    ) -> bool {
        let is_left = |trainer: &Self| {
            trainer.is_stale || trainer.saved.changed || !trainer.state.unstored.is_empty()
        };
        if is_left(self) && self.storing.is_due() {
            let failures = self.storing.failures();
            // The state first: the points of `all` are read from it.
            self.save();
            if self.is_stale {
                self.train_models_of_many(catalogue, shutdown);
            }
            self.train_unstored(catalogue, shutdown);
            self.save();
            self.remove_old(catalogue, shutdown);
            if self.storing.failures() == failures {
                self.storing.succeeded();
            }
        }
        !is_left(self)
    }

    /// Trains the line models that could not be stored before.
    fn train_unstored(&mut self, catalogue: &Catalogue, shutdown: &Shutdown) {
        let numbers: BTreeSet<_> = self.state.unstored.iter().map(|(number, _)| *number).collect();
        for number in numbers {
            if shutdown.requested() || !self.storing.is_due() {
                return;
            }
            let read = catalogue.manifest(number).and_then(|manifest| {
                manifest
                    .map(|manifest| Ok((read_content(catalogue, &manifest)?, manifest)))
                    .transpose()
            });
            match read {
                Ok(Some((content, manifest))) => {
                    for points in &content.points {
                        if self.state.unstored.contains(&(number, points.entity())) {
                            self.train_line_model(points, &manifest, catalogue.last());
                        }
                    }
                }
                Err(error) if error.may_pass() => {}
                // Its batch was removed or damaged since.
                Ok(None) | Err(_) => {
                    self.state.unstored.retain(|(unstored, _)| *unstored != number);
                    self.saved.changed = true;
                }
            }
        }
    }

    /// Removes models and batches that are older than what is to be kept.
    pub(super) fn remove_old(&mut self, catalogue: &mut Catalogue, shutdown: &Shutdown) {
        let Retention { models, batches } = self.publisher.options.retention;
        if let Some(keep) = models
            && let Err(error) = self.publisher.remove_models(keep, shutdown)
        {
            self.progress().notice(format!("old models are not removed: {error}"));
        }
        let newest = self.state.newest.as_ref().map_or(0, |newest| newest.id.number);
        let unstored = self.state.unstored.first().map_or(u64::MAX, |(number, _)| *number);
        // What was not trained on stays, and the newest batch, whose points the live models show.
        let trained = self.saved.through.min(newest.min(unstored).saturating_sub(1));
        if let Some(keep) = batches {
            let through = trained.min(catalogue.last().saturating_sub(keep));
            if let Err(error) = remove_batches(catalogue, through, shutdown) {
                self.progress().notice(format!("old batches are not removed: {error}"));
            }
        }
    }
}
