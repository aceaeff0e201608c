//! Batches on disk: writer, manifest, catalogue.
