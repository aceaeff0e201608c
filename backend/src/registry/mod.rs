//! Models on disk and in memory.

mod champions;
mod memory;
mod store;

pub use champions::{ChampionError, ChampionStore};
pub use memory::Registry;
pub use store::{ModelFiles, ModelStore};
