//! The file in which Linux's perf looks for the names of code that a process has made itself: `/tmp/perf-PID.map`, a line for each piece.
//!
//! The format is that of `tools/perf/Documentation/jit-interface.txt` of the kernel's sources.

use super::names::name;
use crate::failure::Failure;
use crate::files;
use crate::symbols::Places;
use rum::CodePlace;
use std::path::PathBuf;

/// Writes where this process has code for which part of the program.
///
/// # Errors
/// The file cannot be written.
pub fn write(code: &[CodePlace], places: &Places) -> Result<(), Failure> {
    let path = PathBuf::from(format!("/tmp/perf-{}.map", std::process::id()));
    files::write(&path, |out| {
        code.iter().try_for_each(|piece| {
            let CodePlace { address, bytes, pc, tier } = *piece;
            writeln!(out, "{address:x} {bytes:x} {}", name(pc, tier, places))
        })
    })
}
