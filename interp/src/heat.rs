//! How hot each word of segment 0 is: how often it was jumped to, and what came of that.
//!
//! ```text
//!            jump
//!           +----+
//!           v    |   threshold reached: the loop pauses
//!        Counting-+-----------------------------------> the engine above decides
//!         ^  ^  ^                                          |        |         |
//!  time   |  |  | dropped, forgotten, put off              v        v         v
//!  passed |  |  +---------------------------------------Waiting  HasCode   Rejected
//!         |  +-------- it has no code any more ------------|--------+         |
//!         +------------------------------------------------+------------------+
//! ```
//!
//! The table holds one number for each word, so that the loop only adds one and compares. The states are bands of numbers:
//!
//! | numbers | state |
//! |---|---|
//! | `i32::MAX` | [`Heat::HasCode`]: at every threshold |
//! | above `-2^28` | [`Heat::Counting`]; below 0 it was put off |
//! | from `-2^30` up | [`Heat::Waiting`]: as long as no 700 million jumps go there |
//! | from `i32::MIN` up | [`Heat::Rejected`]: as long as no billion jumps go there |
//!
//! Counting stops at the threshold, which is below `i32::MAX`: no number runs over.

use crate::pages::Pages;
use std::io;

/// The state of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heat {
    /// Jumped to so often, as far as that was counted. Below 0 it takes that much longer to become hot.
    Counting(i32),
    /// Code for it was asked for.
    Waiting,
    /// There will be no code for it.
    Rejected,
    /// It can be executed otherwise than by the interpreter: the loop pauses there.
    HasCode,
}

/// The largest threshold.
pub const THRESHOLD_MAX: i32 = i32::MAX - 1;

const HAS_CODE: i32 = i32::MAX;
const COUNTING_MIN: i32 = -(1 << 28);
const WAITING: i32 = -(1 << 30);
const REJECTED: i32 = i32::MIN;

impl Heat {
    fn of_number(number: i32) -> Heat {
        match number {
            HAS_CODE => Heat::HasCode,
            COUNTING_MIN.. => Heat::Counting(number),
            WAITING.. => Heat::Waiting,
            REJECTED.. => Heat::Rejected,
        }
    }

    fn number(self) -> i32 {
        match self {
            Heat::Counting(count) => count.clamp(COUNTING_MIN, THRESHOLD_MAX),
            Heat::Waiting => WAITING,
            Heat::Rejected => REJECTED,
            Heat::HasCode => HAS_CODE,
        }
    }
}

/// One number for every word of segment 0, zero until touched.
#[derive(Debug)]
pub struct HeatTable {
    pub(crate) numbers: *mut i32,
    /// Numbers that are accessible.
    room: usize,
    pages: Pages,
}

// SAFETY: the pointer leads into the pages that the struct owns.
unsafe impl Send for HeatTable {}

impl HeatTable {
    pub(crate) fn new(pages: Pages) -> HeatTable {
        HeatTable { numbers: pages.start().cast(), room: 0, pages }
    }

    /// Makes room for `words` words.
    pub(crate) fn make_room(&mut self, words: usize) -> io::Result<()> {
        self.pages.make_room(words * size_of::<i32>())?;
        self.room = self.room.max(words);
        Ok(())
    }

    /// Asks for the memory of some words.
    pub(crate) fn expect_use(&mut self, first: usize, words: usize) {
        self.pages.ask(first * size_of::<i32>(), words * size_of::<i32>());
    }

    /// The number of the word at `pc`: 0 outside every program so far.
    #[inline]
    fn number(&self, pc: u32) -> i32 {
        // SAFETY: in range by the test.
        if (pc as usize) < self.room { unsafe { *self.numbers.add(pc as usize) } } else { 0 }
    }

    /// The state of the word at `pc`; outside every program so far it counts 0.
    pub fn get(&self, pc: u32) -> Heat {
        Heat::of_number(self.number(pc))
    }

    /// How warm the word at `pc` is, to be compared: code is warmest, what waits for it or was rejected coldest.
    pub fn warmth(&self, pc: u32) -> i32 {
        self.number(pc)
    }

    /// Sets the state of the word at `pc`; without effect outside every program so far.
    pub fn set(&mut self, pc: u32, heat: Heat) {
        if (pc as usize) < self.room {
            self.expect_use(pc as usize, 1);
            // SAFETY: in range by the test.
            unsafe { *self.numbers.add(pc as usize) = heat.number() };
        }
    }

    /// Counts a jump to the word at `pc` that the loop did not see. Gives how warm it is now.
    pub fn count(&mut self, pc: u32) -> i32 {
        if pc as usize >= self.room {
            return 1;
        }
        self.expect_use(pc as usize, 1);
        // SAFETY: in range by the test.
        let number = unsafe { &mut *self.numbers.add(pc as usize) };
        *number = number.saturating_add(1);
        *number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_come_back_as_they_were_set() {
        for heat in [
            Heat::Counting(0),
            Heat::Counting(-(1 << 24)),
            Heat::Counting(THRESHOLD_MAX),
            Heat::Waiting,
            Heat::Rejected,
            Heat::HasCode,
        ] {
            assert_eq!(Heat::of_number(heat.number()), heat);
        }
        assert_eq!(Heat::of_number(Heat::Waiting.number() + 700_000_000), Heat::Waiting);
        assert_eq!(Heat::of_number(Heat::Rejected.number() + 1_000_000_000), Heat::Rejected);
    }
}
