//! What is measured: a program and its input.

use std::path::PathBuf;

/// One program and what it reads.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name in tables.
    pub name: String,
    /// Its group in tables; empty if it has none.
    pub group: String,
    /// The image.
    pub image: PathBuf,
    /// The input.
    pub input: Vec<u8>,
}
