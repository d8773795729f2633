//! Snapshots, forged and damaged.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rum_testkit::fuzz::snapshot(bytes));
