//! Building blocks that several pages use.

pub mod browser;
pub mod field;
pub mod language;
pub mod live_provider;
pub mod model_select;
pub mod nav;
pub mod pickers;
pub mod view;
