//! What the page knows: the live counts, what was loaded, the form. Each a state with actions,
//! free of the DOM wherever it can be.

pub mod form;
pub mod history;
pub mod language;
pub mod live;
pub mod model_options;
pub mod names;
pub mod prediction;
pub mod remote;
pub mod resource;
pub mod selection;
