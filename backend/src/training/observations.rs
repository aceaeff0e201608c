//! What a model was trained on, for comparing it with other models.

use tillstream_clustering::WeightedPoints;
use tillstream_shared::Model;

use crate::{
    features::{ProfileTable, WeightedPoint},
    modelling::{ModellingError, line_points, to_model_space},
};

/// The observations behind a model, in the order of its labels.
#[derive(Debug, Clone, Copy)]
pub(super) enum Observations<'a> {
    /// Distinct lines with their multiplicities.
    Lines(&'a [WeightedPoint]),
    /// One row an entity.
    Profiles(&'a ProfileTable),
}

impl Observations<'_> {
    /// How many lines or entities each observation stands for.
    pub(super) fn weights(&self) -> Vec<f64> {
        match self {
            Self::Lines(points) => points.iter().map(|point| point.weight as f64).collect(),
            Self::Profiles(table) => vec![1.0; table.ids.len()],
        }
    }

    /// The clusters that `model` gives the observations, from 1; 0 where it does not admit one.
    pub(super) fn assigned_by(&self, model: &Model) -> Vec<u32> {
        let assign = |values: &[f64]| model.assign(values).map_or(0, |found| found.cluster);
        match self {
            Self::Lines(points) => {
                points.iter().map(|p| assign(&[p.quantity as f64, p.unit_price])).collect()
            }
            Self::Profiles(table) => {
                (0..table.ids.len()).map(|index| assign(table.row(index))).collect()
            }
        }
    }

    /// The observations in the model space of `model`, which was trained on them.
    ///
    /// # Errors
    /// [`ModellingError`] when it was not.
    pub(super) fn in_space_of(&self, model: &Model) -> Result<WeightedPoints, ModellingError> {
        let points = match self {
            Self::Lines(points) => line_points(points)?,
            Self::Profiles(table) => {
                WeightedPoints::unweighted(table.features.len(), table.rows.clone())?
            }
        };
        to_model_space(&model.preprocessing, &points)
    }
}
