//! Requests and responses of `/api/v1`, a file for each resource. The routes of the original system are in the server
//! alone.

mod batches;
mod champions;
mod error;
mod events;
mod models;
mod predict;
mod profiles;
mod status;

pub use batches::BatchList;
pub use champions::{ChampionRequest, Champions};
pub use error::ErrorBody;
pub use events::Event;
pub use models::{Migration, ModelList, ModelSummary, Points, ProfileRows};
pub use predict::{PredictRequest, PredictResponse};
pub use profiles::{Membership, ProfileView, RfmScore};
pub use status::{Component, ComponentStatus, Gap, LastBatch, PartitionLag, Rates, Stage, Status};
