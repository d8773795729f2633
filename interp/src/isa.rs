//! Operators, registers and instructions of the UM-32: decoding, encoding, and text.
//!
//! A leaf: depends on nothing. The source is the specification's "Operators" section. The four high bits of a word
//! select the operator; twelve of the fourteen take up to three registers from the nine low bits, and `Literal` takes
//! one register and 25 bits of value. Every word decodes; words with operators 14 and 15 decode to
//! [`Instruction::Invalid`], because such words are legal data and only executing one is a fault.

use std::fmt;

/// One 32-bit cell of a segment (the specification says *platter*).
pub type Word = u32;

/// The largest value a `Literal` instruction can hold: 25 bits.
pub const LITERAL_MAX: u32 = (1 << 25) - 1;

/// One of the eight general registers, `r0` to `r7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reg(u8);

impl Reg {
    /// All eight registers in order.
    pub const ALL: [Reg; 8] = [Reg(0), Reg(1), Reg(2), Reg(3), Reg(4), Reg(5), Reg(6), Reg(7)];

    /// The register named by the three low bits of `bits`.
    #[inline(always)]
    pub const fn from_bits(bits: u32) -> Reg {
        Reg((bits & 7) as u8)
    }

    /// The register's number, below 8.
    #[inline(always)]
    pub const fn index(self) -> usize {
        (self.0 & 7) as usize
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl fmt::Debug for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The operator of a word: its four high bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Op {
    /// `if rC != 0 { rA = rB }`
    CondMove = 0,
    /// `rA = m[rB][rC]`
    Index = 1,
    /// `m[rA][rB] = rC`
    Amend = 2,
    /// `rA = rB + rC`, modulo 2^32
    Add = 3,
    /// `rA = rB * rC`, modulo 2^32
    Mul = 4,
    /// `rA = rB / rC`, unsigned
    Div = 5,
    /// `rA = !(rB & rC)`
    Nand = 6,
    /// Stop.
    Halt = 7,
    /// `rB = ` a new segment of `rC` words, all 0
    Alloc = 8,
    /// Give segment `rC` back.
    Abandon = 9,
    /// Put the byte `rC` out.
    Output = 10,
    /// `rC = ` a byte of input, or all ones at its end
    Input = 11,
    /// Segment 0 becomes a copy of `m[rB]` (unless `rB` is 0) and the pc becomes `rC`.
    LoadProgram = 12,
    /// `rA = ` the value in the 25 low bits (orthography)
    Literal = 13,
    /// Operators 14 and 15.
    Invalid = 14,
}

impl Op {
    /// The operator of `word`.
    #[inline(always)]
    pub const fn of(word: Word) -> Op {
        match word >> 28 {
            0 => Op::CondMove,
            1 => Op::Index,
            2 => Op::Amend,
            3 => Op::Add,
            4 => Op::Mul,
            5 => Op::Div,
            6 => Op::Nand,
            7 => Op::Halt,
            8 => Op::Alloc,
            9 => Op::Abandon,
            10 => Op::Output,
            11 => Op::Input,
            12 => Op::LoadProgram,
            13 => Op::Literal,
            _ => Op::Invalid,
        }
    }
}

/// A decoded word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The fields are the specification's A, B and C.
pub enum Instruction {
    /// `if rC != 0 { rA = rB }`
    CondMove { a: Reg, b: Reg, c: Reg },
    /// `rA = m[rB][rC]`
    Index { a: Reg, b: Reg, c: Reg },
    /// `m[rA][rB] = rC`
    Amend { a: Reg, b: Reg, c: Reg },
    /// `rA = rB + rC`
    Add { a: Reg, b: Reg, c: Reg },
    /// `rA = rB * rC`
    Mul { a: Reg, b: Reg, c: Reg },
    /// `rA = rB / rC`
    Div { a: Reg, b: Reg, c: Reg },
    /// `rA = !(rB & rC)`
    Nand { a: Reg, b: Reg, c: Reg },
    /// Stop.
    Halt,
    /// `rB = ` new segment of `rC` words
    Alloc { b: Reg, c: Reg },
    /// Give segment `rC` back.
    Abandon { c: Reg },
    /// Put the byte `rC` out.
    Output { c: Reg },
    /// `rC = ` a byte of input
    Input { c: Reg },
    /// Segment 0 = `m[rB]`, pc = `rC`
    LoadProgram { b: Reg, c: Reg },
    /// `rA = value`; `value` is at most [`LITERAL_MAX`]
    Literal { a: Reg, value: u32 },
    /// A word that is no instruction.
    Invalid { word: Word },
}

impl Instruction {
    /// Decodes any word. Bits that the operator does not use are dropped.
    #[inline]
    pub const fn decode(word: Word) -> Instruction {
        let a = Reg::from_bits(word >> 6);
        let b = Reg::from_bits(word >> 3);
        let c = Reg::from_bits(word);
        match Op::of(word) {
            Op::CondMove => Instruction::CondMove { a, b, c },
            Op::Index => Instruction::Index { a, b, c },
            Op::Amend => Instruction::Amend { a, b, c },
            Op::Add => Instruction::Add { a, b, c },
            Op::Mul => Instruction::Mul { a, b, c },
            Op::Div => Instruction::Div { a, b, c },
            Op::Nand => Instruction::Nand { a, b, c },
            Op::Halt => Instruction::Halt,
            Op::Alloc => Instruction::Alloc { b, c },
            Op::Abandon => Instruction::Abandon { c },
            Op::Output => Instruction::Output { c },
            Op::Input => Instruction::Input { c },
            Op::LoadProgram => Instruction::LoadProgram { b, c },
            Op::Literal => Instruction::Literal { a: Reg::from_bits(word >> 25), value: word & LITERAL_MAX },
            Op::Invalid => Instruction::Invalid { word },
        }
    }

    /// The registers whose values matter, in the order of their letters.
    pub fn reads(self) -> impl Iterator<Item = Reg> {
        let read = match self {
            Instruction::CondMove { a, b, c } | Instruction::Amend { a, b, c } => [Some(a), Some(b), Some(c)],
            Instruction::Index { b, c, .. }
            | Instruction::Add { b, c, .. }
            | Instruction::Mul { b, c, .. }
            | Instruction::Div { b, c, .. }
            | Instruction::Nand { b, c, .. }
            | Instruction::LoadProgram { b, c } => [None, Some(b), Some(c)],
            Instruction::Alloc { c, .. } | Instruction::Abandon { c } | Instruction::Output { c } => {
                [None, None, Some(c)]
            }
            Instruction::Halt
            | Instruction::Input { .. }
            | Instruction::Literal { .. }
            | Instruction::Invalid { .. } => [None; 3],
        };
        read.into_iter().flatten()
    }

    /// The register that it changes; with a conditional move, may change.
    pub const fn writes(self) -> Option<Reg> {
        match self {
            Instruction::CondMove { a, .. }
            | Instruction::Index { a, .. }
            | Instruction::Add { a, .. }
            | Instruction::Mul { a, .. }
            | Instruction::Div { a, .. }
            | Instruction::Nand { a, .. }
            | Instruction::Literal { a, .. } => Some(a),
            Instruction::Alloc { b, .. } => Some(b),
            Instruction::Input { c } => Some(c),
            _ => None,
        }
    }

    /// The word that decodes to this instruction, with unused bits 0. A literal's value is cut to 25 bits.
    pub const fn encode(self) -> Word {
        const fn standard(op: Op, a: Reg, b: Reg, c: Reg) -> Word {
            (op as u32) << 28 | (a.0 as u32) << 6 | (b.0 as u32) << 3 | c.0 as u32
        }
        const R0: Reg = Reg(0);
        match self {
            Instruction::CondMove { a, b, c } => standard(Op::CondMove, a, b, c),
            Instruction::Index { a, b, c } => standard(Op::Index, a, b, c),
            Instruction::Amend { a, b, c } => standard(Op::Amend, a, b, c),
            Instruction::Add { a, b, c } => standard(Op::Add, a, b, c),
            Instruction::Mul { a, b, c } => standard(Op::Mul, a, b, c),
            Instruction::Div { a, b, c } => standard(Op::Div, a, b, c),
            Instruction::Nand { a, b, c } => standard(Op::Nand, a, b, c),
            Instruction::Halt => standard(Op::Halt, R0, R0, R0),
            Instruction::Alloc { b, c } => standard(Op::Alloc, R0, b, c),
            Instruction::Abandon { c } => standard(Op::Abandon, R0, R0, c),
            Instruction::Output { c } => standard(Op::Output, R0, R0, c),
            Instruction::Input { c } => standard(Op::Input, R0, R0, c),
            Instruction::LoadProgram { b, c } => standard(Op::LoadProgram, R0, b, c),
            Instruction::Literal { a, value } => {
                (Op::Literal as u32) << 28 | (a.0 as u32) << 25 | (value & LITERAL_MAX)
            }
            Instruction::Invalid { word } => word,
        }
    }
}

impl fmt::Display for Instruction {
    /// The courses' notation, as their disassembler prints it (`r1 := m[r2][r3]`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Instruction::CondMove { a, b, c } => write!(f, "if ({c} != 0) {a} := {b}"),
            Instruction::Index { a, b, c } => write!(f, "{a} := m[{b}][{c}]"),
            Instruction::Amend { a, b, c } => write!(f, "m[{a}][{b}] := {c}"),
            Instruction::Add { a, b, c } => write!(f, "{a} := {b} + {c}"),
            Instruction::Mul { a, b, c } => write!(f, "{a} := {b} * {c}"),
            Instruction::Div { a, b, c } => write!(f, "{a} := {b} / {c}"),
            Instruction::Nand { a, b, c } => write!(f, "{a} := {b} nand {c}"),
            Instruction::Halt => write!(f, "halt"),
            Instruction::Alloc { b, c } => write!(f, "{b} := map segment ({c} words)"),
            Instruction::Abandon { c } => write!(f, "unmap m[{c}]"),
            Instruction::Output { c } => write!(f, "output {c}"),
            Instruction::Input { c } => write!(f, "{c} := input()"),
            Instruction::LoadProgram { b, c } => write!(f, "goto {c} in program m[{b}]"),
            Instruction::Literal { a, value } => write!(f, "{a} := {value}"),
            Instruction::Invalid { word } => write!(f, ".data 0x{word:08x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_specification_puts_them() {
        assert_eq!(Instruction::decode(0x3000_0053).to_string(), "r1 := r2 + r3");
        assert_eq!(Instruction::decode(0xd3ff_ffff).to_string(), format!("r1 := {LITERAL_MAX}"));
        assert_eq!(Instruction::decode(0xf123_4567), Instruction::Invalid { word: 0xf123_4567 });
        assert_eq!(Instruction::decode(0xc000_0032).to_string(), "goto r2 in program m[r6]");
    }

    #[test]
    fn encoding_inverts_decoding_but_for_unused_bits() {
        for op in 0..16u32 {
            for fields in 0..512u32 {
                let word = op << 28 | fields;
                let again = Instruction::decode(Instruction::decode(word).encode());
                assert_eq!(again, Instruction::decode(word));
            }
        }
    }
}
