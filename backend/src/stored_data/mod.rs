//! What a data folder tells of batches, and of what its models were trained on. Everything here blocks.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use tillstream_shared::{
    Entity, Manifest, Model, ModelKind, ModelNumber, ModelRef,
    api::{BatchList, Membership, Migration, Points, ProfileRows, ProfileView},
};

use crate::{
    batch::{self, BatchError, BatchStore, Catalogue},
    features::{LinePoints, RfmScores, WeightedPoint},
    modelling::{InvalidMembership, Overlap, line_overlap, membership_overlap},
    registry::{ProfileRowStore, Registry},
    training_state::{TrainingState, state_path},
};

/// Profile models that the history of a customer, product or country goes back over: the newest ones.
const HISTORY: usize = 100;

/// The batches, and the files of a models folder, that the routes read.
#[derive(Debug)]
pub struct StoredData {
    batches: BatchStore,
    models: PathBuf,
    rows: ProfileRowStore,
    /// Kept, so that an answer takes no longer after many batches.
    catalogue: Mutex<Option<Catalogue>>,
}

/// Why stored data cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredDataError {
    /// A batch or its manifest.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The rows of a profile model are not those of the model.
    #[error("the rows of a profile model do not fit it: {0}")]
    Rows(#[from] InvalidMembership),
    /// The training state, or the rows of a profile model.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was reported.
        source: io::Error,
    },
}

impl StoredData {
    /// What is in `batches` and in the folder `models`. Nothing is read or made yet.
    #[must_use]
    pub fn new(batches: impl Into<BatchStore>, models: &Path) -> Self {
        Self {
            batches: batches.into(),
            models: models.to_owned(),
            rows: ProfileRowStore::of(models),
            catalogue: Mutex::default(),
        }
    }

    /// The manifests of the newest `limit` batches below number `before`, ascending, and how many there
    /// are in all.
    ///
    /// # Errors
    /// [`StoredDataError::Batch`].
    pub fn manifests(&self, limit: u64, before: u64) -> Result<BatchList, StoredDataError> {
        self.with_catalogue(|catalogue| {
            let last = catalogue.last().min(before.saturating_sub(1));
            let first = (last + 1).saturating_sub(limit);
            let batches = catalogue.manifests(first..=last).collect::<Result<_, _>>()?;
            Ok(BatchList { batches, total: catalogue.last() + 1 - catalogue.first() })
        })
    }

    /// Hands over the batches as they are now.
    fn with_catalogue<T>(
        &self,
        use_it: impl FnOnce(&Catalogue) -> Result<T, StoredDataError>,
    ) -> Result<T, StoredDataError> {
        let mut kept = self.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
        let mut catalogue = match kept.take() {
            Some(catalogue) if catalogue.is_current()? => catalogue,
            // The folder was replaced by another one, or this is the first look.
            _ => Catalogue::read(&self.batches)?,
        };
        catalogue.refresh()?;
        use_it(kept.insert(catalogue))
    }

    /// The weighted points of a line model with their clusters: those of its batch, for `all` those of
    /// all batches, for `live` those of the newest batch. `None` when they are gone.
    ///
    /// # Errors
    /// [`StoredDataError`].
    pub fn points(&self, model: &Model) -> Result<Option<Points>, StoredDataError> {
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
    /// [`StoredDataError::Io`].
    pub fn rows(&self, model: &Model) -> Result<Option<ProfileRows>, StoredDataError> {
        self.rows.load(model).map_err(|source| self.io(source))
    }

    /// How many lines or entities moved from which cluster to which between two models of the same
    /// kind and entity. `None` when what they were trained on is gone.
    ///
    /// # Errors
    /// [`StoredDataError`].
    pub fn migration(
        &self,
        from: &Model,
        to: &Model,
    ) -> Result<Option<Migration>, StoredDataError> {
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
    /// [`StoredDataError::Io`].
    pub fn profile(
        &self,
        registry: &Registry,
        entity: Entity,
        id: &str,
    ) -> Result<Option<ProfileView>, StoredDataError> {
        let mut history = Vec::new();
        let mut newest = None;
        for number in registry.newest(ModelKind::Profile, entity, u64::MAX, HISTORY) {
            let model = registry.get(ModelKind::Profile, entity, ModelRef::Number(number));
            let Some(model) = model else { continue };
            let cluster = self.rows.cluster_of(&model, id).map_err(|source| self.io(source))?;
            let Some(cluster) = cluster else { continue };
            history.push(membership(&model, number, cluster));
            newest.get_or_insert(model);
        }
        history.reverse();
        let rows = newest.map_or(Ok(None), |model| self.rows(&model))?;
        let Some(rows) = rows else { return Ok(None) };
        let Ok(at) = rows.ids.binary_search_by(|known| known.as_str().cmp(id)) else {
            return Ok(None);
        };
        Ok(Some(ProfileView {
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
    fn weighted_points(
        &self,
        model: &Model,
    ) -> Result<Option<Vec<WeightedPoint>>, StoredDataError> {
        let points = self.line_points(model)?;
        Ok(points.map(|points| points.filtered(model.preprocessing.filter).0))
    }

    fn line_points(&self, model: &Model) -> Result<Option<LinePoints>, StoredDataError> {
        let entity = model.entity;
        if model.number == ModelNumber::All {
            let points = TrainingState::load_points(&state_path(&self.models), entity);
            return points.map_err(|source| self.io(source));
        }
        let Some(manifest) = self.manifest_of(model)? else { return Ok(None) };
        let mut points = LinePoints::new(entity);
        batch::read_lines(&self.batches, &manifest, |line| points.add(line))?;
        Ok(Some(points))
    }

    /// The manifest of the batch that a model was trained on, unless another batch of that number is
    /// there by now.
    fn manifest_of(&self, model: &Model) -> Result<Option<Manifest>, StoredDataError> {
        let Some(batch) = model.batch else { return Ok(None) };
        let manifest = self.with_catalogue(|catalogue| Ok(catalogue.manifest(batch)?))?;
        let is_it = |manifest: &Manifest| {
            model.manifest.as_ref().is_none_or(|trained| *trained == manifest.hash)
        };
        Ok(manifest.filter(is_it))
    }

    fn io(&self, source: io::Error) -> StoredDataError {
        StoredDataError::Io { path: self.models.clone(), source }
    }
}

fn membership(model: &Model, number: u64, cluster: u32) -> Membership {
    let of = model.clusters.get(cluster as usize - 1);
    Membership {
        model: number,
        cluster,
        identity: of.map_or(0, |cluster| cluster.identity),
        name: of.map(|cluster| cluster.name.clone()).unwrap_or_default(),
        trained_at: model.trained_at.clone(),
    }
}
