//! What is compiled now, what it depends on, and what ends it.
//!
//! A *unit* is the code of one region. It depends on
//! - the words it was made from ([`WATCH_TRANSLATED`]): a store to one of them kills it;
//! - nobody depending on the words that it stores to without looking ([`WATCH_PLAIN`]): when somebody comes to, it dies;
//! - segment 0 being the one it was made for.
//!
//! To kill a unit is to take its entries out of the table: compiled code reaches it through the table only, and none is
//! running. Its marks in the watch bytes stay until a store finds that they mean nothing any more. Its bytes stay until
//! the generation of code ends.

use crate::abi::{SELECTOR_BITS, table_entry};
use crate::region::{Region, Volatile};
use crate::translate::{Plan, Site};
use rum_interp::Word;
use rum_interp::isa::Instruction;
use rum_interp::program::{HEAT_COMPILED, Program, WATCH_PLAIN, WATCH_TRANSLATED};
use rum_interp::reserve::{Backing, Reservation};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Why a unit was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// A word it was made from was stored to.
    Stored,
    /// A word it stores to without looking became code.
    Decoded,
    /// Segment 0 was replaced.
    Replaced,
    /// It is compiled again with more knowledge.
    Improved,
    /// The code budget was used up.
    Budget,
}

impl Cause {
    pub const ALL: [Cause; 5] = [Cause::Stored, Cause::Decoded, Cause::Replaced, Cause::Improved, Cause::Budget];

    pub fn name(self) -> &'static str {
        match self {
            Cause::Stored => "stored",
            Cause::Decoded => "decoded",
            Cause::Replaced => "replaced",
            Cause::Improved => "improved",
            Cause::Budget => "budget",
        }
    }
}

/// The code of one region.
pub(crate) struct Unit {
    pub root: u32,
    /// Ranges of words it was made from, in order.
    pub ranges: Vec<(u32, u32)>,
    pub plain_stores: BTreeSet<u32>,
    /// Entries that are its own in the table.
    pub entries: Vec<u32>,
    /// Registers it takes to be 0.
    pub zero: u8,
    pub sites: Vec<Site>,
    /// Exits because a check did not hold.
    pub checks_failed: u32,
    /// Looking into them has taught something that the next translation can use.
    pub learnt: bool,
    /// What was known about its sites when it was made.
    known_sites: FxHashMap<u32, u8>,
    /// How it executes words that are patched again and again.
    volatile: FxHashMap<u32, Volatile>,
}

impl Unit {
    /// An instruction has met something (`SITE_...`): notes whether the unit was made without knowing that.
    pub fn learn(&mut self, pc: u32, bits: u8) {
        let inside = self.depends_on(pc);
        self.learnt |= inside && bits & !self.known_sites.get(&pc).copied().unwrap_or(0) != 0;
    }

    /// The word at `pc` is `word`: notes whether the unit takes it to be another kind of instruction.
    pub fn learn_word(&mut self, pc: u32, word: Word) -> bool {
        let Some(&Volatile::Literal(expected)) = self.volatile.get(&pc) else { return false };
        let as_expected = matches!(Instruction::decode(word), Instruction::Literal { a, .. } if a == expected);
        self.learnt |= !as_expected;
        !as_expected
    }

    pub fn depends_on(&self, offset: u32) -> bool {
        let at = self.ranges.partition_point(|&(start, _)| start <= offset);
        at > 0 && offset < self.ranges[at - 1].1
    }
}

/// Words that an [`Index`] looks up together.
const STRETCH_WORDS: u32 = 64;

/// Numbers of units by the stretches of the program that they have to do with: programs can have many thousand units.
#[derive(Default)]
struct Index(FxHashMap<u32, Vec<u32>>);

impl Index {
    /// The stretches that words lie in, each once if the words are in order.
    fn stretches(words: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut stretches: Vec<u32> = words.map(|word| word / STRETCH_WORDS).collect();
        stretches.dedup();
        stretches
    }

    fn insert(&mut self, number: u32, words: impl Iterator<Item = u32>) {
        for stretch in Index::stretches(words) {
            self.0.entry(stretch).or_default().push(number);
        }
    }

    fn remove(&mut self, number: u32, words: impl Iterator<Item = u32>) {
        for stretch in Index::stretches(words) {
            if let Some(numbers) = self.0.get_mut(&stretch) {
                numbers.retain(|&other| other != number);
                if numbers.is_empty() {
                    self.0.remove(&stretch);
                }
            }
        }
    }

