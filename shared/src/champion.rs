//! The model that was promoted to answer under the alias `champion`.

use serde::{Deserialize, Serialize};

use crate::{Entity, ModelKind};

/// What the gate measured on a candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Mean silhouette of the candidate.
    pub silhouette: Option<f64>,
    /// Adjusted Rand index between the assignments of the candidate's points by the candidate and by the
    /// champion of its time, or by the model before where that agrees better; none when there was no
    /// champion.
    pub stability: Option<f64>,
    /// Share of the smallest cluster, from 0 to 1.
    pub smallest_share: f64,
    /// Why the candidate was refused, a sentence each; empty when it passed.
    pub reasons: Vec<String>,
}

/// What was decided about one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The model's number.
    pub model: u64,
    /// Whether it became champion.
    pub promoted: bool,
    /// What the gate found; none when a person decided.
    pub judgement: Option<Judgement>,
    /// RFC 3339 in UTC.
    pub at: String,
}

/// The champion of one kind and entity, and how it came to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Champion {
    /// Line or profile models.
    pub kind: ModelKind,
    /// What they are about.
    pub entity: Entity,
    /// Number of the champion; none as long as no model passed.
    pub model: Option<u64>,
    /// Whether a person chose it: the gate then judges but does not promote, until released.
    pub held: bool,
    /// Earlier champions, the last one last; where a roll-back goes.
    pub earlier: Vec<u64>,
    /// The newest decisions, the last one last.
    pub decisions: Vec<Decision>,
}
