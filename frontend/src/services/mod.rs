//! The server's API, one file per resource.

pub mod batches;
pub mod events;
pub mod http;
pub mod models;
pub mod predict;
pub mod task;
