//! Models on disk and in memory.

mod memory;
mod store;

pub use memory::Registry;
pub use store::{ModelFiles, ModelStore};
