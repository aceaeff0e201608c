//! What Tillstream's server and its page have in common: the transaction line, the model, the
//! arithmetic that assigns a point to a cluster, and the JSON types of the API.
//!
//! **Architecture invariant:** plain data and pure arithmetic only. No Kafka, ndarray, file, clock or
//! browser code lives here, because everything in this crate is compiled both natively and to wasm,
//! and both must give the same bits for the same input.

pub mod api;
mod champion;
mod cluster;
mod distance;
mod entity;
mod line;
mod manifest;
mod model;
mod number;
mod preprocessing;
mod report;
#[cfg(feature = "testing")]
pub mod testing;
mod unknown_name;

pub use champion::{Champion, Decision, Judgement};
pub use cluster::{Cluster, Text, Transition, TransitionKind};
pub use distance::{Nearest, nearest_centroid, squared_distance};
pub use entity::Entity;
pub use line::Line;
pub use manifest::{BatchFunnel, ClosedBy, Manifest, OffsetRange, SourceLine};
pub use model::{Assignment, Decay, Funnel, InvalidModel, Model};
pub use number::{ModelKind, ModelNumber, ModelRef, UnknownModelRef};
pub use preprocessing::{
    Excluded, Filter, MAX_FEATURES, Preprocessing, PreprocessingKind, Scaling, Transform,
};
pub use report::{Choices, Evaluation, ReportCard, ReportRow, Silhouette};
pub use unknown_name::UnknownName;
