//! A log filled and compacted in any order: it holds what the model says.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tillstream_broker::fuzzing::compaction(bytes));
