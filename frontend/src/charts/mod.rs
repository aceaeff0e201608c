//! Charts: scales and layout as plain arithmetic, canvas for points, SVG for everything else.

pub mod bars;
pub mod palette;
pub mod scale;
pub mod scatter;
pub mod sweep;
pub mod throughput;
