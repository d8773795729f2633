//! What compiled code knows about the state: offsets from the pinned register, slots, and the entry table.
//!
//! The pinned register holds the address of granule 0 of the machine's segments. The [`State`] lies right before it
//! ([`STATE_BEFORE_DATA_BYTES`]), segment 0 starts at it, and segment `id` starts `8 * id` bytes behind it.

use rum_interp::console::Output;
use rum_interp::memory::Memory;
use rum_interp::program::Program;
use rum_interp::state::{POLL_BEFORE_DATA_BYTES, STATE_BEFORE_DATA_BYTES, State};
use std::mem::offset_of;

const fn field(offset: usize) -> i32 {
    offset as i32 - STATE_BEFORE_DATA_BYTES as i32
}

/// Offset of register `index` from the pinned register.
pub(crate) const fn register(index: usize) -> i32 {
    field(offset_of!(State, registers) + index * 4)
}

pub(crate) const PC: i32 = field(offset_of!(State, pc));
pub(crate) const EXECUTED: i32 = field(offset_of!(State, executed));
pub(crate) const POLL: i32 = -(POLL_BEFORE_DATA_BYTES as i32);
pub(crate) const LENS: i32 = field(offset_of!(State, memory) + offset_of!(Memory, lens));
pub(crate) const CURSOR: i32 = field(offset_of!(State, memory) + offset_of!(Memory, cursor));
pub(crate) const RUN_END: i32 = field(offset_of!(State, memory) + offset_of!(Memory, run_end));
pub(crate) const FRONTIER: i32 = field(offset_of!(State, memory) + offset_of!(Memory, frontier));
pub(crate) const TOUCHED: i32 = field(offset_of!(State, memory) + offset_of!(Memory, touched));
pub(crate) const GRANTED: i32 = field(offset_of!(State, memory) + offset_of!(Memory, granted));
pub(crate) const WATCH: i32 = field(offset_of!(State, program) + offset_of!(Program, watch));
pub(crate) const OUTPUT_NEXT: i32 = field(offset_of!(State, output) + offset_of!(Output, next));
pub(crate) const OUTPUT_END: i32 = field(offset_of!(State, output) + offset_of!(Output, end));

/// Slots of `State::jit`.
#[derive(Clone, Copy)]
pub(crate) enum Slot {
    /// Address of the entry table.
    Table = 0,
    /// Address of code offset 0.
    CodeBase = 1,
    /// What a stub or host call gives back.
    Result = 2,
    /// Address of the stub that allocates when the current run is too short, or the segment large.
    AllocStub = 3,
    /// Address of the stub that abandons what is not a small segment.
    AbandonStub = 4,
    /// Address of the stub that has the host execute one instruction.
    StepStub = 5,
    /// Instruction count up to which compiled code may go, when it counts.
    Until = 6,
    /// Counts down to a forced exit (for tests).
    ForceExit = 8,
    /// The driver's pointer for host calls.
    Driver = 7,
}

/// Offset of a slot from the pinned register.
pub(crate) const fn slot(slot: Slot) -> i32 {
    field(offset_of!(State, jit) + slot as usize * 8)
}

/// An entry of the table that leads from a pc to compiled code: the code's offset in the low half, and in the high half
/// the number that selects the block in it. All zero leads to the *miss stub* at code offset 0, which leaves.
pub(crate) const fn table_entry(code_offset: u32, selector: u32) -> u64 {
    (selector as u64) << 32 | code_offset as u64
}

/// Blocks of a unit that can be entered. Selectors are `unit << SELECTOR_BITS | index`.
pub(crate) const SELECTOR_BITS: u32 = 10;
pub(crate) const ENTRIES_MAX: usize = 1 << SELECTOR_BITS;
/// Units that one engine can make before it starts anew.
pub(crate) const UNITS_MAX: u32 = 1 << (32 - SELECTOR_BITS);

/// What the miss stub returns: this, and in the low half the pc of the jump that found no code.
pub(crate) const MISSED: u64 = 1 << 63;
/// What a unit returns: the number of an exit site, or one of these. This one: a jump to where no code can be.
pub(crate) const EXIT_MISS: u32 = u32::MAX;
/// A step by the host ended with something to say; the state is complete.
pub(crate) const EXIT_HOST: u32 = u32::MAX - 1;
/// A register that a unit assumes to be 0 is not; the state is complete.
pub(crate) const EXIT_GUARD: u32 = u32::MAX - 2;
/// The poll word is set at the entry of a unit; the state is complete.
pub(crate) const EXIT_POLL: u32 = u32::MAX - 3;

const _: () = assert!(offset_of!(State, registers) == 0 && STATE_BEFORE_DATA_BYTES < 1 << 16);
