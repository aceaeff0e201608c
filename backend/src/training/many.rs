//! Trains models from what batches amount to: those of one batch, and those of all batches so far.

use tillstream_shared::{Entity, Model, ModelKind, ModelNumber, OffsetRange};

use super::{
    NotStored, Trainer,
    batches::read_content,
    build::{LineFit, line_model, profile_model},
    live::live_model,
    observations::Observations,
    publisher::Publisher,
};
use crate::{
    batch::Catalogue,
    features::{LinePoints, Profiles},
    modelling::ModellingError,
    shutdown::Shutdown,
    training_state::BatchId,
};

/// Which batches a model is trained on.
pub(super) struct Source<'a> {
    /// The newest of them.
    pub(super) newest: &'a BatchId,
    /// From the first offset to the last.
    pub(super) offsets: &'a [OffsetRange],
    /// Earlier ones that were left out.
    pub(super) gaps: Vec<u64>,
}

impl Source<'_> {
    /// Says in `model` which batches it was trained on.
    fn place(&self, model: Model, number: ModelNumber) -> Model {
        Model {
            number,
            batch: Some(self.newest.number),
            manifest: Some(self.newest.manifest.clone()),
            gaps: self.gaps.clone(),
            offsets: self.offsets.to_vec(),
            ..model
        }
    }

    /// Whether `model` was trained on these batches. Models of earlier versions do not name the manifest.
    fn is_that_of(&self, model: &Model) -> bool {
        model.batch == Some(self.newest.number)
            && model.manifest.as_ref().is_none_or(|trained| *trained == self.newest.manifest)
            && model.gaps == self.gaps
    }
}

impl Publisher {
    /// Trains and publishes a line model. Points that cannot be clustered are a notice.
    pub(super) fn train_lines(
        &self,
        points: &LinePoints,
        number: ModelNumber,
        source: &Source<'_>,
    ) -> Result<(), NotStored> {
        let fit = line_model(points, &self.options.lines);
        self.publish_lines(points.entity(), fit, number, source)
    }

    /// Publishes a line model, or says why there is none.
    pub(super) fn publish_lines(
        &self,
        entity: Entity,
        fit: Result<LineFit, ModellingError>,
        number: ModelNumber,
        source: &Source<'_>,
    ) -> Result<(), NotStored> {
        match fit {
            Ok(fit) => {
                let model = source.place(fit.model, number);
                self.publish(model, Observations::Lines(&fit.points), &fit.labels)
            }
            Err(error) => {
                self.progress.notice(format!("no {entity} model {number}: {error}"));
                Ok(())
            }
        }
    }

    /// Trains and publishes a profile model. Profiles that cannot be clustered are a notice.
    fn train_profiles(
        &self,
        profiles: &Profiles,
        number: ModelNumber,
        source: &Source<'_>,
    ) -> Result<(), NotStored> {
        let table = profiles.table();
        match profile_model(&table, &self.options.profiles) {
            Ok((model, labels)) => {
                let model = source.place(model, number);
                self.publish(model, Observations::Profiles(&table), &labels)
            }
            Err(error) => {
                let entity = table.entity;
                self.progress.notice(format!("no {entity} profile model {number}: {error}"));
                Ok(())
            }
        }
    }
}

impl Trainer {
    /// Trains `all`, the profile models and the live ones, as far as they are not up to date. Ends early
    /// when the shutdown is requested.
    pub(super) fn train_models_of_many(&mut self, catalogue: &Catalogue, shutdown: &Shutdown) {
        self.read_newest_points(catalogue);
        let trained = [Self::train_all, Self::train_profiles, Self::train_live].map(|train| {
            let mut failed = Vec::new();
            train(self, shutdown, &mut failed);
            failed
        });
        let failed: Vec<_> = trained.into_iter().flatten().collect();
        self.is_stale = !failed.is_empty() || shutdown.requested();
        failed.into_iter().for_each(|error| self.cannot_store(error));
    }

    fn is_up_to_date(
        &self,
        kind: ModelKind,
        entity: Entity,
        number: ModelNumber,
        source: &Source<'_>,
    ) -> bool {
        let model = self.publisher.registry.get(kind, entity, number.into());
        model.is_some_and(|model| source.is_that_of(&model))
    }

    fn train_all(&self, shutdown: &Shutdown, failed: &mut Vec<NotStored>) {
        let Some(source) = self.source_of_all() else { return };
        for points in &self.state.points {
            let entity = points.entity();
            if !shutdown.requested()
                && !self.is_up_to_date(ModelKind::Line, entity, ModelNumber::All, &source)
            {
                failed.extend(self.publisher.train_lines(points, ModelNumber::All, &source).err());
            }
        }
    }

    fn train_profiles(&self, shutdown: &Shutdown, failed: &mut Vec<NotStored>) {
        let Some(source) = self.source_of_all() else { return };
        let number = ModelNumber::Number(source.newest.number);
        for profiles in &self.state.profiles {
            let entity = profiles.entity();
            if !shutdown.requested()
                && !self.is_up_to_date(ModelKind::Profile, entity, number, &source)
            {
                failed.extend(self.publisher.train_profiles(profiles, number, &source).err());
            }
        }
    }

    fn train_live(&self, shutdown: &Shutdown, failed: &mut Vec<NotStored>) {
        let (Some(source), Some(points)) = (self.source_of_live(), &self.newest_points) else {
            return;
        };
        for (live, points) in self.state.live.iter().zip(points) {
            let (Some(live), entity) = (live, points.entity()) else { continue };
            if shutdown.requested()
                || self.is_up_to_date(ModelKind::Line, entity, ModelNumber::Live, &source)
            {
                continue;
            }
            match live_model(live, points, self.publisher.options.half_life) {
                Ok(fit) => {
                    let model = source.place(fit.model, ModelNumber::Live);
                    let points = Observations::Lines(&fit.points);
                    failed.extend(self.publisher.publish(model, points, &fit.labels).err());
                }
                Err(error) => self.progress().notice(format!("no {entity} model live: {error}")),
            }
        }
    }

    /// The live models show the newest batch: after a start it is read again, if one of them is not up to
    /// date.
    fn read_newest_points(&mut self, catalogue: &Catalogue) {
        let Some(source) = self.source_of_live() else { return };
        let up_to_date = Entity::ALL.into_iter().zip(&self.state.live).all(|(entity, live)| {
            live.is_none()
                || self.is_up_to_date(ModelKind::Line, entity, ModelNumber::Live, &source)
        });
        if self.newest_points.is_some() || up_to_date {
            return;
        }
        // Without it the live models wait for the next batch.
        let manifest = catalogue.manifest(source.newest.number).ok().flatten();
        let content = manifest.and_then(|manifest| read_content(catalogue, &manifest).ok());
        self.newest_points = content.map(|content| content.points);
    }

    fn source_of_all(&self) -> Option<Source<'_>> {
        let newest = &self.state.newest.as_ref()?.id;
        let gaps = self.state.gaps.range(..newest.number).map(|(number, _)| *number).collect();
        Some(Source { newest, offsets: &self.state.offsets, gaps })
    }

    fn source_of_live(&self) -> Option<Source<'_>> {
        let newest = self.state.newest.as_ref()?;
        let gaps = self.state.live_gaps.range(..newest.id.number).copied().collect();
        Some(Source { newest: &newest.id, offsets: &newest.offsets, gaps })
    }
}
