//! `/api/v1/events`.

use serde::{Deserialize, Serialize};

use super::Status;
use crate::{Entity, ModelKind, ModelNumber};

/// An event of `GET /api/v1/events`; the name of the server-sent event is the tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "event", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// The counts; sent at once to a new listener, and whenever they changed, a few times a second.
    Status(Box<Status>),
    /// A batch was stored.
    BatchStored {
        /// Its number.
        number: u64,
        /// Its lines.
        rows: u64,
    },
    /// A model was trained and answers from now on.
    ModelTrained {
        /// Whether lines or profiles are clustered.
        #[serde(default)]
        kind: ModelKind,
        /// What they are about.
        entity: Entity,
        /// Its number, `all` or `live`.
        number: ModelNumber,
    },
    /// Another model answers under the alias `champion`.
    ChampionChanged {
        /// Line or profile models.
        kind: ModelKind,
        /// What they are about.
        entity: Entity,
        /// Number of the new champion.
        model: u64,
    },
    /// Something a person should see.
    Notice {
        /// One sentence.
        message: String,
    },
}

impl Event {
    /// The tag, as in the JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}
