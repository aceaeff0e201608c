//! The line model that follows the stream.

use serde::{Deserialize, Serialize};
use tillstream_shared::{Preprocessing, Transition, TransitionKind};

use super::{
    ClusteringError, HalfLife, InvalidState, Matching, StreamingKMeans, StreamingUpdate,
    TrainedLine, WeightedPoints,
    line_model::{by_value, nearest},
    sum::sum,
};
use crate::features::WeightedPoint;

/// [`StreamingKMeans`] on (Quantity, UnitPrice), with what a line model tells besides: mean values,
/// which give the clusters their numbers, and identities, which are exact here, as a cluster of the
/// stream stays the same until its centroid is reused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct LiveLine {
    /// That of the first batch.
    preprocessing: Preprocessing,
    clusters: StreamingKMeans,
    /// Of every cluster, decayed as its centroid is.
    mean_values: Vec<f64>,
    identities: Vec<u32>,
    identities_used: u32,
    /// Of all batches, decayed as the weights are, each against the centroids that it met.
    sse: f64,
}

/// What is read, before it is checked.
#[derive(Deserialize)]
struct Stored {
    preprocessing: Preprocessing,
    clusters: StreamingKMeans,
    mean_values: Vec<f64>,
    identities: Vec<u32>,
    identities_used: u32,
    sse: f64,
}

/// The live model after a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveUpdate {
    /// The model. Sizes are weights, rounded: lines, the earlier ones decayed. So decays the SSE,
    /// in which every batch was measured against the centroids that it met. Labels are those of
    /// this batch's points, and a half of a split cluster has the mean value of the whole until its
    /// next batch.
    pub trained: TrainedLine,
    /// The identities of the clusters, and what happened to them in this batch.
    pub matching: Matching,
    /// What the batch brought, the clusters in the order of the state and not of their numbers;
    /// none for a batch without points.
    pub update: Option<StreamingUpdate>,
}

impl TryFrom<Stored> for LiveLine {
    type Error = InvalidState;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { preprocessing, clusters, mean_values, identities, identities_used, sse } =
            stored;
        let (k, d) = (clusters.k(), clusters.d());
        let fits = mean_values.len() == k && identities.len() == k;
        if !fits || d != 2 || preprocessing.means.len() != d || preprocessing.scales.len() != d {
            return Err(InvalidState::Shape);
        }
        let finite = |numbers: &[f64]| numbers.iter().all(|x| x.is_finite());
        let scales = &preprocessing.scales;
        let usable = finite(&mean_values)
            && finite(&preprocessing.means)
            && finite(&[sse])
            && finite(scales)
            && scales.iter().all(|scale| *scale > 0.0);
        if !usable
            || identities.iter().any(|identity| *identity == 0 || *identity > identities_used)
        {
            return Err(InvalidState::Number);
        }
        Ok(Self { preprocessing, clusters, mean_values, identities, identities_used, sse })
    }
}

impl LiveLine {
    /// Starts from the line model of the first batch; its clusters get the identities 1 to k.
    #[must_use]
    pub fn start(first: &TrainedLine) -> Self {
        let k = first.sizes.len() as u32;
        Self {
            preprocessing: first.preprocessing.clone(),
            clusters: StreamingKMeans::from_parts(
                first.model_centroids.clone(),
                first.sizes.iter().map(|size| *size as f64).collect(),
            ),
            mean_values: first.mean_values.clone(),
            identities: (1..=k).collect(),
            identities_used: k,
            sse: first.sse,
        }
    }

    /// The state below.
    #[must_use]
    pub fn clusters(&self) -> &StreamingKMeans {
        &self.clusters
    }

    /// From (quantity, unit price) to model space, as fitted on the first batch.
    #[must_use]
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// Takes up a batch. `points` are those that the filter of the preprocessing admits; there may
    /// be none.
    ///
    /// # Errors
    /// [`ClusteringError::Excluded`] for a point that should have been filtered out, and
    /// [`ClusteringError::TooLarge`]; nothing is changed then.
    pub fn update(
        &mut self,
        points: &[WeightedPoint],
        half_life: HalfLife,
    ) -> Result<LiveUpdate, ClusteringError> {
        let mut next = self.clone();
        let before = next.order();
        let (model, update) = if points.is_empty() {
            next.clusters.pass(half_life);
            next.sse *= half_life.decay(0.0);
            (None, None)
        } else {
            let model = next.to_model_space(points)?;
            let update = next.clusters.update(&model, half_life)?;
            next.sse = next.sse * half_life.decay(model.total_weight()) + update.sse;
            next.follow_values(points, &update)?;
            (Some(model), Some(update))
        };
        let died = next.reuse(update.as_ref());
        let matching = next.matching(&before, &died);
        let trained = next.trained(model.as_ref());
        *self = next;
        Ok(LiveUpdate { trained, matching, update })
    }

