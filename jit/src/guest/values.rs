//! What a block knows of its registers by itself: the one walk over instructions that keeps values.

use super::inst::{Inst, Volatile};
use rum_interp::isa::{Instruction, Reg};

/// A register's value as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Nothing,
    Const(u32),
    /// One of two constants.
    Choice(u32, u32),
}

/// The values of all registers between two instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values {
    known: [Known; 8],
    /// Registers that are 0 at the start of every block, as a bit mask.
    zero: u8,
}

impl Values {
    /// At the start of a block, where the registers in the mask `zero` hold 0.
    pub fn at_start(zero: u8) -> Values {
        let known = std::array::from_fn(|i| if zero >> i & 1 != 0 { Known::Const(0) } else { Known::Nothing });
        Values { known, zero }
    }

    pub fn get(&self, reg: Reg) -> Known {
        self.known[reg.index()]
    }

    /// Goes past an instruction. One that is read at run time says nothing of its register; after one that may be anything the
    /// registers are as at the start of a block.
    pub fn follow(&mut self, inst: Inst) {
        match inst {
            Inst::Fixed(instruction, _) => {
                if let Some(reg) = instruction.writes()
                    && let Some(value) = self.result(instruction)
                {
                    self.known[reg.index()] = value;
                }
            }
            Inst::Volatile(Volatile::Literal(a)) => self.known[a.index()] = Known::Nothing,
            Inst::Volatile(Volatile::Anything) => *self = Values::at_start(self.zero),
        }
    }

    /// What an instruction puts into its register; none if it leaves that as it is.
    fn result(&self, instruction: Instruction) -> Option<Known> {
        let both = |b: Reg, c: Reg, f: fn(u32, u32) -> u32| match (self.get(b), self.get(c)) {
            (Known::Const(x), Known::Const(y)) => Known::Const(f(x, y)),
            _ => Known::Nothing,
        };
        Some(match instruction {
            Instruction::Literal { value, .. } => Known::Const(value),
            Instruction::CondMove { a, b, c } => match (self.get(a), self.get(b), self.get(c)) {
                (_, _, Known::Const(0)) => return None,
                (_, value, Known::Const(_)) => value,
                (Known::Const(x), Known::Const(y), _) => Known::Choice(y, x),
                _ => Known::Nothing,
            },
            Instruction::Add { b, c, .. } => both(b, c, u32::wrapping_add),
            Instruction::Mul { b, c, .. } => both(b, c, u32::wrapping_mul),
            Instruction::Nand { b, c, .. } => both(b, c, |x, y| !(x & y)),
            Instruction::Div { b, c, .. } => match (self.get(b), self.get(c)) {
                (Known::Const(x), Known::Const(y)) if y != 0 => Known::Const(x / y),
                _ => Known::Nothing,
            },
            _ => Known::Nothing,
        })
    }
}
