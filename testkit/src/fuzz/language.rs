//! The assembler and the disassembler.

use super::bytes::Bytes;
use rum_asm::{
    Assembly, DisasmOptions, LabelPlace, Options, SYMBOLS_VERSION, Source, Symbols, assemble, disassemble, umdump,
};
use rum_interp::Word;
use std::io;
use std::path::Path;

/// Words of an image that is taken apart again.
const WORDS_MAX: usize = 1 << 12;

/// What a source may include: no file of the system, and one that includes itself.
fn read_include(path: &Path) -> io::Result<Vec<u8>> {
    match path.to_str() {
        Some("a") => Ok(b".const N = 3\n.macro twice x\n        x := x + x\n.endmacro\n".to_vec()),
        Some("b") => Ok(b".include \"b\"\n".to_vec()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Sources, apart from each other by a 0: how they are read (a byte), their texts.
pub fn source(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let how = bytes.byte();
    let options = Options { extended: how & 1 != 0, debug: how & 2 != 0, read_include };
    let names = (0..).map(|number: u32| format!("{number}.ums"));
    let sources: Vec<Source> =
        bytes.0.split(|&byte| byte == 0).zip(names).map(|(text, name)| Source::new(name, text)).collect();
    let diagnostics = match assemble(&sources, &options) {
        Ok(assembly) => {
            finished(&assembly, options.debug);
            assembly.warnings
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "a refusal without a reason");
            errors
        }
    };
    for diagnostic in diagnostics.iter().take(20) {
        assert!(!diagnostic.render(false).is_empty() && !diagnostic.render(true).is_empty());
    }
}

fn finished(assembly: &Assembly, debug: bool) {
    let symbols = assembly.symbols();
    let mut text = Vec::new();
    assembly.write_symbols(&mut text).expect("a vector");
    assert_eq!(Symbols::from_json(&text).expect("what was written"), symbols);
    if debug && assembly.words.len() <= WORDS_MAX {
        let mut listing = Vec::new();
        assembly.write_listing(&mut listing).expect("a vector");
        assert!(!listing.is_empty() || assembly.words.is_empty());
    }
    if assembly.words.len() <= WORDS_MAX {
        comes_back(&assembly.words, Some(&symbols));
    }
}

/// An image, taken apart and put together again, with labels of any names: their number (a byte), for each an offset (2 bytes), a
/// length and a name; the words.
pub fn disassembly(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let labels = (0..bytes.byte() % 8).map(|line| {
        let offset = u32::from(bytes.byte()) << 8 | u32::from(bytes.byte());
        let len = usize::from(bytes.byte() % 32);
        let name = String::from_utf8_lossy(bytes.take(len)).into_owned();
        LabelPlace { name, offset, file: 0, line: u32::from(line) }
    });
    let mut labels: Vec<LabelPlace> = labels.collect();
    labels.sort_by_key(|label| label.offset);
    let mut words = bytes.words();
    words.truncate(WORDS_MAX);
    let symbols = Symbols {
        version: SYMBOLS_VERSION,
        words: words.len() as u32,
        files: vec!["a.ums".to_owned()],
        sections: Vec::new(),
        labels,
        lines: Vec::new(),
    };
    comes_back(&words, None);
    comes_back(&words, Some(&symbols));
    let mut text = Vec::new();
    umdump(&words, &mut text).expect("a vector");
    assert_eq!(text.iter().filter(|&&byte| byte == b'\n').count(), words.len(), "one line a word");
}

/// Takes an image apart and puts it together again.
///
/// # Panics
/// The words are others, or the text is no source.
fn comes_back(words: &[Word], symbols: Option<&Symbols>) {
    for fold in [false, true] {
        let mut text = Vec::new();
        disassemble(words, symbols, &DisasmOptions { color: false, fold }, &mut text).expect("a vector");
        let shown = || String::from_utf8_lossy(&text).into_owned();
        match assemble(&[Source::new("image", text.as_slice())], &Options::default()) {
            Ok(again) => assert!(again.words == words, "other words ({fold}): {words:08x?}\n{}", shown()),
            Err(errors) => panic!("no source ({fold}): {}\n{}", errors[0].render(false), shown()),
        }
    }
    let options = DisasmOptions { color: true, fold: true };
    disassemble(words, symbols, &options, &mut io::sink()).expect("a sink");
}
