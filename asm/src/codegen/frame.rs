//! Procedures as the generator knows them: their registers, and the frame at hand. A leaf.

use rum_interp::isa::Reg;

use crate::pool::Regs;

/// Registers that procedures agree on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Convention {
    /// Holds the address of the topmost word of the stack in segment 0.
    pub stack: Reg,
    /// Return address at entry, result at exit.
    pub link: Reg,
}

impl Default for Convention {
    fn default() -> Convention {
        Convention { stack: Reg::ALL[2], link: Reg::ALL[1] }
    }
}

/// The procedure at hand.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub locals: u32,
    pub saves: Regs,
    /// Words that its body has on the stack at this line.
    pub pushed: i64,
}

impl Frame {
    pub fn saved(&self) -> u32 {
        self.saves.as_slice().len() as u32
    }
}