    fn to_model_space(&self, points: &[WeightedPoint]) -> Result<WeightedPoints, ClusteringError> {
        let mut coordinates = Vec::with_capacity(2 * points.len());
        for (point, p) in points.iter().enumerate() {
            let model = self.preprocessing.apply(&[p.quantity as f64, p.unit_price]);
            let model = model.map_err(|excluded| ClusteringError::Excluded { point, excluded })?;
            coordinates.extend_from_slice(&model[..2]);
        }
        WeightedPoints::new(2, coordinates, points.iter().map(|p| p.weight as f64).collect())
    }

    /// Moves the mean values as far as the centroids.
    fn follow_values(
        &mut self,
        points: &[WeightedPoint],
        update: &StreamingUpdate,
    ) -> Result<(), ClusteringError> {
        for (c, value) in self.mean_values.iter_mut().enumerate() {
            if update.batch_weights[c] > 0.0 {
                let own =
                    points.iter().zip(&update.labels).filter(|(_, label)| **label == c as u32);
                let values = own.map(|(p, _)| p.weight as f64 * (p.quantity as f64 * p.unit_price));
                let mean = sum(values) / update.batch_weights[c];
                *value = *value * (1.0 - update.steps[c]) + mean * update.steps[c];
            }
            if !value.is_finite() {
                return Err(ClusteringError::TooLarge);
            }
        }
        Ok(())
    }

    /// Gives every reused centroid a new identity; returns (index, identity that ended, index of
    /// the cluster that was split).
    fn reuse(&mut self, update: Option<&StreamingUpdate>) -> Vec<(usize, u32, usize)> {
        let mut died = Vec::new();
        for split in update.map_or(&[][..], |update| &update.splits) {
            self.identities_used += 1;
            let ended = std::mem::replace(&mut self.identities[split.dying], self.identities_used);
            self.mean_values[split.dying] = self.mean_values[split.largest];
            died.push((split.dying, ended, split.largest));
        }
        died
    }

    /// Indices in the order of the clusters' numbers.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.clusters.k()).collect();
        order.sort_by(|&a, &b| by_value(&self.mean_values, self.clusters.centroids(), a, b));
        order
    }

    fn matching(&self, before: &[usize], died: &[(usize, u32, usize)]) -> Matching {
        let earlier =
            |index: usize| before.iter().position(|i| *i == index).map(|at| at as u32 + 1);
        let order = self.order();
        let mut transitions = Vec::with_capacity(order.len() + died.len());
        for (number, &index) in (1..).zip(&order) {
            let origin = died.iter().find(|(reused, ..)| *reused == index);
            let (event, from) = match origin {
                Some((.., largest)) => (TransitionKind::Split, earlier(*largest)),
                None => (TransitionKind::Continued, earlier(index)),
            };
            let identity = self.identities[index];
            transitions.push(Transition { event, identity, from, to: Some(number) });
        }
        transitions.extend(died.iter().map(|&(index, identity, _)| Transition {
            event: TransitionKind::Died,
            identity,
            from: earlier(index),
            to: None,
        }));
        Matching {
            identities: order.iter().map(|&index| self.identities[index]).collect(),
            identities_used: self.identities_used,
            transitions,
        }
    }

    fn trained(&self, points: Option<&WeightedPoints>) -> TrainedLine {
        let order = self.order();
        let model_centroids: Vec<Vec<f64>> =
            order.iter().map(|&c| self.clusters.centroids()[c].clone()).collect();
        let original = |c: &Vec<f64>| (0..2).map(|j| self.preprocessing.invert(j, c[j])).collect();
        let labels = points.map_or_else(Vec::new, |points| {
            points.iter().map(|(point, _)| nearest(point, &model_centroids) + 1).collect()
        });
        TrainedLine {
            preprocessing: self.preprocessing.clone(),
            centroids: model_centroids.iter().map(original).collect(),
            sizes: order.iter().map(|&c| self.clusters.weights()[c].round() as u64).collect(),
            mean_values: order.iter().map(|&c| self.mean_values[c]).collect(),
            sse: self.sse,
            iterations: 1,
            labels,
            model_centroids,
        }
    }
}
