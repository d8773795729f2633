//! Programs of any words, through every engine.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rum_testkit::fuzz::words(bytes));
