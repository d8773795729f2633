//! What a unit takes for granted and what it promises, in numbers: for whoever proves its code equal to the words that it was made
//! from (`proofs/`). It is written down only with listings ([`crate::Options::keep_listings`]).
//!
//! What stands here about *heads* is a hint that the proof checks: a wrong one makes it fail, and never succeed.

use serde::{Deserialize, Serialize};

/// The source location of what comes from a word, as Cranelift keeps it: of the first location less 1 it would not know any more that
/// there is one.
pub const fn location(pc: u32) -> u32 {
    pc << 1
}

/// The word that a source location is of.
pub const fn word_at(location: u32) -> u32 {
    location >> 1
}

/// A unit's contract.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Contract {
    /// The unit's number.
    pub unit: u32,
    /// Length of segment 0 in words.
    pub program_len: u32,
    /// Registers that are 0 wherever the unit is entered, as a bit mask.
    pub zero: u8,
    /// Its straight lines of words, by their starts.
    pub blocks: Vec<(u32, Vec<Code>)>,
    /// Pairs of blocks that one leads to the other, both by their starts.
    pub edges: Vec<(u32, u32)>,
    /// Blocks to which more than one way leads, by their starts.
    pub joins: Vec<u32>,
    /// Blocks that can be entered, in the order of their selectors.
    pub entries: Vec<u32>,
    /// Exits, in the order of their numbers.
    pub exits: Vec<ExitPoint>,
    /// Where control comes together.
    pub heads: Vec<Head>,
    /// Offsets of segment 0 that it stores to without looking, because nothing depends on them.
    pub plain_stores: Vec<u32>,
    /// Whether all segments have names.
    pub all_named: bool,
    /// Identifiers at or above this have no length byte.
    pub id_bound: Option<u64>,
    /// Names are below this.
    pub names_bound: Option<u32>,
    /// Whether new segments may still get names where later ones do not.
    pub naming: bool,
    /// Whether it counts instructions.
    pub counts: bool,
    /// Whether it looks for words that somebody watches, or counts for a profile.
    pub observed: bool,
}

/// A word that a unit was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Code {
    /// It stays what it is for as long as the unit lives.
    Fixed(u32),
    /// It is read each time, as a literal into this register.
    Literal(u8),
    /// It is read each time, by the host.
    Anything,
}

/// An exit, and what completes the state there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExitPoint {
    /// Where the interpreter goes on.
    pub pc: u32,
    /// Registers that are constants.
    pub constants: Vec<(u8, u32)>,
    /// Instructions executed and not yet counted.
    pub uncounted: u32,
}

/// A block of the function at which control comes together before a block of the guest's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// The function's block.
    pub block: u32,
    /// The guest's, by its start.
    pub pc: u32,
    /// Where each register is.
    pub registers: [Held; 8],
    /// Registers whose homes hold them, as a bit mask.
    pub at_home: u8,
    /// What is known of lengths.
    pub lengths: Vec<KnownLength>,
}

/// Where a register is. Values are numbers of the function's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Held {
    /// At home, or nowhere if it does not matter.
    Home,
    /// It is this constant.
    Constant(u32),
    /// In a value.
    Value(u32),
    /// In two: dividend and divisor.
    Quotient(u32, u32),
}

/// The length of a segment that a value holds, 0 if it is not active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownLength {
    /// The identifier.
    pub segment: u32,
    /// The length in words.
    pub length: u32,
    /// The first granule, if it does not follow from the identifier.
    pub granule: Option<u32>,
}

/// Distances of the slots from the pinned register, in bytes.
pub mod slots {
    use crate::abi::{Slot, slot};

    /// Address of the table of entries.
    pub const TABLE: i32 = slot(Slot::Table);
    /// Address of code offset 0.
    pub const CODE_BASE: i32 = slot(Slot::CodeBase);
    /// What a stub gives back.
    pub const RESULT: i32 = slot(Slot::Result);
    /// Where the segment is that a stub has allocated.
    pub const PLACE: i32 = slot(Slot::Place);
    /// Address of the stub that allocates.
    pub const ALLOC_STUB: i32 = slot(Slot::AllocStub);
    /// Address of the stub that abandons.
    pub const ABANDON_STUB: i32 = slot(Slot::AbandonStub);
    /// Address of the stub that has the host execute an instruction.
    pub const STEP_STUB: i32 = slot(Slot::StepStub);
    /// Instructions up to which may be executed.
    pub const UNTIL: i32 = slot(Slot::Until);
    /// Counts down to a forced exit.
    pub const FORCE_EXIT: i32 = slot(Slot::ForceExit);
    /// Bits of a selector that say which of a unit's entries.
    pub const SELECTOR_BITS: u32 = crate::abi::SELECTOR_BITS;
}

/// What a unit returns where its state is complete.
pub mod returns {
    use crate::exit::Complete;

    /// A jump to where no code can be.
    pub const MISS: u64 = Complete::Miss as u64;
    /// A step by the host ended with something to say.
    pub const HOST: u64 = Complete::Host as u64;
    /// A register that is taken to be 0 is not.
    pub const GUARD: u64 = Complete::Guard as u64;
    /// The poll word is set.
    pub const POLL: u64 = Complete::Poll as u64;
}
