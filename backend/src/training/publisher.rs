//! What happens to every trained model: its clusters get identities and names, it is stored, it answers
//! from then on, and the gate judges whether it becomes champion.

use std::{io, sync::Arc};

use tillstream_clustering::{adjusted_rand_index, evaluate};
use tillstream_shared::{Model, ModelNumber, ModelRef, api::Event};

use super::{TrainerOptions, seen::Seen};
use crate::{
    fault,
    modelling::{
        ChallengerComparison, Matching, Overlap, judge, line_overlap, match_clusters,
        membership_overlap,
    },
    progress::Progress,
    registry::{ChampionStore, ModelStore, Registry, RowStore},
};

/// Stores models, puts them into the registry and decides about champions.
pub(super) struct Publisher {
    pub(super) options: TrainerOptions,
    pub(super) store: ModelStore,
    pub(super) rows: RowStore,
    pub(super) champions: ChampionStore,
    pub(super) registry: Arc<Registry>,
    pub(super) progress: Arc<Progress>,
}

impl Publisher {
    /// Publishes `model`; `labels` are the clusters of what it has seen, from 1. What goes wrong is a
    /// notice.
    pub(super) fn publish(&self, mut model: Model, seen: Seen<'_>, labels: &[u32]) {
        let Model { kind, entity, number, .. } = model;
        fault::point("trainer");
        self.identify(&mut model, seen, labels);
        if let Err(error) = self.save(&model, seen, labels) {
            let notice = format!("the {entity} {kind} model {number} is not stored: {error}");
            self.progress.notice(notice);
            return;
        }
        tracing::debug!("trained {entity} {kind} model {number}");
        let judged = model.clone();
        self.registry.insert(model);
        self.progress.models.set(self.registry.count() as u64);
        self.progress.send(Event::ModelTrained { kind, entity, number });
        if let ModelNumber::Number(number) = number {
            self.judge(&judged, number, seen, labels);
        }
    }

    /// Gives the clusters the identities of those that they continue.
    fn identify(&self, model: &mut Model, seen: Seen<'_>, labels: &[u32]) {
        let previous = self.registry.before(model.kind, model.entity, model.number);
        let matching = previous.as_deref().map_or_else(
            || Matching::first(model.k),
            |previous| {
                match_clusters(previous, model, &self.overlap(previous, model, seen, labels))
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
    fn overlap(&self, previous: &Model, model: &Model, seen: Seen<'_>, labels: &[u32]) -> Overlap {
        let table = match seen {
            Seen::Lines(points) => return line_overlap(previous, model, points),
            Seen::Profiles(table) => table,
        };
        let members = |ids: &[String], clusters: &[u32]| {
            let members = ids.iter().cloned().zip(clusters.iter().copied());
            members.filter(|(_, cluster)| *cluster > 0).collect::<Vec<_>>()
        };
        let rows = match previous.number {
            ModelNumber::Number(number) => self.rows.load(model.entity, number).ok().flatten(),
            ModelNumber::All | ModelNumber::Live => None,
        };
        // Without its rows the previous model is asked where the entities of today would be.
        let before = rows.map_or_else(
            || members(&table.ids, &seen.assigned_by(previous)),
            |rows| members(&rows.ids, &rows.cluster),
        );
        let now = members(&table.ids, labels);
        membership_overlap(previous.k, &before, model.k, &now).unwrap_or_else(|error| {
            self.progress.notice(format!(
                "the clusters of the {} profile model {} are matched by their centroids alone, as the \
                 rows of model {} do not fit it: {error}",
                model.entity, model.number, previous.number
            ));
            Overlap::empty(previous.k, model.k)
        })
    }

    fn save(&self, model: &Model, seen: Seen<'_>, labels: &[u32]) -> io::Result<()> {
        // The rows first: a model is there only with what it was trained on.
        if let (Seen::Profiles(table), ModelNumber::Number(number)) = (seen, model.number) {
            let rows = table.to_rows(labels.to_vec());
            self.rows.save(model.entity, number, &rows)?;
        }
        self.store.save(model)
    }

    /// Lets the gate decide whether a numbered model becomes champion.
    fn judge(&self, model: &Model, number: u64, seen: Seen<'_>, labels: &[u32]) {
        let Model { kind, entity, .. } = *model;
        let contest = self
            .registry
            .resolve(kind, entity, ModelRef::Champion)
            .map(|champion| self.contest(model, &champion, seen, labels));
        let judgement = judge(model, contest, &self.options.gate);
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

    /// How the champion does on what the candidate `model` has seen.
    fn contest(
        &self,
        model: &Model,
        champion: &Model,
        seen: Seen<'_>,
        labels: &[u32],
    ) -> ChallengerComparison {
        let weights = seen.weights();
        let by_champion = seen.assigned_by(champion);
        let before = self.registry.before(model.kind, model.entity, model.number);
        let agreement = |assigned: &[u32]| adjusted_rand_index(assigned, labels, &weights);
        let with_previous = before
            .filter(|before| before.number != champion.number)
            .map_or(f64::NEG_INFINITY, |before| agreement(&seen.assigned_by(&before)));
        ChallengerComparison {
            champion_silhouette: seen
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
