//! Caches of compiled code, read and not executed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rum_testkit::fuzz::cache(bytes));
