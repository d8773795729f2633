//! `rum disasm`: from an image to text.

use crate::cli::tools::DisasmArgs;
use crate::failure::Failure;
use crate::files::{input_name, is_colored, is_dash, read, to_stdout};
use crate::symbols;
use rum_asm::{DisasmOptions, disassemble, umdump};
use std::io::{self, IsTerminal};

/// Writes an image as text to standard output.
///
/// # Errors
/// The file cannot be read or is no image, or standard output fails.
pub fn disasm(args: &DisasmArgs) -> Result<u8, Failure> {
    if is_dash(&args.image) && io::stdin().is_terminal() {
        return Err(Failure::host("the image was to come from standard input, but that is a terminal: name a file"));
    }
    let bytes = read(&args.image)?;
    let words = rum::decode_image(&bytes)
        .map_err(|error| Failure::host(format!("{} is no program image: {error}", input_name(&args.image))))?;
    drop(bytes);
    if args.umdump {
        return to_stdout(|out| umdump(&words, out));
    }
    let source = match &args.symbols {
        Some(path) => symbols::Source::given(path)?,
        None if is_dash(&args.image) => symbols::Source::Nowhere,
        None => symbols::Source::Beside(symbols::path_beside(&args.image)),
    };
    let symbols = source.of_program(words.len());
    let options = DisasmOptions { color: is_colored(args.color, &io::stdout()), fold: !args.no_fold };
    to_stdout(|out| disassemble(&words, symbols.as_ref(), &options, out))
}
