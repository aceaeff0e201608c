//! Models on disk and in memory.
//!
//! A [`ModelStore`] is a folder with one JSON file per model; the [`Registry`] is the set that
//! answers, replaced as a whole and read without a lock or an allocation. In the process that trains,
//! [`Registry::insert`] follows [`ModelStore::save`]; in one that only serves, [`watch`] keeps the
//! registry like the folder.
//!
//! **Architecture invariant:** knows nothing of training or HTTP, and one bad file never keeps the
//! good ones from answering.

mod memory;
mod store;
#[cfg(test)]
mod tests;
mod watch;

pub use memory::{Reading, Registry};
pub use store::{Contents, ModelStore, RegistryError, Unusable};
pub use watch::{Changes, watch};
