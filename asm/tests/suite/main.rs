//! Tests of the assembler and the disassembler through their public interface.

mod against_umasm;
mod diagnostics;
mod extended;
mod generator;
mod machine;
mod own_programs;
mod random;
mod round_trip;
mod rules;

use std::path::PathBuf;

/// The folder of shared inputs beside the checkout, if it is there; a test without it says that it is skipped.
fn shared(what: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(what);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: ../shared/{what} is missing");
    None
}
