//! Images to text.
//!
//! [`umdump`] is the course's format: one line a word, for comparing with the notes of others. [`disassemble`] is for
//! reading and for changing: labels, blocks, folded macro instructions, strings, cross references. Its text is in the
//! assembler's plain dialect, and assembling it gives the image back, word for word, whatever the words are: what no
//! instruction stands for becomes `.data`.
//!
//! `flow` finds out what is code and where it jumps, `names` what its labels are called, `fold` which words one macro instruction stands for, `write` puts
//! it on paper, `sink` is the paper.

mod flow;
mod fold;
mod names;
mod options;
mod sink;
mod word;
mod write;

use std::io;

use rum_interp::isa::Word;

use crate::listing::Symbols;
use names::Names;
use sink::Sink;

pub use options::DisasmOptions;

/// Writes the image as a source that assembles to it. Its labels have the names that symbols give them, if there are some that are the
/// image's.
///
/// # Errors
/// Those of `out`.
pub fn disassemble(
    words: &[Word],
    symbols: Option<&Symbols>,
    options: &DisasmOptions,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let symbols = symbols.filter(|symbols| symbols.words as usize == words.len());
    let names = symbols.map_or_else(Names::default, Names::of);
    let mut flow = flow::analyse(words);
    names.addresses().for_each(|address| flow.flags[address as usize] |= flow::LABEL);
    write::write(words, &flow, &names, options, Sink::new(out, options.color))
}

/// Writes the image as the course's `umdump` does: `     0: [0xd2000002] r1 := 2;`. Bits that an operator does not use
/// are not shown in the text.
///
/// # Errors
/// Those of `out`.
pub fn umdump(words: &[Word], out: &mut dyn io::Write) -> io::Result<()> {
    let mut sink = Sink::new(out, false);
    for (address, &word) in words.iter().enumerate() {
        sink.right_aligned(address as u64, 6);
        sink.put(b": [");
        sink.hex_word(word);
        sink.put(b"] ");
        sink.instruction(word);
        sink.put(b";");
        sink.end_line()?;
    }
    sink.finish()
}
