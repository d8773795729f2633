//! Files that a command reads or writes as a whole, where `-` is standard input or output.
//!
//! What a run of a program reads and writes goes through `stdio.rs` instead, which waits for several things at once.

use crate::cli::values::ColorArg;
use crate::failure::{Failure, reason};
use std::fs;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::Path;

/// How messages name standard output.
pub const STDOUT: &str = "standard output";

/// Whether a path means standard input or output.
pub fn is_dash(path: &Path) -> bool {
    path == Path::new("-")
}

/// How messages name a file that is read.
pub fn input_name(path: &Path) -> String {
    if is_dash(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// All bytes of a file.
///
/// # Errors
/// What the system says, with the file's name.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = if is_dash(path) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    bytes.map_err(|error| Failure::host(format!("cannot read {}: {}", input_name(path), reason(&error))))
}

/// Writes a file. Of one that could not be written completely nothing is left, so that it is not taken for a whole one.
///
/// # Errors
/// What the system says, with the file's name.
pub fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    if is_dash(path) {
        return to_stdout(content).map(drop);
    }
    let failure = |error| write_failure(&path.display().to_string(), &error);
    let file = fs::File::create(path).map_err(failure)?;
    let is_regular = file.metadata().is_ok_and(|data| data.is_file());
    let mut out = BufWriter::new(file);
    let Err(error) = content(&mut out).and_then(|()| out.flush()) else { return Ok(()) };
    if is_regular && let Err(left) = fs::remove_file(path) {
        let text = failure(error).text;
        return Err(Failure::host(format!("{text}; the useless part could not be removed: {}", reason(&left))));
    }
    Err(failure(error))
}

/// As [`write`], for a text.
///
/// # Errors
/// As [`write`].
pub fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    write(path, |out| out.write_all(text.as_bytes()))
}

/// Writes a text to standard output at once; a reader that has seen enough is no failure.
///
/// # Errors
/// Standard output fails.
pub fn print(text: &str) -> Result<(), Failure> {
    to_stdout(|out| out.write_all(text.as_bytes())).map(drop)
}

/// Writes to standard output and gives the exit status; a reader that has seen enough is no failure.
///
/// # Errors
/// Standard output fails.
pub fn to_stdout(content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<u8, Failure> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match content(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(write_failure(STDOUT, &error)),
        _ => Ok(0),
    }
}

/// The failure of a write.
pub fn write_failure(name: &str, error: &io::Error) -> Failure {
    Failure::host(format!("cannot write to {name}: {}", reason(error)))
}

/// Whether text that goes to `stream` is to have colours.
pub fn is_colored(when: ColorArg, stream: &impl IsTerminal) -> bool {
    let is_wanted = || std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let is_able = || std::env::var_os("TERM").is_some_and(|term| term != "dumb");
    match when {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto => stream.is_terminal() && is_wanted() && is_able(),
    }
}
