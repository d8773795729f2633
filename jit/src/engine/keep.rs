//! Code of earlier runs, and code for later ones.

use super::{Engine, state_of};
use crate::cache::{Bytes, CacheError, Chapter, KeptUnit, key};
use crate::journal::Event;
use crate::plan::Plan;
use crate::units::{Code, Unit};
use rum_interp::Machine;
use rum_interp::engine::State;

impl Engine {
    /// The name of what is kept of the program, if anything is to be.
    pub fn cache_key(&self) -> Option<String> {
        key(self.cache.as_ref()?.program(), &self.settings).ok()
    }

    /// Starts from what an earlier run has left.
    ///
    /// # Errors
    /// The bytes are no such thing.
    pub fn load_cache(&mut self, machine: &mut Machine, bytes: Bytes) -> Result<(), CacheError> {
        let Some(cache) = &mut self.cache else { return Ok(()) };
        self.units.reserve_numbers(cache.read(bytes)?);
        self.restore(state_of(machine));
        Ok(())
    }

    /// What later runs can start from, if this one has something to add.
    pub fn save_cache(&mut self, machine: &mut Machine) -> Option<Vec<u8>> {
        self.cache.as_ref()?;
        self.catch_up(state_of(machine));
        if !self.journal.is_worth_keeping() {
            return None;
        }
        self.close_chapter();
        self.cache.as_ref()?.bytes()
    }

    /// The machine is taken to another moment. Code of the program that it leaves waits for its return.
    pub fn rewind(&mut self) {
        if let Some(cache) = &mut self.cache {
            cache.rewind();
        }
    }

    /// What is kept was made otherwise than code is to be from now on.
    pub fn forget_kept(&mut self, machine: &mut Machine) {
        // Of what the machine was taken away from something would be kept later.
        self.catch_up(state_of(machine));
        if let Some(cache) = &mut self.cache {
            cache.forget();
        }
    }

    /// A program has become segment 0.
    pub(super) fn open_chapter(&mut self, state: &mut State) {
        if let Some(cache) = &mut self.cache {
            cache.open(state.memory().program());
            self.restore(state);
        }
    }

    /// The program that is segment 0 gets what is kept of it.
    fn restore(&mut self, state: &mut State) {
        // It is borrowed from while the engine changes.
        let Some(mut cache) = self.cache.take() else { return };
        let mut kept = Vec::new();
        if let Some(Chapter { units, blocks, profile, spent }) = cache.chapter() {
            self.journal.carry_over(spent);
            self.profile.learn(profile);
            self.units.until_hot = self.threshold();
            if !blocks.blocks.is_empty() {
                self.start_blocks(state);
                let blocks = self.units.restore_blocks(state, &blocks);
                self.journal.note(Event::Restored { units: 0, blocks });
            }
            let (program, naming) = (state.memory().program(), state.memory().is_naming());
            let (now, later): (Vec<_>, Vec<_>) = units.into_iter().partition(|unit| unit.suits(program, naming));
            self.publish_kept(state, now);
            kept = later.into_iter().map(KeptUnit::into_owned).collect();
        }
        cache.shelve(kept);
        self.cache = Some(cache);
    }

    /// Makes the kept unit at `root` live, if there is one and it suits, and others that have come to suit. Whether the unit is
    /// live.
    pub(super) fn take_from_shelf(&mut self, state: &mut State, root: u32) -> bool {
        let Some(cache) = self.cache.as_mut().filter(|cache| !cache.shelf.is_empty()) else { return false };
        let (program, naming) = (state.memory().program(), state.memory().is_naming());
        let names_ended = cache.waits_for_names && !naming;
        cache.waits_for_names &= naming;
        if names_ended || cache.shelf.contains_key(&root) {
            let wanted = |unit: &KeptUnit| names_ended || unit.shape.root == root;
            let taken = cache.take(|unit| wanted(unit) && unit.suits(program, naming));
            self.publish_kept(state, taken);
        }
        self.units.entry(root).is_some()
    }

    /// Makes kept units live, which suit the program as it is now.
    fn publish_kept(&mut self, state: &mut State, mut units: Vec<KeptUnit>) {
        if units.is_empty() || self.policy.has_given_up() {
            return;
        }
        // In the order in which they were made: who came later is who was there.
        units.sort_by_key(|unit| unit.number);
        if let Err(error) = self.factory.start(state) {
            return self.give_up(&error.to_string());
        }
        self.units.connect_blocks(self.factory.way_to_blocks());
        let functions: Vec<_> = units.iter().map(|unit| (&unit.code[..], unit.align)).collect();
        // Where there is no room for them they become hot again.
        let Ok(offsets) = self.factory.publish(&functions) else { return };
        for (unit, offset) in units.into_iter().zip(offsets) {
            let code = Code { offset, bytes: unit.code.len(), align: unit.align };
            let KeptUnit { number, shape, entries, sites, blind_stores, words, .. } = unit;
            let plain_stores = blind_stores.into_iter().collect();
            let plan = Plan { entries, sites, plain_stores, ..Plan::default() };
            if self.units.entry(shape.root).is_none() && self.units.fits(&plan, &shape, state) {
                shape.volatile.iter().for_each(|&(pc, _)| state.make_volatile(pc));
                let unit = Unit::new(shape, plan, code, words.into_owned());
                self.units.publish(number, unit, state, &mut self.journal);
                self.journal.note(Event::Restored { units: 1, blocks: 0 });
            }
        }
    }

    /// Keeps what there is of the program that is, or was until now, segment 0.
    pub(super) fn close_chapter(&mut self) {
        let Some(cache) = self.cache.as_mut().filter(|cache| cache.is_open()) else { return };
        let live = self.units.all().map(|(number, unit)| unit.keep(number, self.factory.code(unit.code)));
        let shelved = std::mem::take(&mut cache.shelf).into_values();
        let units = live.chain(shelved).collect();
        let (blocks, profile) = (self.units.keep_blocks(), self.profile.keep());
        cache.close(Chapter { units, blocks, profile, spent: self.journal.spent() });
    }
}
