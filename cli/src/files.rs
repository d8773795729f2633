//! Files that a command reads or writes as a whole, where `-` is standard input or output.
//!
//! What a run of a program reads and writes goes through `stdio.rs` instead, which waits for several things at once.

use crate::cli::values::ColorArg;
use crate::failure::{Failure, reason};
use crate::surroundings::has_output;
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
    if is_dash(path) { "standard input".to_owned() } else { name_of(path) }
}

/// How messages name a file: on one line, whatever is in its name.
pub fn name_of(path: &Path) -> String {
    let name = path.display().to_string();
    if name.contains(char::is_control) { name.escape_debug().to_string() } else { name }
}

/// Opens a file to be read. Where it is a pipe that does not wait for somebody who writes to it.
///
/// # Errors
/// The system's.
pub fn open_at_once(path: &Path) -> io::Result<fs::File> {
    let mut how = fs::File::options();
    how.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut how, libc::O_NONBLOCK);
    how.open(path)
}

/// All bytes of a file.
///
/// # Errors
/// What the system says, with the file's name.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = if is_dash(path) {
        let mut bytes = Vec::new();
        up_to_limit(&mut io::stdin().lock(), &mut bytes).map(|()| bytes)
    } else {
        bytes_of(path)
    };
    bytes.map_err(|error| Failure::host(format!("cannot read {}: {}", input_name(path), reason(&error))))
}

/// What is read as a whole may have so many bytes: 1 GiB. Devices like `/dev/zero` have no end.
const WHOLE_BYTES_MAX: u64 = 1 << 30;

/// Reads to the end.
///
/// # Errors
/// The source's, or there is too much.
pub fn up_to_limit(from: &mut dyn Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    if from.take(WHOLE_BYTES_MAX + 1).read_to_end(bytes)? as u64 > WHOLE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 1 GiB"));
    }
    Ok(())
}

/// All bytes of a file, whatever it is called.
///
/// # Errors
/// The system's, or it is too large.
pub fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    let mut bytes = Vec::with_capacity(file.metadata().map_or(0, |data| data.len().min(WHOLE_BYTES_MAX) as usize));
    up_to_limit(&mut file, &mut bytes)?;
    Ok(bytes)
}

/// All of a file that is a text.
///
/// # Errors
/// As [`bytes_of`], or it is none.
pub fn text_of(path: &Path) -> io::Result<String> {
    let what = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no text (UTF-8)");
    String::from_utf8(bytes_of(path)?).map_err(what)
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
    has_output()?;
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
