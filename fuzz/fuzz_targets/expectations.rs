//! What is expected of programs that are tested.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rum_cli::fuzz::expectations(bytes));
