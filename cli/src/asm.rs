//! `rum asm`: from sources to an image, with a listing and symbols if they are wanted.
//!
//! The assembler itself is the crate `rum-asm`. Nothing is written unless the whole program is right.

use crate::apart::is_same_file;
use crate::cli::tools::AsmArgs;
use crate::failure::{Failure, say, show, status};
use crate::files::{bytes_of, input_name, is_colored, is_dash, name_of, read, write};
use crate::symbols::path_beside;
use rum_asm::{Assembly, Diagnostic, Options, Source, Symbols, assemble};
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

/// Assembles the files into one image.
///
/// # Errors
/// The sources have errors, which were shown; or a file cannot be read or written.
pub fn asm(args: &AsmArgs) -> Result<u8, Failure> {
    let output = args.output.as_deref().unwrap_or(Path::new("-"));
    let symbols = args.symbols.then(|| path_beside(output));
    check_outputs(args, output, symbols.as_deref())?;
    let source = |path: &PathBuf| Ok(Source::new(input_name(path), read(path)?));
    let sources: Vec<Source> = args.files.iter().map(source).collect::<Result<_, Failure>>()?;
    let options =
        Options { extended: args.extended, debug: args.symbols || args.listing.is_some(), ..Options::default() };
    let color = is_colored(args.color, &io::stderr());
    let assembly = assemble(&sources, &options).map_err(|errors| refuse(&errors, color))?;
    show_all(&assembly.warnings, color);
    if assembly.words.is_empty() {
        return Err(Failure {
            status: status::SOURCES,
            text: "the sources have no words: no image is empty".to_owned(),
        });
    }
    write_all(&assembly, args, output, symbols.as_deref())?;
    Ok(0)
}

fn write_all(assembly: &Assembly, args: &AsmArgs, output: &Path, symbols: Option<&Path>) -> Result<(), Failure> {
    let image = assembly.to_bytes();
    if symbols.is_none() {
        forget_symbols(output, &image);
    }
    write(output, |out| out.write_all(&image))?;
    if let Some(path) = symbols {
        write(path, |out| assembly.write_symbols(out))?;
    }
    if let Some(path) = &args.listing {
        write(path, |out| assembly.write_listing(out))?;
    }
    Ok(())
}

/// Removes symbols of the program that was there before: whoever reads them beside another would be told wrong lines.
fn forget_symbols(output: &Path, image: &[u8]) {
    let path = path_beside(output);
    let is_ours = || bytes_of(&path).and_then(|text| Symbols::from_json(&text)).is_ok();
    if is_dash(output) || !is_ours() || bytes_of(output).is_ok_and(|before| before == image) {
        return;
    }
    if fs::remove_file(&path).is_ok() {
        say(format_args!("{} is removed: it told the lines of another program (-g writes them)", name_of(&path)));
    }
}

/// Sees to it that nothing is written to a terminal that should not be, nor over a source.
fn check_outputs(args: &AsmArgs, output: &Path, symbols: Option<&Path>) -> Result<(), Failure> {
    if is_dash(output) {
        if args.symbols {
            return Err(Failure::host("symbols stand beside the image: -g needs -o with the name of a file"));
        }
        if args.listing.as_deref().is_some_and(is_dash) {
            return Err(Failure::host("image and listing cannot both go to standard output"));
        }
        if io::stdout().is_terminal() {
            return Err(Failure::host("an image is nothing for a terminal: name a file with -o, or use a pipe"));
        }
    }
    let outputs: Vec<&Path> = [Some(output), symbols, args.listing.as_deref()].into_iter().flatten().collect();
    for (number, out) in outputs.iter().enumerate() {
        if args.files.iter().any(|source| is_same_file(source, out)) {
            return Err(Failure::host(format!("{} is a source; writing there would destroy it", out.display())));
        }
        if out.extension().is_some_and(|extension| extension == "ums") && out.exists() {
            return Err(Failure::host(format!("{} has the name of a source; is OUT missing?", out.display())));
        }
        if outputs[..number].iter().any(|other| other == out || is_same_file(other, out)) {
            return Err(Failure::host(format!("{} would be written twice", out.display())));
        }
    }
    Ok(())
}

fn show_all(diagnostics: &[Diagnostic], color: bool) {
    for diagnostic in diagnostics {
        show(format_args!("{}\n", diagnostic.render(color)));
    }
}

/// Shows what is wrong with the sources, and says how much it is.
fn refuse(diagnostics: &[Diagnostic], color: bool) -> Failure {
    show_all(diagnostics, color);
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == rum_asm::Severity::Error).count();
    let plural = if errors == 1 { "" } else { "s" };
    Failure { status: status::SOURCES, text: format!("{errors} error{plural}, no image was written") }
}
