//! Where procedures begin.
//!
//! With symbols a procedure has the name of the label that calls go to. A call is known by its line, the straight code up to a
//! jump: somewhere in it a literal is the address of the word behind the jump, where the call returns to, and the jump's target is not chosen by a
//! condition (of a branch, one target is the word behind, too).

use rum::Word;
use rum::isa::{Instruction, Reg};
use std::collections::BTreeSet;

/// What a line says of the jump at its end.
#[derive(Debug, Default)]
pub struct Line {
    literals: Vec<u32>,
    /// The constants that registers hold.
    known: [Option<u32>; 8],
    /// Registers that were last written under a condition.
    chosen: u8,
}

impl Line {
    /// The next instruction of the line; behind a jump another line begins.
    pub fn follow(&mut self, instruction: Instruction) {
        if let Instruction::LoadProgram { .. } | Instruction::Halt | Instruction::Invalid { .. } = instruction {
            self.literals.clear();
            (self.known, self.chosen) = ([None; 8], 0);
            return;
        }
        let Some(reg) = instruction.writes() else { return };
        self.chosen &= !(1 << reg.index());
        self.known[reg.index()] = None;
        match instruction {
            Instruction::Literal { value, .. } => {
                self.known[reg.index()] = Some(value);
                self.literals.push(value);
            }
            Instruction::CondMove { .. } => self.chosen |= 1 << reg.index(),
            _ => {}
        }
    }

    /// Whether a jump at `pc` to where a register says is a call.
    pub fn calls(&self, pc: u32, target: Reg) -> bool {
        self.chosen >> target.index() & 1 == 0 && self.literals.contains(&pc.wrapping_add(1))
    }
}

/// The offsets in a program that calls go to, and 0.
pub fn called(program: &[Word]) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([0]);
    let mut line = Line::default();
    for (pc, &word) in (0..).zip(program) {
        let instruction = Instruction::decode(word);
        if let Instruction::LoadProgram { c, .. } = instruction
            && line.calls(pc, c)
            && let Some(target) = line.known[c.index()]
            && target != pc + 1
            && (target as usize) < program.len()
        {
            found.insert(target);
        }
        line.follow(instruction);
    }
    found
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
        // The address is still there if it was put elsewhere.
        let elsewhere = Instruction::Amend { a: reg(0), b: reg(3), c: reg(1) }.encode();
        assert_eq!(called(&[lit(1, 4), elsewhere, lit(1, 5), goto(1), goto(1), goto(1)]), BTreeSet::from([0, 5]));
    }
}
