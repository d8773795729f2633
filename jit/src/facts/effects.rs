//! What each block of a region does to registers.

use crate::guest::block::{Block, End};
use crate::guest::inst::{Inst, RegSet};
use crate::guest::met::Met;
use crate::guest::values::{Known, Values};
use crate::region::Region;
use rum_interp::isa::Instruction;

/// What one block does to registers.
pub(super) struct Effect {
    /// Read before written.
    pub reads: RegSet,
    /// Read, or handed over by an exit, before written.
    pub matters: RegSet,
    pub written: RegSet,
    /// Last written by a division by something unknown, and at most tested since.
    pub divided: RegSet,
    /// The register that its branch tests, as far as the block knows.
    pub tested: RegSet,
}

impl Effect {
    /// What a block does; `polls` says whether it looks at the poll word at its end.
    pub fn of(region: &Region, block: &Block, polls: bool) -> Effect {
        let mut effect = Effect { reads: 0, matters: 0, written: 0, divided: 0, tested: 0 };
        for (inst, values) in block.with_values(region.zero) {
            effect.add(region, inst, values);
        }
        effect.leave(region, block, polls);
        effect
    }

    /// Every register that was not written yet matters: code may leave here.
    fn may_leave(&mut self) {
        self.matters |= !self.written;
    }

    /// An instruction follows, before which registers hold `values`.
    fn add(&mut self, region: &Region, inst: Inst, values: Values) {
        match inst {
            Inst::Fixed(instruction, _) => {
                if !inst.met().is_empty() || leaves(region, instruction, values) {
                    self.may_leave();
                }
                if inst.met().contains(Met::HOST) {
                    self.reads |= !self.written;
                }
                self.divided &= !match instruction {
                    Instruction::CondMove { a, b, .. } => 1 << a.index() | 1 << b.index(),
                    _ => inst.reads(),
                };
            }
            Inst::Volatile(_) => self.may_leave(),
        }
        let new = !self.written;
        self.reads |= inst.reads() & new;
        self.matters |= inst.reads() & new;
        match inst.fixed() {
            None if inst.is_by_host() => (self.divided, self.tested) = (0, 0),
            instruction => self.write(inst, instruction, values),
        }
    }

    fn write(&mut self, inst: Inst, instruction: Option<Instruction>, values: Values) {
        let writes = inst.writes().map_or(0, |reg| 1 << reg.index());
        self.written |= writes;
        self.divided &= !writes;
        self.tested &= !writes;
        match instruction {
            Some(Instruction::Div { c, .. }) if !matches!(values.get(c), Known::Const(_)) => self.divided |= writes,
            Some(Instruction::CondMove { a, c, .. }) if a != c => {
                let mut after = values;
                after.follow(inst);
                if matches!(after.get(a), Known::Choice(..)) {
                    self.tested = 1 << c.index();
                }
            }
            _ => {}
        }
    }

    /// The end of the block: where it goes elsewhere, everything is handed over.
    fn leave(&mut self, region: &Region, block: &Block, polls: bool) {
        let stays = match block.how {
            End::Computed | End::Leave => false,
            End::Jump { if_nonzero, if_zero } => {
                region.blocks.contains_key(&if_nonzero) && region.blocks.contains_key(&if_zero)
            }
            End::Fall => region.blocks.contains_key(&block.end()),
        };
        if polls || !stays {
            self.may_leave();
        }
        if !stays {
            self.reads |= !self.written;
        }
    }
}

/// Whether translated code for an instruction may leave, given what the block knows by itself. The translator may know
/// more, and then leaves less often; never more often.
fn leaves(region: &Region, instruction: Instruction, values: Values) -> bool {
    let slot = |segment, offset| match (values.get(segment), values.get(offset)) {
        (Known::Const(0), Known::Const(offset)) => {
            offset < region.program_len && !region.watched_stores.contains(&offset)
        }
        _ => false,
    };
    match instruction {
        Instruction::CondMove { .. }
        | Instruction::Add { .. }
        | Instruction::Mul { .. }
        | Instruction::Nand { .. }
        | Instruction::Literal { .. } => false,
        Instruction::Index { b, c, .. } => !slot(b, c),
        Instruction::Amend { a, b, .. } => !slot(a, b),
        Instruction::Div { c, .. } => !matches!(values.get(c), Known::Const(n) if n != 0),
        Instruction::LoadProgram { b, .. } => values.get(b) != Known::Const(0),
        _ => true,
    }
}
