//! Programs of the generator, whose choices are fuzzed, through every engine.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rum_testkit::fuzz::generated(bytes));
