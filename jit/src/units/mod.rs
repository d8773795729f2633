//! What is compiled now, what it depends on, and what ends it.
//!
//! A [`Unit`] is the code of one region. It depends on
//!
//! | on | marked as | ended by |
//! |---|---|---|
//! | the words it was made from | [`WATCH_DERIVED`] | a store to one of them: [`Cause::Stored`] |
//! | nothing depending on the words that it stores to without a look | [`WATCH_BLIND`] | something that comes to: [`Cause::Decoded`] |
//! | segment 0 being the one it was made for | | [`Cause::Replaced`] |
//!
//! and it may be ended because something better takes its place ([`Cause::Improved`]) or there is no more room for code
//! ([`Cause::Budget`]).
//!
//! To kill a unit is to take its entries out of the table: compiled code reaches it through the table only, and none is
//! running. Its marks in the watch bytes stay until a store finds that they mean nothing any more. Its bytes stay until
//! the generation of code ends.

mod blocks;
mod index;
mod table;
mod unit;

use self::index::Index;
use self::table::EntryTable;
use crate::baseline::Baseline;
use crate::cache::Shape;
use crate::cause::Cause;
use crate::journal::{Event, Journal};
use crate::plan::Plan;
use crate::region::contains;
use rum_interp::engine::{Backing, Heat, State, WATCH_BLIND, WATCH_DERIVED, WATCH_STORES};
use std::collections::BTreeMap;
use std::io;

pub(crate) use self::table::{EntryPoint, WayIn};
pub(crate) use self::unit::{Code, Unit};

/// All live units, and the table that leads to them.
pub(crate) struct Units {
    /// Live units by number. Numbers are never used twice.
    units: BTreeMap<u32, Unit>,
    /// Those that were made from words of a stretch, and those that store to words of it without a look.
    made_from: Index,
    storing_to: Index,
    next_number: u32,
    table: EntryTable,
    /// The blocks of the baseline tier.
    baseline: Option<Baseline>,
    /// Where units enter blocks: an offset of the optimiser's code. None before the first unit; then the table leads to every block that
    /// no unit stands in front of.
    way_to_blocks: Option<u32>,
    /// Times that a block is executed before it is hot.
    pub until_hot: i32,
    /// How often units were thrown away, by the word that had been hot and the cause.
    ended: BTreeMap<(u32, &'static str), u64>,
}

impl Units {
    /// No units, for programs of up to `words_max` words.
    ///
    /// # Errors
    /// The system has no address space for the table.
    pub fn new(words_max: usize, backing: Backing) -> io::Result<Units> {
        Ok(Units {
            units: BTreeMap::new(),
            made_from: Index::default(),
            storing_to: Index::default(),
            next_number: 1,
            table: EntryTable::new(words_max, backing)?,
            baseline: None,
            way_to_blocks: None,
            until_hot: 1,
            ended: BTreeMap::new(),
        })
    }

    /// Makes the table usable for a program of `words` words.
    ///
    /// # Errors
    /// The system has no memory for it.
    pub fn make_room(&mut self, words: usize) -> io::Result<()> {
        if let Some(baseline) = &mut self.baseline {
            baseline.make_room(words)?;
        }
        self.table.make_room(words)
    }

    /// Address of the table.
    pub fn table_address(&self) -> u64 {
        self.table.address() as u64
    }

    /// Where a unit can be entered for `pc`.
    #[inline]
    pub fn entry(&self, pc: u32) -> Option<EntryPoint> {
        // There are no units before the way to blocks.
        let to_blocks = self.way_to_blocks?;
        self.table.get(pc).filter(|entry| entry.code_offset() != to_blocks)
    }

    /// A number for a unit to come.
    pub fn number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// Units to come get numbers above `number`.
    pub fn reserve_numbers(&mut self, number: u32) {
        self.next_number = self.next_number.max(number.saturating_add(1));
    }

    /// All live units, by their numbers.
    pub fn all(&self) -> impl Iterator<Item = (u32, &Unit)> {
        self.units.iter().map(|(&number, unit)| (number, unit))
    }

    pub fn numbers_used(&self) -> u32 {
        self.next_number
    }

    pub fn get(&self, number: u32) -> Option<&Unit> {
        self.units.get(&number)
    }

    pub fn get_mut(&mut self, number: u32) -> Option<&mut Unit> {
        self.units.get_mut(&number)
    }

    /// The unit that is entered at `pc`.
    pub fn owner(&self, pc: u32) -> Option<(u32, &Unit)> {
        let number = self.entry(pc)?.unit();
        self.units.get(&number).map(|unit| (number, unit))
    }

    /// The newest unit that was made from the word at `pc`.
    pub fn made_from(&self, pc: u32) -> Option<(u32, &Unit)> {
        let number = self.all_made_from(pc).max()?;
        Some((number, &self.units[&number]))
    }

    fn all_made_from(&self, offset: u32) -> impl Iterator<Item = u32> + '_ {
        self.made_from.near(offset).iter().copied().filter(move |number| self.units[number].depends_on(offset))
    }

