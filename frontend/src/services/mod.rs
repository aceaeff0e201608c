//! The server's API, one file per resource.

pub mod batches;
pub mod champions;
pub mod events;
pub mod http;
pub mod models;
pub mod predict;
pub mod profiles;
pub mod task;
