//! Tillstream: streams retail transaction lines through Kafka, trains k-means models while the
//! stream runs, and answers predictions over REST.
//!
//! The modules follow the data, and a module knows only those before it:
//! [`progress`], [`stop`] and [`durable`] serve all; [`ingest`] (files → lines) → [`broker`] (the embedded one)
//! and [`kafka`] (producer, consumer) with [`batch`] (files on disk) → [`features`] (lines → weighted
//! points) → [`modelling`] (points → models) → [`registry`] (models on disk and in memory) →
//! [`training`] (batches → models) → [`http`] (routes) → [`cli`].

pub mod batch;
pub mod broker;
pub mod cli;
pub mod durable;
pub mod features;
pub mod http;
pub mod ingest;
pub mod kafka;
pub mod modelling;
pub mod progress;
pub mod registry;
pub mod stop;
pub mod training;
