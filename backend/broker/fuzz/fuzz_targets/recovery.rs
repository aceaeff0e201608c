//! Any bytes in the files of a log: it is read or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tillstream_broker::fuzzing::recovery(bytes));
