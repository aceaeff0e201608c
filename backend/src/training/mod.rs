//! From batches to models.
