//! Models on disk and in memory.

mod champions;
mod memory;
mod rows;
mod store;

pub use champions::{ChampionError, ChampionStore};
pub use memory::Registry;
pub use rows::RowStore;
pub use store::{ModelFiles, ModelStore};
