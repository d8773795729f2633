//! A straight line of instructions.

use super::inst::Inst;
use super::values::Values;

/// How a block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A load-program whose target is one of these constants; both are the same for a plain jump.
    Jump { if_nonzero: u32, if_zero: u32 },
    /// A load-program to somewhere, or of another segment.
    Computed,
    /// The next block starts here (one of the region, or another unit's).
    Fall,
    /// The instruction at the end is not for compiled code: halt, an invalid word, or the program's end.
    Leave,
}

/// A straight line of instructions, one for each word.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Offset of its first word.
    pub start: u32,
    /// Its instructions; the load-program that ends it is the last.
    pub insts: Vec<Inst>,
    /// How it ends.
    pub how: End,
    /// Whether it can be entered from outside.
    pub entry: bool,
    /// Number of edges from blocks of the region.
    pub edges_in: u32,
    /// Of a computed jump: the targets that it compares with, the warmest first.
    pub computed: Vec<u32>,
}

impl Block {
    /// Offset behind its last word that is compiled.
    pub fn end(&self) -> u32 {
        self.start + self.insts.len() as u32
    }

    /// Where it goes, as far as that is known.
    pub fn targets(&self) -> impl Iterator<Item = u32> + '_ {
        let pair = match self.how {
            End::Jump { if_nonzero, if_zero } if if_nonzero == if_zero => [Some(if_zero), None],
            End::Jump { if_nonzero, if_zero } => [Some(if_nonzero), Some(if_zero)],
            End::Fall => [Some(self.end()), None],
            End::Computed | End::Leave => [None, None],
        };
        pair.into_iter().flatten().chain(self.computed.iter().copied())
    }

    /// Whether more than one edge leads to it, or it can be entered: what its registers hold is not known from one place.
    pub fn is_join(&self) -> bool {
        self.entry || self.edges_in != 1
    }

    /// Offset behind the last word that was looked at: a word that is left to the interpreter was looked at too.
    pub fn read_end(&self) -> u32 {
        self.end() + u32::from(self.how == End::Leave)
    }

    /// The instruction at `pc`, which belongs to the block.
    pub fn inst(&self, pc: u32) -> Inst {
        self.insts[(pc - self.start) as usize]
    }

    /// Its instructions with their offsets.
    pub fn with_pcs(&self) -> impl Iterator<Item = (u32, Inst)> + '_ {
        (self.start..).zip(self.insts.iter().copied())
    }

    /// Its instructions, each with what the block knows of the registers before it.
    pub fn with_values(&self, zero: u8) -> impl Iterator<Item = (Inst, Values)> + '_ {
        let mut values = Values::at_start(zero);
        self.insts.iter().map(move |&inst| {
            let before = values;
            values.follow(inst);
            (inst, before)
        })
    }
}
