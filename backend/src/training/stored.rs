//! What a data folder tells of batches, and of the points that its models were trained on.

use std::path::PathBuf;

use tillstream_shared::{Entity, Manifest, ModelNumber};

use super::{Cumulative, TrainingError, trainer::cumulative_path};
use crate::{
    batch::{self, BatchError, Catalogue},
    features::LinePoints,
};

/// The files of a data folder that the routes read.
#[derive(Debug, Clone)]
pub struct StoredData {
    /// The batch folder.
    pub batches: PathBuf,
    /// The models folder.
    pub models: PathBuf,
}

impl StoredData {
    /// The manifests of all batches, by ascending number.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn manifests(&self) -> Result<Vec<Manifest>, BatchError> {
        Ok(Catalogue::read(&self.batches)?.manifests().to_vec())
    }

    /// The points of `entity` that the model `number` could see, before its filter: for a
    /// numbered model from its batch, for `all` from the cumulative points. `None` when they are gone.
    ///
    /// # Errors
    /// [`TrainingError`].
    pub fn points(
        &self,
        entity: Entity,
        number: ModelNumber,
    ) -> Result<Option<LinePoints>, TrainingError> {
        match number {
            ModelNumber::All | ModelNumber::Live => {
                let path = cumulative_path(&self.models);
                let cumulative =
                    Cumulative::load(&path).map_err(|source| TrainingError::Io { path, source })?;
                Ok(cumulative.map(|cumulative| cumulative.of(entity).clone()))
            }
            ModelNumber::Number(number) => {
                let catalogue = Catalogue::read(&self.batches)?;
                let mut manifests = catalogue.manifests().iter();
                let Some(manifest) = manifests.find(|manifest| manifest.number == number) else {
                    return Ok(None);
                };
                let mut points = LinePoints::new(entity);
                batch::read_lines(&self.batches, manifest, |line| points.add(line))?;
                Ok(Some(points))
            }
        }
    }
}
