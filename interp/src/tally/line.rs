//! What jumps are, by the straight lines of code that lead to them.
//!
//! A *call* is a jump behind a literal that is the address of the word behind the jump, where it returns to, and whose target is
//! neither that address nor chosen by a condition (of a branch, one target is the word behind, too). A *return* is a jump, to where only a register says, to such an
//! address. A jump to where a call went that is no call is a *tail call*.

use crate::isa::{Instruction, Reg, Word};
use std::collections::BTreeSet;

/// What a line knows of a register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    #[default]
    Nothing,
    Constant(u32),
    /// A condition has chosen one of two constants, or of what nobody knows.
    Chosen(Option<[u32; 2]>),
    /// It was found by a literal: something was added to that, or something read that stands there.
    Found(u32),
}

/// What a line says of the jump at its end.
#[derive(Debug, Default)]
struct Line {
    literals: Vec<u32>,
    registers: [Known; 8],
}

impl Line {
    /// The next instruction of the line; behind a jump another line begins.
    fn follow(&mut self, instruction: Instruction) {
        if let Instruction::LoadProgram { .. } | Instruction::Halt | Instruction::Invalid { .. } = instruction {
            self.literals.clear();
            self.registers = [Known::Nothing; 8];
            return;
        }
        let Some(reg) = instruction.writes() else { return };
        self.registers[reg.index()] = match instruction {
            Instruction::Literal { value, .. } => {
                self.literals.push(value);
                Known::Constant(value)
            }
            Instruction::CondMove { a, b, .. } => match [a, b].map(|reg| self.registers[reg.index()]) {
                [Known::Constant(zero), Known::Constant(nonzero)] => Known::Chosen(Some([zero, nonzero])),
                _ => Known::Chosen(None),
            },
            Instruction::Add { b, c, .. } => self.found_by(&[b, c]),
            Instruction::Index { c, .. } => self.found_by(&[c]),
            _ => Known::Nothing,
        };
    }

    /// What is found by the literals in some registers; those that are addresses are the larger.
    fn found_by(&self, registers: &[Reg]) -> Known {
        let literal = |reg: &Reg| match self.registers[reg.index()] {
            Known::Constant(literal) | Known::Found(literal) => Some(literal),
            Known::Nothing | Known::Chosen(_) => None,
        };
        registers.iter().filter_map(literal).max().map_or(Known::Nothing, Known::Found)
    }

    /// Whether a jump at `pc` to where a register says is a call.
    fn calls(&self, pc: u32, target: Reg) -> bool {
        let back = pc.wrapping_add(1);
        let may = match self.registers[target.index()] {
            Known::Nothing => true,
            // A literal by which the target was found is no return address but that of a table.
            Known::Constant(literal) | Known::Found(literal) => literal != back,
            Known::Chosen(_) => false,
        };
        may && self.literals.contains(&back)
    }

    /// Where a jump to where a register says goes: to one place, or to one of two; nowhere if the line does not say it.
    fn targets(&self, target: Reg) -> [Option<u32>; 2] {
        match self.registers[target.index()] {
            Known::Constant(target) => [Some(target), None],
            Known::Chosen(Some(targets)) => targets.map(Some),
            Known::Nothing | Known::Chosen(None) | Known::Found(_) => [None; 2],
        }
    }
}

/// A jump of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    /// Where it stands.
    pub pc: u32,
    /// Whether it is a call.
    pub calls: bool,
    targets: [Option<u32>; 2],
}

impl Jump {
    /// Where it is known to go.
    pub fn targets(&self) -> impl Iterator<Item = u32> + use<> {
        self.targets.into_iter().flatten()
    }
}

/// The jumps among some words of a program, the first of which begins a line.
pub(super) fn jumps(first: u32, words: &[Word]) -> impl Iterator<Item = Jump> + '_ {
    let mut line = Line::default();
    (first..).zip(words).filter_map(move |(pc, &word)| {
        let instruction = Instruction::decode(word);
        let found = match instruction {
            Instruction::LoadProgram { c, .. } => Some(Jump { pc, calls: line.calls(pc, c), targets: line.targets(c) }),
            _ => None,
        };
        line.follow(instruction);
        found
    })
}

/// The offsets in a program that calls go to, as far as that can be read, and 0.
pub fn called(program: &[Word]) -> BTreeSet<u32> {
    let targets = jumps(0, program).filter(|jump| jump.calls).flat_map(|jump| jump.targets());
    std::iter::once(0).chain(targets.filter(|&target| (target as usize) < program.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_its_return_address_is_a_call() {
        let reg = Reg::from_bits;
        let lit = |a, value| Instruction::Literal { a: reg(a), value }.encode();
        let goto = |c| Instruction::LoadProgram { b: reg(0), c: reg(c) }.encode();
        let choose = |a, b, c| Instruction::CondMove { a: reg(a), b: reg(b), c: reg(c) }.encode();
        // A call of 9, a jump to 8, a call of what nobody knows, a branch to 9 or 11.
        let mut program = vec![lit(1, 3), lit(2, 9), goto(2), lit(2, 8), goto(2), lit(1, 7), goto(3)];
        program.extend([lit(1, 11), lit(2, 9), choose(1, 2, 3), goto(1), goto(1)]);
        assert_eq!(called(&program), BTreeSet::from([0, 9]));
        let known: Vec<bool> = jumps(0, &program).map(|jump| jump.targets().next().is_some()).collect();
        assert_eq!(known, [true, true, false, true, false]);
        // A table behind the jump.
        let add = |a, b, c| Instruction::Add { a: reg(a), b: reg(b), c: reg(c) }.encode();
        let index = |a, b, c| Instruction::Index { a: reg(a), b: reg(b), c: reg(c) }.encode();
        assert_eq!(jumps(0, &[lit(2, 4), add(2, 2, 1), index(2, 0, 2), goto(2)]).filter(|jump| jump.calls).count(), 0);
        assert_eq!(jumps(0, &[lit(2, 4), lit(3, 9), index(4, 0, 3), goto(4)]).filter(|jump| jump.calls).count(), 1);
        // The address is still there if it was put elsewhere.
        let elsewhere = Instruction::Amend { a: reg(0), b: reg(3), c: reg(1) }.encode();
        assert_eq!(called(&[lit(1, 4), elsewhere, lit(1, 5), goto(1), goto(1), goto(1)]), BTreeSet::from([0, 5]));
    }
}
