//! What Tillstream's server and its page have in common: the transaction line, the model, the
//! arithmetic that assigns a point to a cluster, and the JSON types of the API.
//!
//! **Architecture invariant:** plain data and pure arithmetic only. No Kafka, ndarray, file, clock or
//! browser code lives here, because everything in this crate is compiled both natively and to wasm,
//! and both must give the same bits for the same input.

pub mod api;
mod entity;
mod line;
mod manifest;
mod model;
mod preprocessing;

pub use entity::{Entity, UnknownEntity};
pub use line::Line;
pub use manifest::{BatchFunnel, ClosedBy, Manifest, OffsetRange};
pub use model::{Assignment, Funnel, InvalidModel, Model, ModelNumber, ModelRef, UnknownModelRef};
pub use preprocessing::{
    Excluded, Filter, MAX_FEATURES, Preprocessing, PreprocessingKind, Scaling, Transform,
    UnknownPreprocessing,
};