    /// Whether a live unit was made from the word at `offset`.
    pub fn depend_on(&self, offset: u32) -> bool {
        self.all_made_from(offset).next().is_some()
            || self.baseline.as_ref().is_some_and(|baseline| baseline.depends_on(offset))
    }

    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether code can be published as it is: nothing depends on a word that it stores to without a look.
    pub fn fits(&self, plan: &Plan, shape: &Shape, state: &mut State) -> bool {
        // Words that a unit still being compiled is made from are marked and belong to no live unit yet: it will find
        // the mark of this one, and this one dies then.
        plan.plain_stores.iter().all(|&offset| {
            if contains(&shape.ranges, offset) || state.watch().byte(offset) & WATCH_STORES != 0 {
                return false;
            }
            if state.watch().byte(offset) & WATCH_DERIVED == 0 {
                return true;
            }
            if self.depend_on(offset) {
                return false;
            }
            // A mark that a dead unit left.
            state.watch_mut().clear_derived(offset);
            true
        })
    }

    /// Counts the memory that it takes to say in the table where to enter at `pc`. False if there may be no more.
    fn claim(&mut self, pc: u32, state: &mut State) -> bool {
        self.table.take_room(pc, |bytes| state.charge_tables(bytes))
    }

    /// Makes a unit live.
    pub fn publish(&mut self, number: u32, unit: Unit, state: &mut State, journal: &mut Journal) {
        for word in unit.offsets() {
            if state.watch().byte(word) & WATCH_BLIND != 0 {
                self.kill_storers(word, state, journal);
            }
            state.watch_mut().mark_derived(word);
        }
        for &offset in &unit.blind_stores {
            state.forget_decoded(offset);
            state.watch_mut().mark_blind(offset);
        }
        for (index, &pc) in unit.entries.iter().enumerate() {
            // The root replaces what was there: it is newer.
            if pc == unit.shape.root || self.entry(pc).is_none() {
                // What is compiled was worth it already, whatever the answer.
                self.claim(pc, state);
                self.table.set(pc, Some(EntryPoint::new(unit.code.offset, number, index as u32)));
                if let Some(baseline) = &mut self.baseline {
                    baseline.unit_came(pc);
                }
                state.heat_mut().set(pc, Heat::HasCode);
            }
        }
        for &pc in &unit.shape.starts {
            if self.entry(pc).is_none() {
                self.release(state, pc);
            }
        }
        self.made_from.insert(number, unit.offsets());
        self.storing_to.insert(number, unit.blind_stores.iter().copied());
        self.units.insert(number, unit);
    }

    /// Kills what depends on the word at `offset`, which was stored to. Gives the number of units killed.
    pub fn word_stored(&mut self, offset: u32, state: &mut State, journal: &mut Journal) -> usize {
        let dead: Vec<u32> = self.all_made_from(offset).collect();
        for &number in &dead {
            self.kill(number, Cause::Stored, state, journal);
        }
        let blocks = self.baseline.as_mut().map_or_else(Vec::new, |baseline| baseline.drop_over(offset));
        self.blocks_went(state, &blocks);
        state.watch_mut().clear_derived(offset);
        dead.len() + blocks.len()
    }

    /// Kills what stores to the word at `offset` without a look.
    pub fn kill_storers(&mut self, offset: u32, state: &mut State, journal: &mut Journal) {
        let stores = |number: &u32| self.units[number].blind_stores.contains(&offset);
        let dead: Vec<u32> = self.storing_to.near(offset).iter().copied().filter(stores).collect();
        for number in dead {
            self.kill(number, Cause::Decoded, state, journal);
        }
        state.watch_mut().clear_blind(offset);
    }

    /// Kills a unit, if it lives.
    pub fn kill(&mut self, number: u32, cause: Cause, state: &mut State, journal: &mut Journal) {
        let Some(unit) = self.units.remove(&number) else { return };
        self.made_from.remove(number, unit.offsets());
        self.storing_to.remove(number, unit.blind_stores.iter().copied());
        for pc in unit.entries {
            if self.entry(pc).is_some_and(|entry| entry.unit() == number) {
                self.table.set(pc, None);
                if self.baseline.as_mut().is_some_and(|baseline| baseline.unit_went(pc)) {
                    self.show_block(pc);
                }
                self.set_heat(state, pc, Heat::Counting(0));
            }
        }
        tracing::debug!(unit = number, root = unit.shape.root, cause = cause.name(), "a unit is thrown away");
        *self.ended.entry((unit.shape.root, cause.name())).or_default() += 1;
        journal.note(Event::Killed(cause));
    }

    /// Kills every unit.
    pub fn kill_all(&mut self, cause: Cause, state: &mut State, journal: &mut Journal) {
        for number in self.units.keys().copied().collect::<Vec<_>>() {
            self.kill(number, cause, state, journal);
        }
    }
}
