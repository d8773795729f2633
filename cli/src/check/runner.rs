//! Runs programs on the machine that is checked.

use super::suite::Case;
use crate::failure::{Failure, reason, say};
use crate::foreign::{Foreign, Ran, file_in};
use rum::{Word, encode_image};
use std::fs;
use std::path::{Path, PathBuf};

/// Runs a case on a machine.
///
/// # Errors
/// The machine cannot be started, or the image cannot be written.
pub fn run(foreign: &Foreign, folder: &Path, case: &Case) -> Result<Ran, Failure> {
    let image = write_image(folder, &case.name, &case.program)?;
    foreign.run(&image, &case.input)
}

/// Writes the image of a program to a folder.
///
/// # Errors
/// It cannot be written.
pub fn write_image(folder: &Path, name: &str, program: &[Word]) -> Result<PathBuf, Failure> {
    let path = file_in(folder, name, "um");
    fs::write(&path, encode_image(program))
        .map_err(|error| Failure::host(format!("cannot write {}: {}", path.display(), reason(&error))))?;
    Ok(path)
}

/// Tells of something that takes a while, where somebody may wait.
pub fn tell(text: &str) {
    if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        say(text);
    }
}
