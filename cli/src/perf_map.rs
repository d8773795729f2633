//! The file in which Linux's perf looks for the names of code that a process has made itself: `/tmp/perf-PID.map`, a line for each piece.
//!
//! The format is that of `tools/perf/Documentation/jit-interface.txt` of the kernel's sources.

use crate::failure::Failure;
use crate::files;
use crate::symbols::Places;
use rum::{CodePlace, Tier};
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

/// What a piece of code is called: by the label that it belongs to, or by its pc.
fn name(pc: u32, tier: Tier, places: &Places) -> String {
    let what = match tier {
        Tier::Baseline => "block",
        Tier::Optimiser => "unit",
    };
    match places.label_before(pc) {
        Some((label, 0)) => format!("{label} [{what}]"),
        Some((label, words)) => format!("{label}+{words} [{what}]"),
        None => format!("pc_{pc} [{what}]"),
    }
}
