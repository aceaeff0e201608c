//! Trains one batch after the other.

use std::thread;

use rayon::prelude::*;
use tillstream_shared::{Entity, Manifest, ModelKind, ModelNumber, ModelRef};

use super::{
    Trainer, TrainerOptions, TrainingError,
    build::{LineFit, line_model},
    many::Source,
    source::is_of,
};
use crate::{
    batch::{self, BatchError, Catalogue},
    features::LinePoints,
    modelling::ModellingError,
    shutdown::Shutdown,
    training_state::{BatchContent, BatchId},
};

impl Trainer {
    /// Trains all batches that wait; tells whether none is left. What may pass is tried again later.
    pub(super) fn train_batches(
        &mut self,
        catalogue: &mut Catalogue,
        shutdown: &Shutdown,
    ) -> Result<bool, TrainingError> {
        while self.reading.is_due() && !shutdown.requested() {
            match self.train_next(catalogue, shutdown) {
                Ok(true) => self.reading.succeeded(),
                Ok(false) => return Ok(true),
                Err(error) if error.may_pass() => {
                    if self.reading.is_first() {
                        self.progress().notice(format!("{error}; training waits and tries again"));
                    }
                    self.reading.failed(error);
                }
                Err(error) => return Err(error.into()),
            }
            if self.saved.is_due() {
                self.save();
                self.remove_old(catalogue, shutdown);
            }
        }
        Ok(false)
    }

    /// Trains the next batch; tells whether there was one.
    fn train_next(
        &mut self,
        catalogue: &mut Catalogue,
        shutdown: &Shutdown,
    ) -> Result<bool, BatchError> {
        let number = self.state.last.number + 1;
        if number > catalogue.last() {
            catalogue.refresh()?;
            if number > catalogue.last() {
                return Ok(false);
            }
        }
        if number < catalogue.first() {
            self.skip_removed(catalogue.first() - 1);
            return Ok(true);
        }
        let manifest = catalogue.manifest(number)?.ok_or_else(|| BatchError::Io {
            path: catalogue.store().place(),
            source: std::io::Error::other(format!("batch {number} has disappeared")),
        })?;
        let read = self.next.take().filter(|(id, _)| *id == BatchId::of(&manifest));
        match read.map_or_else(|| read_content(catalogue, &manifest), |(_, content)| content) {
            Ok(content) => {
                let next = (number < catalogue.last()).then(|| catalogue.manifest(number + 1).ok());
                let next = next.flatten().flatten();
                self.next = thread::scope(|scope| {
                    let catalogue = &*catalogue;
                    // While the models of this one are trained.
                    let next = next.map(|next| {
                        let read = move || (BatchId::of(&next), read_content(catalogue, &next));
                        scope.spawn(read)
                    });
                    self.train_batch(&manifest, content, catalogue.last(), shutdown);
                    next?.join().ok()
                });
            }
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => self.leave_out(&manifest, &error),
        }
        Ok(true)
    }

    /// Goes on after batches that were removed before they were trained on.
    fn skip_removed(&mut self, last: u64) {
        let first = self.state.last.number + 1;
        self.progress().notice(format!(
            "batches {first} to {last} were removed: models of many batches are without them"
        ));
        self.state.last = BatchId { number: last, manifest: String::new() };
        self.saved.changed = true;
    }

    fn leave_out(&mut self, manifest: &Manifest, error: &BatchError) {
        self.progress().notice(format!(
            "batch {} is damaged and left out of all models: {error}",
            manifest.number
        ));
        self.state.leave_out(manifest, error.to_string());
        self.progress().set_gaps(self.state.gaps());
        self.saved.changed = true;
    }

