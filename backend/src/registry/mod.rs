//! Models on disk and in memory.

mod memory;
mod rows;
mod store;

pub use memory::Registry;
pub use rows::RowStore;
pub use store::{ModelFiles, ModelStore};
