//! Why compiled code was left: the one account of it, and of the number that says so.
//!
//! Compiled code returns 64 bits:
//!
//! | bits | meaning |
//! |---|---|
//! | bit 63 set | the jump at the pc in the low half found no code (the miss stub) |
//! | bit 62 set | the block of the baseline tier at the pc is hot; the jump to it stands in the low half |
//! | one of the largest 32-bit numbers | what [`Complete`] says |
//! | `unit << 16 \| site` | an exit of a unit; its [`Site`] completes the state |
//!
//! A unit has fewer than [`SITES_MAX`] exits, so that no number means two things. For a new reason add a variant here, its
//! name, and what the policy does about it (`policy.rs`).

use rum_interp::engine::State;
use serde::{Deserialize, Serialize};

/// Why compiled code was left at an exit of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reason {
    /// A check did not hold: the interpreter finds out what that means.
    Check,
    /// The next instruction is not for compiled code.
    Leave,
    /// The poll word was set.
    Poll,
    /// The block would pass the instruction limit.
    Limit,
}

/// What completes the state at an exit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Site {
    /// Where the interpreter goes on.
    pub pc: u32,
    /// Registers whose values are constants here; the exit has stored the others.
    pub constants: Vec<(u8, u32)>,
    /// Instructions executed and not yet counted.
    pub uncounted: u32,
    pub reason: Reason,
}

impl Site {
    /// Makes the state what the interpreter would have. Gives the reason why it is needed.
    pub fn complete(&self, state: &mut State) -> Reason {
        for &(reg, value) in &self.constants {
            state.registers_mut()[usize::from(reg)] = value;
        }
        state.set_pc(self.pc);
        state.count(u64::from(self.uncounted));
        self.reason
    }
}

/// Why compiled code was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// At an exit of a unit.
    Site { unit: u32, reason: Reason },
    /// Within a block of the baseline tier.
    Block { reason: Reason },
    /// A block of the baseline tier is hot, which the jump at `from` led to if that is in the program.
    Hot { from: u32 },
    /// A jump, from the word at `from` if that is known, found no code.
    Miss { from: Option<u32> },
    /// A step by the host ended compiled execution.
    Host,
    /// A register that the unit at the pc takes to be 0 is not.
    Guard,
    /// The poll word was set at the entry of a unit.
    Poll,
}

/// Most exits of a unit.
pub(crate) const SITES_MAX: usize = (1 << 16) - 7;

/// What the miss stub returns: this, and in the low half the pc of the jump that found no code.
pub(crate) const MISSED: u64 = 1 << 63;

/// What says that the block at the pc is hot: this, and in the low half the pc of the jump to it.
pub(crate) const HOT: u64 = 1 << 62;

/// What compiled code returns where the state is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub(crate) enum Complete {
    /// A jump to where no code can be.
    Miss = u32::MAX,
    /// A step by the host ended with something to say.
    Host = u32::MAX - 1,
    /// A register that the unit takes to be 0 is not.
    Guard = u32::MAX - 2,
    /// The poll word is set at the entry of a unit, or before a jump of a block.
    Poll = u32::MAX - 3,
    /// A check of a block did not hold.
    BlockCheck = u32::MAX - 4,
    /// The next instruction is not for blocks.
    BlockLeave = u32::MAX - 5,
    /// A block would pass the instruction limit.
    BlockLimit = u32::MAX - 6,
}

/// The number that a unit returns from one of its exits.
pub(crate) fn site_number(unit: u32, site: usize) -> u64 {
    debug_assert!(site < SITES_MAX);
    u64::from(unit) << 16 | site as u64
}

impl Exit {
    /// The names of all kinds, as statistics use them.
    pub const NAMES: [&'static str; 8] = ["check", "leave", "poll", "limit", "miss", "guard", "host", "hot"];

    /// The number of the kind among [`Exit::NAMES`].
    pub fn kind(&self) -> usize {
        match self {
            Exit::Site { reason, .. } | Exit::Block { reason } => match reason {
                Reason::Check => 0,
                Reason::Leave => 1,
                Reason::Poll => 2,
                Reason::Limit => 3,
            },
            Exit::Poll => 2,
            Exit::Miss { .. } => 4,
            Exit::Guard => 5,
            Exit::Host => 6,
            Exit::Hot { .. } => 7,
        }
    }

    /// What a number that compiled code returned means. Where a unit's exit has to complete the state, `complete` does that
    /// for the unit and the site, and gives the reason.
    pub fn unpack(number: u64, complete: impl FnOnce(u32, usize) -> Reason) -> Exit {
        if number & MISSED != 0 {
            return Exit::Miss { from: Some(number as u32) };
        }
        if number & HOT != 0 {
            return Exit::Hot { from: number as u32 };
        }
        for (code, exit) in [
            (Complete::Miss, Exit::Miss { from: None }),
            (Complete::Host, Exit::Host),
            (Complete::Guard, Exit::Guard),
            (Complete::Poll, Exit::Poll),
            (Complete::BlockCheck, Exit::Block { reason: Reason::Check }),
            (Complete::BlockLeave, Exit::Block { reason: Reason::Leave }),
            (Complete::BlockLimit, Exit::Block { reason: Reason::Limit }),
        ] {
            if number == u64::from(code as u32) {
                return exit;
            }
        }
        let unit = u32::try_from(number >> 16).expect("units are numbered with 22 bits");
        Exit::Site { unit, reason: complete(unit, (number & 0xffff) as usize) }
    }

    /// The unit that was left because something it takes for granted did not hold: at a check, or at the guard of the unit
    /// that stands `at_pc`.
    pub fn unit_to_blame(&self, at_pc: impl FnOnce() -> Option<u32>) -> Option<u32> {
        match *self {
            Exit::Site { unit, reason: Reason::Check } => Some(unit),
            Exit::Guard => at_pc(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::UNITS_MAX;

    #[test]
    fn every_number_means_one_thing() {
        let site = |unit, site| {
            let mut seen = None;
            let exit = Exit::unpack(site_number(unit, site), |unit, site| {
                seen = Some((unit, site));
                Reason::Leave
            });
            assert_eq!(exit, Exit::Site { unit, reason: Reason::Leave });
            assert_eq!(seen, Some((unit, site)));
        };
        for unit in [1, 65_534, 65_535, 65_536, UNITS_MAX - 1] {
            [0, 1, SITES_MAX - 1].into_iter().for_each(|number| site(unit, number));
        }
        let never = |_, _| unreachable!("no exit of a unit");
        assert_eq!(Exit::unpack(MISSED | 77, never), Exit::Miss { from: Some(77) });
        assert_eq!(Exit::unpack(MISSED | u64::from(u32::MAX), never), Exit::Miss { from: Some(u32::MAX) });
        assert_eq!(Exit::unpack(u64::from(Complete::Miss as u32), never), Exit::Miss { from: None });
        assert_eq!(Exit::unpack(u64::from(Complete::Guard as u32), never), Exit::Guard);
    }
}
