//! The weighted points that a stored model was trained on.

use std::path::PathBuf;

use tillstream_shared::{Entity, ModelNumber};

use super::{Cumulative, TrainingError, trainer::cumulative_path};
use crate::{
    batch::{self, Catalogue},
    features::LinePoints,
};

/// Finds points in a data folder: those of a numbered model in its batch, those of `all` in the
/// cumulative points.
#[derive(Debug, Clone)]
pub struct StoredPointsSource {
    /// The batch folder.
    pub batches: PathBuf,
    /// The models folder.
    pub models: PathBuf,
}

impl StoredPointsSource {
    /// All points of `entity` that the model `number` could see, before its filter; `None` when the
    /// batch is not there.
    ///
    /// # Errors
    /// [`TrainingError`].
    pub fn points(
        &self,
        entity: Entity,
        number: ModelNumber,
    ) -> Result<Option<LinePoints>, TrainingError> {
        match number {
            ModelNumber::All => {
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
