//! Tillstream's page: prediction forms, the cluster view and the live overview.
//!
//! **Architecture invariant:** the JSON types and the assignment of a point to a cluster come from
//! `tillstream-shared`; this crate never writes them again. Everything that can be wrong without a
//! browser (scales, layout of points, states, validation, formatting) knows nothing of the DOM and is
//! tested natively.

pub mod app;
pub mod charts;
pub mod components;
pub mod format;
pub mod labels;
pub mod pages;
pub mod routes;
pub mod services;
pub mod state;
#[cfg(test)]
mod test_model;
