//! A disk that forgets, at a loss of power, what was not flushed; and what is to be there nevertheless.
//!
//! The store works on real files. What it tells the file system is recorded (`syscalls`), and the states that a
//! loss of power may leave after each step are computed from the record (`disk`), as ALICE does it: Pillai et al.,
//! "All File Systems Are Not Created Equal", OSDI 2014. So nothing in the program knows of being tried.

#![allow(unreachable_pub, reason = "it is part of one test program")]

pub mod consumer;
pub mod disk;
pub mod messages;
pub mod promises;
pub mod syscalls;
pub mod trainer;
