//! The pages.

pub mod clusters;
mod clusters_parts;
pub mod overview;
mod overview_parts;
pub mod predict;
mod predict_result;