    /// The units that may have to do with the word at `offset`.
    fn near(&self, offset: u32) -> &[u32] {
        self.0.get(&(offset / STRETCH_WORDS)).map_or(&[], |numbers| numbers)
    }
}

/// All live units, and the table that leads to them.
pub(crate) struct Cache {
    /// Live units by number. Numbers are never used twice.
    units: BTreeMap<u32, Unit>,
    /// Those that were made from words of a stretch, and those that store to words of it without looking.
    made_from: Index,
    storing_to: Index,
    next_unit: u32,
    table: Reservation,
    table_words: usize,
    pub killed: FxHashMap<&'static str, u64>,
}

impl Cache {
    /// A cache for programs of up to `words_max` words.
    ///
    /// # Errors
    /// The system has no address space for the table.
    pub fn new(words_max: usize, backing: Backing) -> io::Result<Cache> {
        let table = Reservation::new(words_max * 8, backing)?;
        let killed = Cause::ALL.map(|cause| (cause.name(), 0)).into_iter().collect();
        Ok(Cache {
            units: BTreeMap::new(),
            made_from: Index::default(),
            storing_to: Index::default(),
            next_unit: 1,
            table,
            table_words: 0,
            killed,
        })
    }

    /// Makes the table usable for a program of `words` words.
    ///
    /// # Errors
    /// The system has no memory for it.
    pub fn make_room(&mut self, words: usize) -> io::Result<()> {
        if words > self.table_words {
            self.table.commit(0, words * 8)?;
            self.table_words = words;
        }
        Ok(())
    }

    /// Address of the table: 8 bytes for every word of segment 0.
    pub fn table(&self) -> *mut u64 {
        self.table.start().cast()
    }

    /// The table's entry at `pc`: 0 if there is no code.
    pub fn entry(&self, pc: u32) -> u64 {
        if pc as usize >= self.table_words {
            return 0;
        }
        // SAFETY: the table is committed up to `table_words`.
        unsafe { *self.table().add(pc as usize) }
    }

    fn set_entry(&mut self, pc: u32, entry: u64) {
        assert!((pc as usize) < self.table_words);
        // SAFETY: as above.
        unsafe { *self.table().add(pc as usize) = entry };
    }

    /// A number for a unit to come.
    pub fn number(&mut self) -> u32 {
        self.next_unit += 1;
        self.next_unit - 1
    }

    pub fn numbers_used(&self) -> u32 {
        self.next_unit
    }

    pub fn unit(&self, number: u32) -> Option<&Unit> {
        self.units.get(&number)
    }

    pub fn unit_mut(&mut self, number: u32) -> Option<&mut Unit> {
        self.units.get_mut(&number)
    }

    /// The unit that is entered at `pc`.
    pub fn owner(&self, pc: u32) -> Option<(u32, &Unit)> {
        let number = (self.entry(pc) >> 32) as u32 >> SELECTOR_BITS;
        self.units.get(&number).map(|unit| (number, unit))
    }

    /// The newest unit that was made from the word at `pc`.
    pub fn made_from(&self, pc: u32) -> Option<(u32, &Unit)> {
        let number = self.units_made_from(pc).max()?;
        Some((number, &self.units[&number]))
    }