    /// Trains the line models of a batch and absorbs it. When the shutdown is heard in between, the batch is
    /// done again at the next start.
    fn train_batch(
        &mut self,
        manifest: &Manifest,
        content: BatchContent,
        last: u64,
        shutdown: &Shutdown,
    ) {
        let models = content.points.par_iter().map(|points| {
            let is_missing = self.is_missing(points.entity(), manifest, last);
            is_missing.then(|| line_model(points, &self.publisher.options.lines))
        });
        for (points, fit) in content.points.iter().zip(models.collect::<Vec<_>>()) {
            if shutdown.requested() {
                return;
            }
            self.publish_line_model(points.entity(), fit, manifest);
        }
        let TrainerOptions { lines, half_life, .. } = self.publisher.options;
        for (entity, error) in self.state.absorb(manifest, &content, &lines, half_life) {
            let number = manifest.number;
            self.progress()
                .notice(format!("the live {entity} model leaves out batch {number}: {error}"));
        }
        self.newest_points = Some(content.points);
        self.is_stale = true;
        self.saved.changed = true;
    }

    /// Trains the line model of one batch, unless it is there, or would be removed at once.
    pub(super) fn train_line_model(&mut self, points: &LinePoints, manifest: &Manifest, last: u64) {
        let is_missing = self.is_missing(points.entity(), manifest, last);
        let fit = is_missing.then(|| line_model(points, &self.publisher.options.lines));
        self.publish_line_model(points.entity(), fit, manifest);
    }

    /// Whether the line model of a batch is not there, and would stay.
    fn is_missing(&self, entity: Entity, manifest: &Manifest, last: u64) -> bool {
        let number = manifest.number;
        let keep = self.publisher.options.retention.models.unwrap_or(u64::MAX);
        let there = self.publisher.registry.get(ModelKind::Line, entity, ModelRef::Number(number));
        number.saturating_add(keep) > last && !there.is_some_and(|model| is_of(&model, manifest))
    }

    /// Publishes the line model of one batch, if it is one to publish.
    fn publish_line_model(
        &mut self,
        entity: Entity,
        fit: Option<Result<LineFit, ModellingError>>,
        manifest: &Manifest,
    ) {
        let number = manifest.number;
        self.saved.changed |= self.state.unstored.remove(&(number, entity));
        let Some(fit) = fit else { return };
        let id = BatchId::of(manifest);
        let source = Source { newest: &id, offsets: &manifest.partitions, gaps: Vec::new() };
        let number = ModelNumber::Number(number);
        if let Err(error) = self.publisher.publish_lines(entity, fit, number, &source) {
            self.state.unstored.insert((manifest.number, entity));
            self.saved.changed = true;
            self.cannot_store(error);
        }
    }

    /// Tries batches that were left out and have been passed: whoever restores a file finds it trained on
    /// after the next start.
    pub(super) fn retry_gaps(
        &mut self,
        catalogue: &Catalogue,
        shutdown: &Shutdown,
    ) -> Result<(), TrainingError> {
        let gaps: Vec<_> = self.state.gaps.keys().copied().collect();
        for number in gaps {
            if shutdown.requested() {
                break;
            }
            let manifest = match catalogue.manifest(number) {
                Ok(Some(manifest)) => manifest,
                // A batch that was removed since stays a gap.
                Ok(None) => continue,
                Err(error) if error.may_pass() => continue,
                Err(error) => return Err(error.into()),
            };
            let Ok(content) = read_content(catalogue, &manifest) else { continue };
            for points in &content.points {
                self.train_line_model(points, &manifest, catalogue.last());
            }
            self.state.absorb_late(&manifest, &content);
            self.is_stale = true;
            self.saved.changed = true;
            self.progress().notice(format!(
                "batch {number} is whole again and trained on; the live models are without it"
            ));
        }
        self.progress().set_gaps(self.state.gaps());
        Ok(())
    }
}

/// What the lines of a batch amount to.
pub(super) fn read_content(
    catalogue: &Catalogue,
    manifest: &Manifest,
) -> Result<BatchContent, BatchError> {
    let mut content = BatchContent::default();
    batch::read_lines(catalogue.store(), manifest, |line| content.add(line))?;
    Ok(content)
}
