//! Rules of the gate, and counters.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rum_cli::fuzz::rules(bytes));
