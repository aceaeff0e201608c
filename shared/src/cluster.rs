//! What a cluster is called, and what becomes of it from one model to the next.

use serde::{Deserialize, Serialize};

/// A text in the two languages of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// English.
    pub en: String,
    /// Indonesian.
    pub id: String,
}

/// One cluster of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// From 1 to k, by ascending mean value; another model may give it another number.
    pub number: u32,
    /// Stays the same from model to model for as long as the cluster lives; from 1, never used again
    /// by another cluster of the same kind, entity and row of models.
    pub identity: u32,
    /// A few words, such as "frequent, high spend".
    pub name: Text,
    /// One sentence with the cluster's own figures against those of the whole.
    pub sentence: Text,
}

/// What happened to a cluster between the previous model and this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransitionKind {
    /// It is there in both.
    Continued,
    /// It took part of the points of a cluster that goes on.
    Split,
    /// Its points went into a cluster that another one continues.
    Merged,
    /// Most of its points belonged to no one cluster before.
    Born,
    /// Its points are scattered or gone.
    Died,
}

/// One event in the life of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// What happened.
    pub event: TransitionKind,
    /// The identity it happened to.
    pub identity: u32,
    /// Number of the cluster in the previous model that it is, came from, or was; none when born.
    pub from: Option<u32>,
    /// Number of the cluster in this model that it is or went into; none when it died.
    pub to: Option<u32>,
}
