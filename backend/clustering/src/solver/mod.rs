//! The solver: weighted exact k-means.
//!
//! From the outside in: [`k_means`] fits, on a [`coreset`] first if there are many points; [`search`]
//! makes starts and their offspring, and a [`swap`] checks what a sample found; [`init`] draws
//! centroids; [`lloyd`] iterates to a fixed point, chunk by chunk ([`part`]), and [`exchange`] goes on
//! from there. [`blocks`] lays the points out in the [`order`] that lets [`reach`] leave centroids out,
//! for the loops in [`kernels`].

mod blocks;
mod coreset;
mod estimator;
mod exchange;
mod init;
mod k_means;
mod kernels;
mod lloyd;
mod order;
mod params;
mod part;
mod reach;
mod search;
mod swap;

pub use k_means::KMeans;
pub use params::{KMeansInit, KMeansParams, KMeansValidParams};
