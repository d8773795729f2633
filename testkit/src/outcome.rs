//! What a run is and what comes of it: [`Case`], [`Outcome`], [`Stop`], [`FaultKind`], and the digest of live memory.
//!
//! These types are the kit's own on purpose: the oracle shares no code with the machine it judges. Contenders
//! translate what their engine reports into them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A program with its input and the number of instructions it may execute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The words of segment 0 at the start.
    pub program: Vec<u32>,
    /// The bytes that `Input` reads; after them comes the end of input.
    pub input: Vec<u8>,
    /// Instructions after which the run stops with [`Stop::OutOfBudget`].
    pub budget: u64,
}

/// One case of the specification's "Cost-Cutting Measures", with the values concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // Fields: identifiers, offsets and capacities in words.
pub enum FaultKind {
    /// A word with operator 14 or 15 was executed.
    InvalidInstruction { word: u32 },
    /// The pc is not below segment 0's capacity.
    PcOutside { capacity: u32 },
    /// Index of a segment that is not active.
    IndexInactive { id: u32 },
    /// Index at or beyond the segment's capacity.
    IndexOutside { id: u32, offset: u32, capacity: u32 },
    /// Amendment of a segment that is not active.
    AmendInactive { id: u32 },
    /// Amendment at or beyond the segment's capacity.
    AmendOutside { id: u32, offset: u32, capacity: u32 },
    /// Abandonment of segment 0.
    AbandonProgram,
    /// Abandonment of a segment that is not active.
    AbandonInactive { id: u32 },
    /// Division by 0.
    DivisionByZero { dividend: u32 },
    /// Load-program from a segment that is not active.
    LoadInactive { id: u32 },
    /// Output of a value above 255.
    OutputTooLarge { value: u32 },
}

impl FaultKind {
    /// The names of all kinds, as [`FaultKind::name`] gives them.
    pub const NAMES: [&'static str; 11] = [
        "invalid-instruction",
        "pc-outside",
        "index-inactive",
        "index-outside",
        "amend-inactive",
        "amend-outside",
        "abandon-program",
        "abandon-inactive",
        "division-by-zero",
        "load-inactive",
        "output-too-large",
    ];

    /// The kind without its values, in kebab case.
    pub fn name(&self) -> &'static str {
        let index = match self {
            FaultKind::InvalidInstruction { .. } => 0,
            FaultKind::PcOutside { .. } => 1,
            FaultKind::IndexInactive { .. } => 2,
            FaultKind::IndexOutside { .. } => 3,
            FaultKind::AmendInactive { .. } => 4,
            FaultKind::AmendOutside { .. } => 5,
            FaultKind::AbandonProgram => 6,
            FaultKind::AbandonInactive { .. } => 7,
            FaultKind::DivisionByZero { .. } => 8,
            FaultKind::LoadInactive { .. } => 9,
            FaultKind::OutputTooLarge { .. } => 10,
        };
        Self::NAMES[index]
    }
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    /// `Halt` was executed.
    Halt,
    /// An instruction failed.
    Fault {
        /// What happened.
        kind: FaultKind,
        /// Offset in segment 0 of the failing instruction; for [`FaultKind::PcOutside`] the bad value itself.
        pc: u32,
    },
    /// As many instructions were executed as the case allows.
    OutOfBudget,
    /// The host's limit on the memory of a guest was reached. Engines count memory differently, so a run that ends
    /// here says nothing about the others.
    OutOfMemory,
    /// The source of identifiers handed out 0 or the identifier of an active segment.
    BrokenIdentifier {
        /// What it handed out.
        id: u32,
    },
}

impl Stop {
    /// A short name: `halt`, `out-of-budget`, or the name of the fault's kind.
    pub fn name(&self) -> &'static str {
        match self {
            Stop::Halt => "halt",
            Stop::Fault { kind, .. } => kind.name(),
            Stop::OutOfBudget => "out-of-budget",
            Stop::OutOfMemory => "out-of-memory",
            Stop::BrokenIdentifier { .. } => "broken-identifier",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Fault { kind, pc } => write!(f, "{kind:?} at pc {pc}"),
            Stop::BrokenIdentifier { id } => write!(f, "broken identifier {id}"),
            _ => f.write_str(self.name()),
        }
    }
}

/// Everything that two engines must agree on when a run has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why it ended.
    pub stop: Stop,
    /// The eight registers; at a fault, as before the failing instruction.
    pub registers: [u32; 8],
    /// Offset of the next instruction: at a fault the failing one, after `Halt` the one behind it.
    pub pc: u32,
    /// Instructions executed: `Halt` counts, a failing instruction does not.
    pub executed: u64,
    /// The bytes put out.
    pub output: Vec<u8>,
    /// [`memory_digest`] of all active segments.
    pub memory_digest: u64,
}

/// All active segments by identifier, 0 included.
pub type Memory = BTreeMap<u32, Vec<u32>>;

/// A digest of all active segments: identifiers, capacities and words. The order in which they come does not matter.
pub fn memory_digest<'a>(segments: impl IntoIterator<Item = (u32, &'a [u32])>) -> u64 {
    segments.into_iter().fold(0u64, |sum, (id, words)| sum.wrapping_add(segment_digest(id, words)))
}

fn segment_digest(id: u32, words: &[u32]) -> u64 {
    const FACTOR: u64 = 0x9fb2_1c65_1e98_df25;
    let start = scramble(u64::from(id) << 32 | words.len() as u64);
    let pairs = words.chunks(2).fold(start, |hash, pair| {
        let both = u64::from(pair[0]) << 32 | u64::from(pair.get(1).copied().unwrap_or(0));
        (hash ^ both).wrapping_mul(FACTOR).rotate_left(29)
    });
    scramble(pairs)
}

fn scramble(value: u64) -> u64 {
    let value = (value ^ (value >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let value = (value ^ (value >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_depends_on_everything_but_the_order() {
        let digest = |segments: &[(u32, &[u32])]| memory_digest(segments.iter().copied());
        let base = digest(&[(0, &[1, 2, 3]), (5, &[]), (6, &[7])]);
        assert_eq!(base, digest(&[(6, &[7]), (0, &[1, 2, 3]), (5, &[])]));
        for other in [
            digest(&[(0, &[1, 2, 3]), (6, &[7])]),
            digest(&[(0, &[1, 2, 4]), (5, &[]), (6, &[7])]),
            digest(&[(0, &[2, 1, 3]), (5, &[]), (6, &[7])]),
            digest(&[(0, &[1, 2, 3, 0]), (5, &[]), (6, &[7])]),
            digest(&[(0, &[1, 2, 3]), (4, &[]), (6, &[7])]),
            digest(&[(0, &[1, 2, 3]), (5, &[7]), (6, &[])]),
        ] {
            assert_ne!(base, other);
        }
    }
}
