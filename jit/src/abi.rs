//! What compiled code knows about the state: offsets from the pinned register, slots, and the entry table.
//!
//! The pinned register holds the address of granule 0 of the machine's segments. The state lies right before it
//! ([`rum_interp::engine::STATE_BEFORE_DATA_BYTES`]), segment 0 starts at it, and segment `id` starts `8 * id` bytes behind it.

use rum_interp::engine::offset;

/// Offset of register `index` from the pinned register.
pub(crate) const fn register(index: usize) -> i32 {
    offset::REGISTERS + index as i32 * 4
}

pub(crate) use rum_interp::engine::offset::{
    CURSOR, EVENT, EVENTS_END, EXECUTED, FEW_NAMES, FIRST_SITE, FRONTIER, GRANTED, INPUT_END, INPUT_NEXT, JUMPS, LENS,
    MADE, MARKS, NAMES, NAMES_BOUND, NAMES_FREE, NAMES_LEFT, OUTPUT_END, OUTPUT_NEXT, PC, POLL, PROGRAM_LEN, RUN_END,
    SITES, TOUCHED, WATCH,
};

/// What the slots of the state are used for.
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
    /// The first granule of the segment that a stub has allocated.
    Place = 9,
    /// Address of the baseline tier's table.
    BaselineTable = 10,
    /// Address of offset 0 of its code.
    BaselineCode = 11,
    /// Instructions that its blocks have counted.
    BaselineExecuted = 12,
    /// Address of the stub that brings the stack of calls up to date.
    DrainStub = 13,
    /// Stores to so many bytes from an address on are the host's, and abandons of so many identifiers from one on.
    WatchFrom = 14,
    WatchBytes = 15,
    WatchId = 16,
    WatchIds = 17,
}

/// Offset of a slot from the pinned register.
pub(crate) const fn slot(slot: Slot) -> i32 {
    offset::slot(slot as usize)
}

/// An entry of the table that leads from a pc to compiled code: the code's offset in the low half, and in the high half
/// the number that selects the block in it. All zero leads to the *miss stub* at code offset 0, which leaves.
pub(crate) const fn table_entry(code_offset: u32, selector: u32) -> u64 {
    (selector as u64) << 32 | code_offset as u64
}

/// Blocks of a unit that can be entered. Selectors are `unit << SELECTOR_BITS | index`.
pub(crate) const SELECTOR_BITS: u32 = 10;
pub(crate) const ENTRIES_MAX: usize = 1 << SELECTOR_BITS;
/// Units that one engine can make before it starts anew: their selectors are below [`BLOCK_SELECTOR`].
pub(crate) const UNITS_MAX: u32 = BLOCK_SELECTOR >> SELECTOR_BITS;
/// The selector of a block of the baseline tier is its pc with this bit. No unit may take it for an entry of its own.
pub(crate) const BLOCK_SELECTOR: u32 = 1 << 31;
