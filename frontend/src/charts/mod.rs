//! Charts: scales and layout as plain arithmetic, canvas for points, SVG for everything else.

pub mod bars;
pub mod cloud;
pub mod palette;
pub mod plot;
pub mod scale;
pub mod scatter;
mod scatter_parts;
pub mod sheet;
pub mod sweep;
pub mod throughput;
