//! `rum man` and `rum completions`: what packages install beside the binary, made from the definition in `cli.rs`.

use crate::cli::definition;
use crate::failure::{Failure, reason};
use std::io::{self, Write};

/// Writes the manual page of a subcommand, or of rum itself.
///
/// # Errors
/// There is no such subcommand, or standard output fails.
pub fn man(subcommand: Option<&str>) -> Result<u8, Failure> {
    let mut rum = definition();
    rum.build();
    let command = match subcommand {
        None => rum,
        Some(name) => {
            let inner = rum.find_subcommand(name).cloned();
            let inner = inner.ok_or_else(|| Failure::host(format!("there is no command {name}; see rum --help")))?;
            inner.display_name(format!("rum-{name}"))
        }
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(cannot_write)?;
    write(&page)
}

/// Writes the completion script of a shell.
///
/// # Errors
/// Standard output fails.
pub fn completions(shell: clap_complete::Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "rum", &mut script);
    write(&script)
}

/// Writes a text to standard output; a reader that has seen enough is no failure.
fn write(text: &[u8]) -> Result<u8, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(cannot_write(error)),
        _ => Ok(0),
    }
}

fn cannot_write(error: io::Error) -> Failure {
    Failure::host(format!("cannot write to standard output: {}", reason(&error)))
}
