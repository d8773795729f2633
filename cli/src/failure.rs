//! How a command ends: with a status, and with a line on standard error if something is to be said.

use std::fmt::Display;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Mutex;

/// Exit statuses; the help text of the command explains them.
pub mod status {
    /// The program failed.
    pub const FAULT: u8 = 1;
    /// The sources have errors.
    pub const SOURCES: u8 = 1;
    /// Wrong usage, or the system refused something.
    pub const HOST: u8 = 2;
    /// A limit was reached.
    pub const LIMIT: u8 = 3;
    /// SIGHUP came.
    pub const HUNG_UP: u8 = 128 + 1;
    /// SIGQUIT came.
    pub const QUIT: u8 = 128 + 3;
    /// SIGINT came.
    pub const INTERRUPTED: u8 = 128 + 2;
    /// SIGTERM came.
    pub const TERMINATED: u8 = 128 + 15;
}

/// Why a command could not do what it was asked for.
#[derive(Debug)]
pub struct Failure {
    /// The process's exit status.
    pub status: u8,
    /// What to tell the user: what is wrong, where, what to do.
    pub text: String,
}

impl Failure {
    /// A failure that is the host's or the user's.
    pub fn host(text: impl Into<String>) -> Failure {
        Failure { status: status::HOST, text: text.into() }
    }

    /// A limit that was reached.
    pub fn limit(text: impl Into<String>) -> Failure {
        Failure { status: status::LIMIT, text: text.into() }
    }
}

/// Writes a line to standard error. Where that is closed or full nothing can be said, and the exit status has to do.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "rum: {}", visible(&text.to_string()));
}

/// A text without what a terminal would obey: names of files may have anything in them.
fn visible(text: &str) -> String {
    let shown = |char: char| match char {
        '\n' | '\t' => char.to_string(),
        char if char.is_control() => char.escape_default().to_string(),
        char => char.to_string(),
    };
    text.chars().map(shown).collect()
}

/// Shows a text of several lines on standard error, as it is; see [`say`].
pub fn show(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// What the system says about an error, without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Runs a command; whatever goes wrong, even a mistake in rum itself, ends in one line and a status.
pub fn guard(command: impl FnOnce() -> Result<u8, Failure>) -> ExitCode {
    static PANIC: Mutex<String> = Mutex::new(String::new());
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!(" ({}:{})", at.file(), at.line())).unwrap_or_default();
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        let text = format!("{}{place}", text.unwrap_or("unknown"));
        *PANIC.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = text.replace('\n', " ");
    }));
    let failure = match panic::catch_unwind(AssertUnwindSafe(command)) {
        Ok(Ok(status)) => return ExitCode::from(status),
        Ok(Err(failure)) => failure,
        Err(_) => {
            let text = PANIC.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
            Failure::host(format!("internal error: {text}; this is a mistake in rum, please report it"))
        }
    };
    say(&failure.text);
    ExitCode::from(failure.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_lose_their_number() {
        assert_eq!(reason(&io::Error::from_raw_os_error(2)), "No such file or directory");
        assert_eq!(reason(&io::Error::other("full moon")), "full moon");
    }

    #[test]
    fn terminals_are_told_nothing() {
        assert_eq!(visible("a\x1b[31m\u{9b}b\nc"), "a\\u{1b}[31m\\u{9b}b\nc");
    }

    #[test]
    fn a_panic_becomes_a_status() {
        let hook = panic::take_hook();
        let code = guard(|| panic!("two\nlines"));
        panic::set_hook(hook);
        assert_eq!(code, ExitCode::from(status::HOST));
    }
}
