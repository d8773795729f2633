//! What can be chosen. A leaf.

use std::io;
use std::path::Path;

/// What the assembler understands and keeps.
#[derive(Clone, Debug)]
pub struct Options {
    /// Understand the extended dialect: constants and expressions, macros, includes, procedures, comparisons that are
    /// right for all operands.
    pub extended: bool,
    /// Keep what listings and symbols need: which line each word comes from.
    pub debug: bool,
    /// Reads the file of an `.include`.
    pub read_include: fn(&Path) -> io::Result<Vec<u8>>,
}

impl Default for Options {
    /// The course's dialect, no debug information, includes from the file system.
    fn default() -> Options {
        Options { extended: false, debug: false, read_include: |path| std::fs::read(path) }
    }
}
