//! Any bytes as a request: it is answered or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tillstream_broker::fuzzing::request(bytes));
