//! Sessions of the debugger, by the protocol of editors.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rum_cli::fuzz::protocol(bytes));
