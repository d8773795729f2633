//! The debugger's commands from standard input: edited on a terminal, as they come otherwise.

use super::commands::{self, COMMANDS, Done};
use super::debugger::Debugger;
use super::view;
use crate::failure::{Failure, reason, say};
use crate::files::print;
use std::io::{self, BufRead, IsTerminal};

const PROMPT: &str = "(rum) ";

/// Obeys until there is no more.
///
/// # Errors
/// The terminal cannot be used.
pub fn talk(debugger: &mut Debugger) -> Result<u8, Failure> {
    if io::stdin().is_terminal() {
        return on_terminal(debugger);
    }
    let mut status = 0;
    for line in io::stdin().lock().split(b'\n') {
        let line = line.map_err(|error| Failure::host(format!("cannot read standard input: {}", reason(&error))))?;
        let line = String::from_utf8_lossy(&line);
        let line = line.strip_suffix('\r').unwrap_or(&line);
        match commands::run(debugger, line) {
            Ok(Done::Quit) => break,
            Ok(Done::Text(text)) => print(&text)?,
            Err(error) => {
                say(format_args!("{line}: {error}"));
                status = 1;
            }
        }
    }
    Ok(status)
}

fn on_terminal(debugger: &mut Debugger) -> Result<u8, Failure> {
    use rustyline::error::ReadlineError;
    let cannot = |error: &dyn std::fmt::Display| Failure::host(format!("cannot use the terminal: {error}"));
    let mut editor = rustyline::DefaultEditor::new().map_err(|error| cannot(&error))?;
    let position = view::position(debugger);
    print(&format!("{}\n{position}\nhelp lists the commands\n", debugger.name))?;
    let mut last = String::new();
    loop {
        match editor.readline(PROMPT) {
            Ok(line) => {
                // An empty line repeats what is done again and again.
                let again = line.trim().is_empty() && is_repeated(&last);
                let line = if again { last.clone() } else { line };
                if !line.trim().is_empty() {
                    let _ = editor.add_history_entry(&line);
                    last.clone_from(&line);
                }
                match commands::run(debugger, &line) {
                    Ok(Done::Quit) => return Ok(0),
                    Ok(Done::Text(text)) => print(&text)?,
                    Err(error) => say(&error),
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(_) => return Ok(0),
        }
    }
}

/// Whether a command is one that moves.
fn is_repeated(line: &str) -> bool {
    let name = line.split_whitespace().next().unwrap_or_default();
    COMMANDS[..11].iter().any(|command| command.names.contains(&name))
}
