//! What the optimiser knows at a point of the function.

use super::segments::{Offset, Read, Segments};
use super::val::{Key, RegState, Val};
use crate::exit::Reason;
use cranelift_codegen::ir;

/// A jump that was made and is not counted yet.
#[derive(Clone, Copy)]
pub(crate) struct Jump {
    pub from: u32,
    pub target: u32,
}

/// What is known at a point of the function. Cloned where control splits.
#[derive(Clone, Default)]
pub(crate) struct Env {
    pub regs: [RegState; 8],
    /// The exit for checks since the last effect: an index into `exits`.
    pub window: Option<usize>,
    /// What was read from memory since the window may have begun.
    pub reads: Vec<Read>,
    /// Values known to stand in memory.
    pub slots: Vec<(u32, Val)>,
    pub cells: Vec<(ir::Value, Offset, Val)>,
    pub segments: Segments,
    /// Pure operations done before.
    pub done: Vec<(Key, ir::Value)>,
    pub constants: Vec<(u32, ir::Value)>,
    /// Values known not to be 0.
    pub nonzero: Vec<ir::Value>,
    /// A divisor that is taken not to be 0, which the branch at the end of the block has to see to.
    pub doubtful: Option<ir::Value>,
    /// Addresses of granule 0, of its length byte, and of the entry of name 0, where all segments have names.
    pub base: Option<ir::Value>,
    pub lens: Option<ir::Value>,
    pub names: Option<ir::Value>,
    /// The poll word was looked at since the block began.
    pub polled: bool,
    /// Instructions executed in this block and not yet counted.
    pub uncounted: u32,
    /// The jump that leads to the block that begins here, if a profile has yet to count it.
    pub jump: Option<Jump>,
}

impl Env {
    /// Forgets what holds only until something else is executed; what the guest cannot change stays.
    pub fn end_of_straight_line(&mut self) {
        self.window = None;
        self.reads.clear();
        self.slots.clear();
        self.cells.clear();
        self.uncounted = 0;
    }
}

/// An exit whose block is written at the end.
pub(crate) struct PendingExit {
    pub block: ir::Block,
    pub pc: u32,
    pub regs: [RegState; 8],
    pub uncounted: u32,
    pub reason: Reason,
}
