//! The REST API and the page, one file per route; one program, because linking takes longer than
//! the tests.
#![allow(clippy::unwrap_used, missing_docs)]

mod batches;
mod cluster;
mod events;
mod health;
mod manual;
mod models;
mod page;
mod points;
mod predict;
mod server;
mod status;
mod support;
