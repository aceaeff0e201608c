//! The pages.

pub mod clusters;
pub mod overview;
mod overview_parts;
mod overview_segments;
pub mod predict;
mod predict_result;
pub mod profiles;
mod profiles_parts;
