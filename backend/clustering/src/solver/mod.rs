//! The solver: weighted exact k-means.
//!
//! From the outside in: [`k_means`] fits, on a [`coreset`] first if there are many points; [`search`]
//! makes starts and their offspring, and a [`swap`] checks what a sample found; [`init`] draws
//! centroids; [`lloyd`] iterates to a fixed point, chunk by chunk ([`chunk_state`]), and [`hartigan_wong`]
//! continues from there. [`blocks`] lays the points out in [`kd_order`], which lets [`pruning`] rule out
//! centroids for whole chunks, for the loops in [`kernels`].

mod blocks;
mod chunk_state;
mod coreset;
mod estimator;
mod hartigan_wong;
mod init;
mod k_means;
mod kd_order;
mod kernels;
mod lloyd;
mod params;
mod pruning;
mod search;
mod swap;

pub use k_means::KMeans;
pub use params::{KMeansInit, KMeansParams, KMeansValidParams};
