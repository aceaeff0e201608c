//! Tillstream: streams retail transaction lines through Kafka, trains k-means models while the
//! stream runs, and answers predictions over REST.
//!
//! The modules follow the data, and a module knows only those before it:
//! [`progress`], [`blocking`], [`shutdown`] and [`supervisor`] serve all; [`ingest`] (files → lines) →
//! [`batch`] (files on disk) and [`kafka`] (producer, consumer) → [`features`] (lines → weighted
//! points) → [`modelling`] (points → models) → [`registry`] (models on disk and in memory) →
//! [`training_state`] (what all batches amount to) → [`stored_data`] (what the routes read) and
//! [`training`] (batches → models) → [`http`] (routes) → [`cli`].

pub mod batch;
pub mod blocking;
pub mod cli;
pub mod features;
pub mod http;
pub mod ingest;
pub mod kafka;
pub mod modelling;
pub mod progress;
pub mod registry;
pub mod shutdown;
pub mod stored_data;
pub mod supervisor;
pub mod training;
pub mod training_state;
