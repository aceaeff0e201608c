//! The pages, one module for each route.

pub mod clusters;
pub mod overview;
pub mod predict;
pub mod profiles;
