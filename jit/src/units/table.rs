//! The table that leads from a pc to compiled code: one [`EntryPoint`] for every word of segment 0. Compiled code reads it.

use crate::abi::{BLOCK_SELECTOR, SELECTOR_BITS, table_entry};
use crate::per_word::PerWord;
use rum_interp::engine::Backing;
use std::io;

/// Where a unit can be entered. As a number it is what compiled code finds in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryPoint(u64);

impl EntryPoint {
    /// Block number `index` of those of unit `unit` that can be entered; its code stands at `code_offset`.
    pub fn new(code_offset: u32, unit: u32, index: u32) -> EntryPoint {
        EntryPoint(table_entry(code_offset, unit << SELECTOR_BITS | index))
    }

    /// The way to the block at `pc`, by code at an offset.
    pub fn of_block(code_offset: u32, pc: u32) -> EntryPoint {
        EntryPoint(table_entry(code_offset, pc | BLOCK_SELECTOR))
    }

    /// Offset of the unit's code.
    pub fn code_offset(self) -> u32 {
        self.0 as u32
    }

    /// What tells the code which block is meant.
    pub fn selector(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The unit's number.
    pub fn unit(self) -> u32 {
        self.selector() >> SELECTOR_BITS
    }
}

/// How code is entered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WayIn {
    /// In a unit.
    Unit(EntryPoint),
    /// In the block at the pc.
    Block,
}

/// The table. All zero leads to the miss stub at code offset 0.
pub(crate) struct EntryTable(PerWord<u64>);

impl EntryTable {
    /// A table for programs of up to `words_max` words.
    ///
    /// # Errors
    /// The system has no address space for it.
    pub fn new(words_max: usize, backing: Backing) -> io::Result<EntryTable> {
        // SAFETY: zero bytes are a number.
        unsafe { PerWord::new(words_max, backing) }.map(EntryTable)
    }

    /// Makes the table usable for a program of `words` words.
    ///
    /// # Errors
    /// The system has no memory for it.
    pub fn make_room(&mut self, words: usize) -> io::Result<()> {
        self.0.make_room(words)
    }

    /// Address of the table: 8 bytes for every word of segment 0.
    pub fn address(&self) -> *mut u64 {
        self.0.address()
    }

    /// Takes the memory that it needs to say something of `pc`, as [`PerWord::take_room`].
    pub fn take_room(&mut self, pc: u32, take: impl FnOnce(u64) -> bool) -> bool {
        self.0.take_room(pc, take)
    }

    /// Where to enter at `pc`, if anywhere.
    pub fn get(&self, pc: u32) -> Option<EntryPoint> {
        self.0.get(pc).filter(|&entry| entry != 0).map(EntryPoint)
    }

    /// Says where to enter at `pc`.
    ///
    /// # Panics
    /// `pc` lies outside the table.
    pub fn set(&mut self, pc: u32, entry: Option<EntryPoint>) {
        let number = entry.map_or(0, |entry| entry.0);
        // Nothing is written to say nothing.
        if self.0.get(pc) != Some(number) {
            *self.0.get_mut(pc) = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::UNITS_MAX;

    #[test]
    fn entries_are_found_as_they_were_set() {
        let mut table = EntryTable::new(1000, Backing::OnTouch).expect("address space");
        assert_eq!(table.get(5), None, "outside");
        table.make_room(10).expect("memory");
        let entry = EntryPoint::new(0xffff_fff0, 2_000_000, 1023);
        table.set(5, Some(entry));
        assert_eq!(table.get(5), Some(entry));
        assert_eq!((entry.code_offset(), entry.unit(), entry.selector() & 1023), (0xffff_fff0, 2_000_000, 1023));
        table.set(5, None);
        assert_eq!(table.get(5), None);
    }

    /// A unit looks at the selector of an entry to see whether that is its own.
    #[test]
    fn no_block_is_taken_for_an_entry_of_a_unit() {
        for pc in [0, 2055, (1 << 28) - 1] {
            assert!(EntryPoint::of_block(64, pc).unit() >= UNITS_MAX, "{pc}");
        }
    }
}
