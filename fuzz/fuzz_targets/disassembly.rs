//! Images, taken apart and assembled again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rum_testkit::fuzz::disassembly(bytes));
