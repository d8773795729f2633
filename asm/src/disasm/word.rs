//! Words that one instruction of the assembler stands for. A leaf.

use rum_interp::isa::{Op, Word};

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
pub(super) fn is_canonical(word: Word) -> bool {
    Op::of(word) != Op::Invalid && unused_bits(word) == 0
}
