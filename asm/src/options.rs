//! What can be chosen. A leaf.

use std::fs::File;
use std::io::{self, Read};
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

/// Bytes that a source may have; devices like `/dev/zero` have no end.
const SOURCE_BYTES_MAX: u64 = 1 << 30;

/// Reads a source from the file system.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if File::open(path)?.take(SOURCE_BYTES_MAX + 1).read_to_end(&mut text)? as u64 > SOURCE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 1 GiB"));
    }
    Ok(text)
}

impl Default for Options {
    /// The course's dialect, no debug information, includes from the file system.
    fn default() -> Options {
        Options { extended: false, debug: false, read_include: read }
    }
}
