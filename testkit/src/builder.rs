//! A builder of guest programs: instructions, labels, constants of any size, and the idioms that the contest's
//! compiler leaves behind.
//!
//! Labels may be used before they are bound; [`Builder::build`] fills them in.

use rum_interp::isa::{Instruction, LITERAL_MAX, Reg, Word};

/// Register 0.
pub const R0: Reg = Reg::from_bits(0);
/// Register 1.
pub const R1: Reg = Reg::from_bits(1);
/// Register 2.
pub const R2: Reg = Reg::from_bits(2);
/// Register 3.
pub const R3: Reg = Reg::from_bits(3);
/// Register 4.
pub const R4: Reg = Reg::from_bits(4);
/// Register 5.
pub const R5: Reg = Reg::from_bits(5);
/// Register 6: 0 for ever in what the contest's compiler wrote.
pub const R6: Reg = Reg::from_bits(6);
/// Register 7.
pub const R7: Reg = Reg::from_bits(7);

/// A place in the program, known or yet to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(usize);

/// Collects the words of a program.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    words: Vec<Word>,
    labels: Vec<Option<u32>>,
    /// Word, label and what is added to the label's offset; the sum is added to the word.
    fixups: Vec<(usize, Label, u32)>,
}

impl Builder {
    /// An empty program.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// A label to be bound later.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// A label for the next word.
    pub fn label_here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Makes `label` stand for the next word.
    ///
    /// # Panics
    /// If the label is bound already.
    pub fn bind(&mut self, label: Label) {
        assert!(self.labels[label.0].is_none(), "a label stands for one place");
        self.labels[label.0] = Some(self.here());
    }

    /// Offset of the next word.
    pub fn here(&self) -> u32 {
        self.words.len() as u32
    }

    /// Offset that `label` stands for, if it is bound.
    pub fn offset(&self, label: Label) -> Option<u32> {
        self.labels[label.0]
    }

    /// Adds any word.
    pub fn data(&mut self, word: Word) {
        self.words.push(word);
    }

    /// Adds a word that is the offset of `label`.
    pub fn data_label(&mut self, label: Label) {
        self.fixups.push((self.words.len(), label, 0));
        self.words.push(0);
    }

    /// Adds an instruction.
    pub fn emit(&mut self, instruction: Instruction) {
        self.words.push(instruction.encode());
    }

    /// `if c != 0 { a = b }`
    pub fn cond_move(&mut self, a: Reg, b: Reg, c: Reg) {
        self.emit(Instruction::CondMove { a, b, c });
    }

    /// `a = m[b][c]`
    pub fn index(&mut self, a: Reg, b: Reg, c: Reg) {
        self.emit(Instruction::Index { a, b, c });
    }

    /// `m[a][b] = c`
    pub fn amend(&mut self, a: Reg, b: Reg, c: Reg) {
        self.emit(Instruction::Amend { a, b, c });
    }

    /// `a = b + c`
    pub fn add(&mut self, a: Reg, b: Reg, c: Reg) {
        self.emit(Instruction::Add { a, b, c });
    }

    /// `a = b * c`
    pub fn mul(&mut self, a: Reg, b: Reg, c: Reg) {
        self.emit(Instruction::Mul { a, b, c });
    }

    /// `a = b / c`
    pub fn div(&mut self, a: Reg, b: Reg, c: Reg) {
        self.emit(Instruction::Div { a, b, c });
    }

    /// `a = !(b & c)`
    pub fn nand(&mut self, a: Reg, b: Reg, c: Reg) {
        self.emit(Instruction::Nand { a, b, c });
    }

    /// Stop.
    pub fn halt(&mut self) {
        self.emit(Instruction::Halt);
    }

    /// `b = ` a new segment of `c` words
    pub fn alloc(&mut self, b: Reg, c: Reg) {
        self.emit(Instruction::Alloc { b, c });
    }

    /// Give segment `c` back.
    pub fn abandon(&mut self, c: Reg) {
        self.emit(Instruction::Abandon { c });
    }

    /// Put the byte `c` out.
    pub fn output(&mut self, c: Reg) {
        self.emit(Instruction::Output { c });
    }

    /// `c = ` a byte of input
    pub fn input(&mut self, c: Reg) {
        self.emit(Instruction::Input { c });
    }

    /// Segment 0 = a copy of segment `b` unless that is 0; go to `c`.
    pub fn load_program(&mut self, b: Reg, c: Reg) {
        self.emit(Instruction::LoadProgram { b, c });
    }

    /// `a = value`
    ///
    /// # Panics
    /// If the value does not fit into 25 bits.
    pub fn literal(&mut self, a: Reg, value: u32) {
        assert!(value <= LITERAL_MAX, "a literal has 25 bits");
        self.emit(Instruction::Literal { a, value });
    }

    /// `a = ` offset of `label` plus `addend`
    pub fn literal_label(&mut self, a: Reg, label: Label, addend: u32) {
        self.fixups.push((self.words.len(), label, addend));
        self.literal(a, 0);
    }

    /// `a = value` for any value, in one to five words; `scratch` is another register that is lost.
    pub fn constant(&mut self, a: Reg, value: u32, scratch: Reg) {
        if value <= LITERAL_MAX {
            self.literal(a, value);
        } else if !value <= LITERAL_MAX {
            self.literal(a, !value);
            self.nand(a, a, a);
        } else {
            debug_assert_ne!(a, scratch);
            self.literal(a, value >> 16);
            self.literal(scratch, 1 << 16);
            self.mul(a, a, scratch);
            if value & 0xffff != 0 {
                self.literal(scratch, value & 0xffff);
                self.add(a, a, scratch);
            }
        }
    }

