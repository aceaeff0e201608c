//! Models on disk and in memory.

mod cache;
mod champions;
mod follow;
mod index;
mod list;
mod memory;
mod rows;
mod store;

pub use champions::{ChampionError, ChampionStore};
pub use list::ListQuery;
pub use memory::{ModelCounts, Registry, Resolved};
pub use rows::ProfileRowStore;
pub use store::{ModelKey, ModelStore};
