//! `rum man` and `rum completions`: what packages install beside the binary, made from the definition in `cli.rs`.

use crate::cli::definition;
use crate::failure::Failure;
use crate::files::{STDOUT, to_stdout, write_failure};

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
    clap_mangen::Man::new(command).render(&mut page).map_err(|error| write_failure(STDOUT, &error))?;
    to_stdout(|out| out.write_all(&page))
}

/// Writes the completion script of a shell.
///
/// # Errors
/// Standard output fails.
pub fn completions(shell: clap_complete::Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "rum", &mut script);
    to_stdout(|out| out.write_all(&script))
}
