//! What happens to every trained model: its clusters get identities and names, it is stored, it answers
//! from then on, and the gate judges whether it becomes champion.

use std::{io, path::PathBuf, sync::Arc};

use tillstream_clustering::{adjusted_rand_index, evaluate};
use tillstream_durable::fault;
use tillstream_shared::{Entity, Model, ModelKind, ModelNumber, ModelRef, api::Event};

use super::{TrainerOptions, observations::Observations};
use crate::{
    modelling::{
        ChallengerComparison, Matching, Overlap, judge, line_overlap, match_clusters,
        membership_overlap,
    },
    progress::Progress,
    registry::{ChampionStore, ProfileRowStore, Registry},
};

/// What could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum NotStored {
    /// A model or its rows.
    #[error("the {entity} {kind} model {number} could not be stored: {source}")]
    Model {
        /// Line or profile models.
        kind: ModelKind,
        /// What it is about.
        entity: Entity,
        /// Number, `all` or `live`.
        number: ModelNumber,
        /// What was reported.
        source: io::Error,
    },
    /// The training state.
    #[error("the training state could not be stored in {path}: {source}")]
    State {
        /// The file.
        path: PathBuf,
        /// What was reported.
        source: io::Error,
    },
}

/// Stores models, puts them into the registry and decides about champions.
pub(super) struct Publisher {
    pub(super) options: TrainerOptions,
    pub(super) rows: ProfileRowStore,
    pub(super) champions: ChampionStore,
    pub(super) registry: Arc<Registry>,
    pub(super) progress: Arc<Progress>,
}

impl Publisher {
    /// Publishes `model`; `labels` are the clusters of its observations, from 1.
    ///
    /// # Errors
    /// The model could not be stored, and does not answer.
    pub(super) fn publish(
        &self,
        mut model: Model,
        observations: Observations<'_>,
        labels: &[u32],
    ) -> Result<(), NotStored> {
        let Model { kind, entity, number, .. } = model;
        fault::point("trainer");
        self.identify(&mut model, observations, labels);
        self.save(&model, observations, labels).map_err(|source| NotStored::Model {
            kind,
            entity,
            number,
            source,
        })?;
        tracing::debug!("trained {entity} {kind} model {number}");
        let judged = model.clone();
        self.registry.insert(model);
        self.progress.models.set(self.registry.count());
        self.progress.send(Event::ModelTrained { kind, entity, number });
        if let ModelNumber::Number(number) = number {
            self.judge(&judged, number, observations, labels);
        }
        Ok(())
    }

    /// The model before, unless its features are others, as those of another version may be.
    fn before(&self, model: &Model) -> Option<Arc<Model>> {
        let before = self.registry.before(model.kind, model.entity, model.number)?;
        (before.features == model.features).then_some(before)
    }

    /// Gives the clusters the identities of those that they continue.
    fn identify(&self, model: &mut Model, observations: Observations<'_>, labels: &[u32]) {
        let previous = self.before(model);
        let matching = previous.as_deref().map_or_else(
            || Matching::first(model.k),
            |previous| {
                let overlap = self.overlap(previous, model, observations, labels);
                match_clusters(previous, model, &overlap)
            },
        );
        model.previous = previous.map(|previous| previous.number);
        model.identities = matching.identities_used;
        model.transitions = matching.transitions;
        for (cluster, identity) in model.clusters.iter_mut().zip(matching.identities) {
            cluster.identity = identity;
        }
    }

    /// What the clusters of `previous` and of `model` have in common.
    fn overlap(
        &self,
        previous: &Model,
        model: &Model,
        observations: Observations<'_>,
        labels: &[u32],
    ) -> Overlap {
        let table = match observations {
            Observations::Lines(points) => return line_overlap(previous, model, points),
            Observations::Profiles(table) => table,
        };
        let members = |ids: &[String], clusters: &[u32]| {
            let members = ids.iter().cloned().zip(clusters.iter().copied());
            members.filter(|(_, cluster)| *cluster > 0).collect::<Vec<_>>()
        };
        let rows = self.rows.load(previous).unwrap_or_else(|error| {
            let Model { kind, entity, number, .. } = previous;
            self.progress.notice(format!(
                "the rows of the {entity} {kind} model {number} are left out: {error}"
            ));
            None
        });
        // Without its rows the previous model is asked where the entities of today would be.
        let before = rows.map_or_else(
            || members(&table.ids, &observations.assigned_by(previous)),
            |rows| members(&rows.ids, &rows.cluster),
        );
        let now = members(&table.ids, labels);
        membership_overlap(previous.k, &before, model.k, &now).unwrap_or_else(|error| {
            self.progress.notice(format!(
                "the clusters of the {} profile model {} are matched by their centroids alone: {error}",
                model.entity, model.number
            ));
            Overlap::empty(previous.k, model.k)
        })
    }

    fn save(
        &self,
        model: &Model,
        observations: Observations<'_>,
        labels: &[u32],
    ) -> io::Result<()> {
        // The rows first: a model is there only with what it was trained on.
        if let (Observations::Profiles(table), ModelNumber::Number(number)) =
            (observations, model.number)
        {
            let rows = table.to_rows(labels.to_vec());
            self.rows.save(model.entity, number, &rows)?;
        }
        self.registry.store().save(model)
    }

    /// Lets the gate decide whether a numbered model becomes champion.
    fn judge(&self, model: &Model, number: u64, observations: Observations<'_>, labels: &[u32]) {
        let Model { kind, entity, .. } = *model;
        let comparison = self
            .registry
            .resolve(kind, entity, ModelRef::Champion)
            .ready()
            .filter(|champion| champion.features == model.features)
            .map(|champion| self.compare(model, &champion, observations, labels));
        let judgement = judge(model, comparison, &self.options.gate);
        let decided = self.champions.decide(kind, entity, number, judgement).and_then(|decision| {
            if decision.promoted {
                self.registry.follow_champions(&self.champions, &self.progress)?;
            }
            Ok(())
        });
        if let Err(error) = decided {
            self.progress.notice(format!(
                "the {entity} {kind} model {number} is not considered as champion: {error}"
            ));
        }
    }

    /// How the champion does on what the candidate `model` has observations.
    fn compare(
        &self,
        model: &Model,
        champion: &Model,
        observations: Observations<'_>,
        labels: &[u32],
    ) -> ChallengerComparison {
        let weights = observations.weights();
        let by_champion = observations.assigned_by(champion);
        let before = self.before(model);
        let agreement = |assigned: &[u32]| adjusted_rand_index(assigned, labels, &weights);
        let with_previous = before
            .filter(|before| before.number != champion.number)
            .map_or(f64::NEG_INFINITY, |before| agreement(&observations.assigned_by(&before)));
        ChallengerComparison {
            champion_silhouette: observations
                .in_space_of(model)
                .ok()
                .and_then(|points| {
                    evaluate(&points, &by_champion, champion.k as usize + 1).silhouette
                })
                .map(|silhouette| silhouette.value),
            stability: agreement(&by_champion).max(with_previous),
        }
    }
}

#[cfg(test)]
mod tests;
