//! Images to text.
//!
//! [`umdump`] is the course's format: one line a word, for comparing with the notes of others. [`disassemble`] is for
//! reading and for changing: labels, blocks, folded macro instructions, strings, cross references. Its text is in the
//! assembler's plain dialect, and assembling it gives the image back, word for word, whatever the words are: what no
//! instruction stands for becomes `.data`.
//!
//! `flow` finds out what is code and where it jumps, `fold` which words one macro instruction stands for, `write` puts
//! it on paper, `sink` is the paper.

mod flow;
mod fold;
mod sink;
mod write;

use std::io;

use rum_interp::isa::{Op, Word};

use sink::Sink;

/// How [`disassemble`] shows an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisasmOptions {
    /// Add terminal escapes. The text can only be assembled without them.
    pub color: bool,
    /// Show words that a macro instruction stands for as that instruction, not one by one.
    pub fold: bool,
}

impl Default for DisasmOptions {
    /// No colour, folded.
    fn default() -> DisasmOptions {
        DisasmOptions { color: false, fold: true }
    }
}

/// Writes the image as a source that assembles to it.
///
/// # Errors
/// Those of `out`.
pub fn disassemble(words: &[Word], options: &DisasmOptions, out: &mut dyn io::Write) -> io::Result<()> {
    let flow = flow::analyse(words);
    write::write(words, &flow, options, Sink::new(out, options.color))
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

/// Bits of a word that its operator does not use.
fn unused_bits(word: Word) -> Word {
    let unused = match Op::of(word) {
        Op::CondMove | Op::Index | Op::Amend | Op::Add | Op::Mul | Op::Div | Op::Nand => 0x0fff_fe00,
        Op::Halt => 0x0fff_ffff,
        Op::Alloc | Op::LoadProgram => 0x0fff_ffc0,
        Op::Abandon | Op::Output | Op::Input => 0x0fff_fff8,
        Op::Literal | Op::Invalid => 0,
    };
    word & unused
}

/// Whether one instruction of the assembler stands for exactly this word.
fn is_canonical(word: Word) -> bool {
    Op::of(word) != Op::Invalid && unused_bits(word) == 0
}
