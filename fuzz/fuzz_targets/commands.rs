//! Sessions of the debugger, as they are typed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rum_cli::fuzz::commands(bytes));
