//! What a data folder tells of batches, and of what its models were trained on.

use std::path::PathBuf;

use tillstream_shared::{
    Entity, Model, ModelKind, ModelNumber,
    api::{BatchList, Membership, Migration, Points, ProfileRows, ProfileView},
};

use super::{Cumulative, TrainingError, trainer::cumulative_path};
use crate::{
    batch::{self, BatchError, Catalogue},
    features::{LinePoints, RfmScores, WeightedPoint},
    modelling::{Overlap, line_overlap, membership_overlap},
    registry::{Registry, RowStore},
};

/// Profile models that a history goes back over: the newest ones.
const HISTORY: usize = 500;

/// The files of a data folder that the routes read.
#[derive(Debug, Clone)]
pub struct StoredData {
    /// The batch folder.
    pub batches: PathBuf,
    /// The models folder.
    pub models: PathBuf,
}

impl StoredData {
    /// The manifests of the newest `limit` batches below number `before`, ascending, and how many there
    /// are in all.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn manifests(&self, limit: u64, before: u64) -> Result<BatchList, BatchError> {
        let catalogue = Catalogue::read(&self.batches)?;
        let last = catalogue.last().min(before.saturating_sub(1));
        let first = (last + 1).saturating_sub(limit);
        let batches = catalogue.manifests(first..=last).collect::<Result<_, _>>()?;
        Ok(BatchList { batches, total: catalogue.last() + 1 - catalogue.first() })
    }

    /// The weighted points of a line model with their clusters: those of its batch, for `all` those of
    /// all batches, for `live` those of the newest batch. `None` when they are gone.
    ///
    /// # Errors
    /// [`TrainingError`].
    pub fn points(&self, model: &Model) -> Result<Option<Points>, TrainingError> {
        let Some(points) = self.weighted_points(model)? else { return Ok(None) };
        let mut columns = Points::default();
        for point in points {
            let quantity = point.quantity as f64;
            // The filter has left only points that the model admits.
            if let Ok(assignment) = model.assign(&[quantity, point.unit_price]) {
                columns.quantity.push(quantity);
                columns.unit_price.push(point.unit_price);
                columns.weight.push(point.weight);
                columns.cluster.push(assignment.cluster);
            }
        }
        Ok(Some(columns))
    }

    /// The rows of a profile model. `None` when they are gone.
    ///
    /// # Errors
    /// [`TrainingError`].
    pub fn rows(&self, model: &Model) -> Result<Option<ProfileRows>, TrainingError> {
        let ModelNumber::Number(number) = model.number else { return Ok(None) };
        RowStore::of(&self.models)
            .load(model.entity, number)
            .map_err(|source| TrainingError::Io { path: self.models.clone(), source })
    }

    /// How many lines or entities moved from which cluster to which between two models of the same
    /// kind and entity. `None` when what they were trained on is gone.
    ///
    /// # Errors
    /// [`TrainingError`].
    pub fn migration(&self, from: &Model, to: &Model) -> Result<Option<Migration>, TrainingError> {
        let overlap = match to.kind {
            ModelKind::Line => {
                self.weighted_points(to)?.map(|points| line_overlap(from, to, &points))
            }
            ModelKind::Profile => match (self.rows(from)?, self.rows(to)?) {
                (Some(before), Some(after)) => {
                    let members = |rows: ProfileRows| {
                        rows.ids.into_iter().zip(rows.cluster).collect::<Vec<_>>()
                    };
                    Some(membership_overlap(from.k, &members(before), to.k, &members(after))?)
                }
                _ => None,
            },
        };
        Ok(overlap.map(|Overlap { counts, arrived, left }| Migration {
            kind: to.kind,
            entity: to.entity,
            from: from.number,
            to: to.number,
            counts,
            arrived,
            left,
        }))
    }

    /// One customer, product or country, with its clusters in the newest profile models. `None` when
    /// none of them knows it.
    ///
    /// # Errors
    /// [`TrainingError`].
    pub fn profile(
        &self,
        registry: &Registry,
        entity: Entity,
        id: &str,
    ) -> Result<Option<ProfileView>, TrainingError> {
        let mut models: Vec<_> = registry
            .models()
            .into_iter()
            .filter(|model| model.kind == ModelKind::Profile && model.entity == entity)
            .collect();
        models.drain(..models.len().saturating_sub(HISTORY));
        let mut view = None;
        let mut history = Vec::new();
        for model in models {
            let ModelNumber::Number(number) = model.number else { continue };
            let Some(rows) = self.rows(&model)? else { continue };
            let Ok(at) = rows.ids.binary_search_by(|known| known.as_str().cmp(id)) else {
                continue;
            };
            let cluster = rows.cluster[at];
            let of = model.clusters.get(cluster as usize - 1);
            history.push(Membership {
                model: number,
                cluster,
                identity: of.map_or(0, |cluster| cluster.identity),
                name: of.map(|cluster| cluster.name.clone()).unwrap_or_default(),
                trained_at: model.trained_at.clone(),
            });
            view = Some((rows, at));
        }
        Ok(view.map(|(rows, at)| ProfileView {
            entity,
            id: id.to_owned(),
            values: rows.columns.iter().map(|column| column[at]).collect(),
            exact: rows.exact[at],
            rfm: RfmScores::of(&rows).and_then(|scores| scores.get(id)),
            features: rows.features,
            history,
        }))
    }

    /// The points that a line model was trained on.
    fn weighted_points(&self, model: &Model) -> Result<Option<Vec<WeightedPoint>>, TrainingError> {
        let points = self.line_points(model)?;
        Ok(points.map(|points| points.filtered(model.preprocessing.filter).0))
    }

    fn line_points(&self, model: &Model) -> Result<Option<LinePoints>, TrainingError> {
        let entity = model.entity;
        if model.number == ModelNumber::All {
            let path = cumulative_path(&self.models);
            let cumulative =
                Cumulative::load(&path).map_err(|source| TrainingError::Io { path, source })?;
            return Ok(cumulative.map(|cumulative| cumulative.of(entity).clone()));
        }
        let catalogue = Catalogue::read(&self.batches)?;
        let Some(manifest) = catalogue.manifest(model.batch.unwrap_or_default())? else {
            return Ok(None);
        };
        let mut points = LinePoints::new(entity);
        batch::read_lines(&self.batches, &manifest, |line| points.add(line))?;
        Ok(Some(points))
    }
}