    /// `a = !b`
    pub fn not(&mut self, a: Reg, b: Reg) {
        self.nand(a, b, b);
    }

    /// `a = b & c`
    pub fn and(&mut self, a: Reg, b: Reg, c: Reg) {
        self.nand(a, b, c);
        self.nand(a, a, a);
    }

    /// `a = b | c`; `b` and `c` are complemented in place.
    pub fn or(&mut self, a: Reg, b: Reg, c: Reg) {
        self.not(b, b);
        if b != c {
            self.not(c, c);
        }
        self.nand(a, b, c);
    }

    /// `a = b - c` as the contest's compiler writes it; `scratch` differs from `a` and `b`.
    pub fn sub(&mut self, a: Reg, b: Reg, c: Reg, scratch: Reg) {
        debug_assert!(scratch != a && scratch != b);
        self.nand(scratch, c, c);
        self.add(a, b, scratch);
        self.literal(scratch, 1);
        self.add(a, scratch, a);
    }

    /// Goes to `target`; `scratch` is lost, `zero` holds 0.
    pub fn goto(&mut self, target: Label, scratch: Reg, zero: Reg) {
        self.literal_label(scratch, target, 0);
        self.load_program(zero, scratch);
    }

    /// Goes to `then` if `c` is not 0, else to `otherwise`. `x` and `y` are lost; neither may be `c`, because both are
    /// written before `c` is read.
    pub fn branch(&mut self, c: Reg, then: Label, otherwise: Label, [x, y]: [Reg; 2], zero: Reg) {
        debug_assert!(c != x && c != y && x != y);
        self.literal_label(x, otherwise, 0);
        self.literal_label(y, then, 0);
        self.cond_move(x, y, c);
        self.load_program(zero, x);
    }

    /// Calls `target` with the return address in `link`; goes on at the next word. `scratch` is lost.
    pub fn call(&mut self, target: Label, link: Reg, scratch: Reg, zero: Reg) {
        let back = self.label();
        self.literal_label(link, back, 0);
        self.goto(target, scratch, zero);
        self.bind(back);
    }

    /// Replaces the value of a literal that was added before.
    ///
    /// # Panics
    /// If the word at `offset` is not a literal, or the value does not fit into 25 bits.
    pub fn set_literal(&mut self, offset: u32, value: u32) {
        let word = &mut self.words[offset as usize];
        let Instruction::Literal { a, .. } = Instruction::decode(*word) else {
            panic!("the word at {offset} is not a literal");
        };
        assert!(value <= LITERAL_MAX, "a literal has 25 bits");
        *word = Instruction::Literal { a, value }.encode();
    }

    /// The finished program.
    ///
    /// # Panics
    /// If a label was used and never bound.
    pub fn build(mut self) -> Vec<Word> {
        for &(at, label, addend) in &self.fixups {
            let offset = self.labels[label.0].unwrap_or_else(|| panic!("the label used at {at} is not bound"));
            self.words[at] += offset + addend;
        }
        self.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Oracle;
    use crate::outcome::{Outcome, Stop};

    fn run(builder: Builder) -> Outcome {
        let outcome = Oracle::new(&builder.build(), &[]).run(1000);
        assert_eq!(outcome.stop, Stop::Halt);
        outcome
    }

    #[test]
    fn constants_of_every_size_arrive() {
        for value in [0, 1, LITERAL_MAX, LITERAL_MAX + 1, 0x8000_0000, 0x1234_5678, 0xabcd_0000, u32::MAX - 7, u32::MAX]
        {
            let mut builder = Builder::new();
            builder.constant(R3, value, R4);
            builder.halt();
            assert_eq!(run(builder).registers[3], value);
        }
    }

    #[test]
    fn logic_and_subtraction() {
        let mut builder = Builder::new();
        for (reg, value) in [(R1, 0b1100), (R2, 0b1010)] {
            builder.literal(reg, value);
        }
        builder.and(R3, R1, R2);
        builder.sub(R4, R2, R1, R5);
        builder.or(R7, R1, R2);
        builder.halt();
        let registers = run(builder).registers;
        assert_eq!([registers[3], registers[4], registers[7]], [0b1000, 2u32.wrapping_neg(), 0b1110]);
    }

    #[test]
    fn branches_calls_and_labels() {
        let mut builder = Builder::new();
        let (function, yes, no) = (builder.label(), builder.label(), builder.label());
        builder.literal(R1, 1);
        builder.call(function, R5, R4, R6);
        builder.branch(R2, yes, no, [R3, R4], R6);
        builder.bind(no);
        builder.halt();
        builder.bind(yes);
        builder.literal(R7, 99);
        builder.halt();
        builder.bind(function);
        builder.add(R2, R1, R1);
        builder.load_program(R6, R5);
        assert_eq!(run(builder).registers[7], 99);
    }

    #[test]
    #[should_panic(expected = "not bound")]
    fn a_label_without_a_place_is_noticed() {
        let mut builder = Builder::new();
        let nowhere = builder.label();
        builder.data_label(nowhere);
        builder.build();
    }
}