    fn units_made_from(&self, offset: u32) -> impl Iterator<Item = u32> + '_ {
        self.made_from.near(offset).iter().copied().filter(move |number| self.units[number].depends_on(offset))
    }

    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether the code of a region can be published as it is: nobody depends on a word it stores to without looking.
    pub fn fits(&self, plan: &Plan, region: &Region, program: &mut Program) -> bool {
        // Words that a unit still being compiled is made from are marked and belong to no live unit yet: it will find
        // the mark of this one, and this one dies then.
        let own = Unit::new(region, plan, Vec::new());
        plan.plain_stores.iter().all(|&offset| {
            if own.depends_on(offset) {
                return false;
            }
            if program.watch_of(offset) & WATCH_TRANSLATED == 0 {
                return true;
            }
            if self.depends_on(offset) {
                return false;
            }
            // A mark that a dead unit left.
            program.change_watch(offset, 0, WATCH_TRANSLATED);
            true
        })
    }

    /// Whether a live unit was made from the word at `offset`.
    pub fn depends_on(&self, offset: u32) -> bool {
        self.units_made_from(offset).next().is_some()
    }

    /// Makes a unit live: its code stands at `code_offset`.
    pub fn publish(&mut self, number: u32, region: &Region, plan: Plan, code_offset: u32, program: &mut Program) {
        let mut broken = Vec::new();
        for &(start, end) in &region.ranges() {
            for word in start..end {
                if region.volatile.contains_key(&word) {
                    continue;
                }
                if program.watch_of(word) & WATCH_PLAIN != 0 {
                    broken.push(word);
                }
                program.change_watch(word, WATCH_TRANSLATED, 0);
            }
        }
        for word in broken {
            self.kill_storers(word, program);
        }
        for &offset in &plan.plain_stores {
            program.forget_decoded(offset);
            program.change_watch(offset, WATCH_PLAIN, 0);
        }
        let mut entries = Vec::new();
        for (index, &pc) in plan.entries.iter().enumerate() {
            // The root replaces what was there: it is newer.
            if pc == region.root || self.entry(pc) == 0 {
                self.set_entry(pc, table_entry(code_offset, number << SELECTOR_BITS | index as u32));
                program.set_heat(pc, HEAT_COMPILED);
                entries.push(pc);
            }
        }
        for &pc in region.blocks.keys() {
            if self.entry(pc) == 0 {
                program.set_heat(pc, 0);
            }
        }
        let unit = Unit::new(region, &plan, entries);
        self.made_from.insert(number, unit.offsets());
        self.storing_to.insert(number, unit.plain_stores.iter().copied());
        self.units.insert(number, unit);
    }

    /// Kills what depends on the word at `offset`, which was stored to. Gives the number of units killed.
    pub fn word_stored(&mut self, offset: u32, program: &mut Program) -> usize {
        let dead: Vec<u32> = self.units_made_from(offset).collect();
        for &number in &dead {
            self.kill(number, Cause::Stored, program);
        }
        program.change_watch(offset, 0, WATCH_TRANSLATED);
        dead.len()
    }

    /// Kills what stores to the word at `offset` without looking.
    pub fn kill_storers(&mut self, offset: u32, program: &mut Program) {
        let stores = |number: &u32| self.units[number].plain_stores.contains(&offset);
        let dead: Vec<u32> = self.storing_to.near(offset).iter().copied().filter(stores).collect();
        for number in dead {
            self.kill(number, Cause::Decoded, program);
        }
        program.change_watch(offset, 0, WATCH_PLAIN);
    }

    /// Kills a unit, if it lives.
    pub fn kill(&mut self, number: u32, cause: Cause, program: &mut Program) {
        let Some(unit) = self.units.remove(&number) else { return };
        self.made_from.remove(number, unit.offsets());
        self.storing_to.remove(number, unit.plain_stores.iter().copied());
        for pc in unit.entries {
            if (self.entry(pc) >> 32) as u32 >> SELECTOR_BITS == number {
                self.set_entry(pc, 0);
                program.set_heat(pc, 0);
            }
        }
        *self.killed.entry(cause.name()).or_default() += 1;
    }

    /// Kills every unit.
    pub fn kill_all(&mut self, cause: Cause, program: &mut Program) {
        for number in self.units.keys().copied().collect::<Vec<_>>() {
            self.kill(number, cause, program);
        }
    }
}

impl Unit {
    /// Offsets of the words it was made from, in order.
    fn offsets(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|&(start, end)| start..end)
    }

    /// Number of words it was made from.
    pub fn words(&self) -> usize {
        self.ranges.iter().map(|&(start, end)| (end - start) as usize).sum()
    }

    fn new(region: &Region, plan: &Plan, entries: Vec<u32>) -> Unit {
        // Words read at run time are nobody's business.
        let mut ranges = Vec::new();
        for (start, end) in region.ranges() {
            let mut from = start;
            for word in start..end {
                if region.volatile.contains_key(&word) {
                    if from < word {
                        ranges.push((from, word));
                    }
                    from = word + 1;
                }
            }
            if from < end {
                ranges.push((from, end));
            }
        }
        Unit {
            root: region.root,
            ranges,
            plain_stores: plan.plain_stores.clone(),
            entries,
            zero: region.zero,
            sites: plan.sites.clone(),
            checks_failed: 0,
            learnt: false,
            known_sites: region.sites.clone(),
            volatile: region.volatile.clone(),
        }
    }
}
