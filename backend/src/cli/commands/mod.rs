//! The commands, one file each: what they are composed of, and what they print.

pub(super) mod broker;
pub(super) mod champion;
pub(super) mod config;
pub(super) mod consume;
pub(super) mod dead_letters;
pub(super) mod generate;
pub(super) mod produce;
pub(super) mod serve;
pub(super) mod train;
pub(super) mod up;
