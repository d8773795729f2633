//! The guest: registers, pc, count and segments. All that its program can know, and all that a snapshot needs.

use crate::memory::Memory;

/// What the guest's program works on. Compiled code reads and writes it, hence `repr(C)`.
#[derive(Debug)]
#[repr(C)]
pub struct Guest {
    /// The eight registers.
    pub(crate) registers: [u32; 8],
    /// Offset in segment 0 of the next instruction (the specification's execution finger).
    pub(crate) pc: u32,
    /// Not 0 once something was executed that did not count.
    pub(crate) uncounted: u32,
    /// Instructions executed so far, as far as they were counted.
    pub(crate) executed: u64,
    /// The segments.
    pub(crate) memory: Memory,
}

impl Guest {
    pub(crate) fn new(memory: Memory) -> Guest {
        Guest { registers: [0; 8], pc: 0, uncounted: 0, executed: 0, memory }
    }
}
