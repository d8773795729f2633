//! From hot words to live units: asking for code, and publishing it.

use super::{Engine, backing, state_of};
use crate::abi::UNITS_MAX;
use crate::baseline::Baseline;
use crate::cache::Words;
use crate::cause::Cause;
use crate::compile::{CompileError, Compiled};
use crate::factory::Finished;
use crate::growth::Grower;
use crate::journal::{Event, THREAD_LOST};
use crate::place::{CodePlace, Tier};
use crate::queue::Pending;
use crate::region::Region;
use crate::shortage;
use crate::tuning::BLOCKS_AT_ONCE;
use crate::units::{Code, Unit};
use rum_interp::engine::{Heat, State};
use rum_interp::{Machine, Stop};

/// Code that is to become a unit.
struct NewUnit {
    number: u32,
    pending: Pending,
    compiled: Compiled,
}

impl Engine {
    /// The pc, reached by the jump at `from`, is hot: has its region compiled, unless there is code already. Interprets a
    /// little; a stop is what that came to.
    pub(super) fn compile(&mut self, machine: &mut Machine, from: Option<u32>, until: u64) -> Option<Stop> {
        let state = state_of(machine);
        let root = state.pc();
        if self.is_tried(state) {
            return None;
        }
        if root >= state.memory().program_len() || self.units.entry(root).is_some() {
            return None;
        }
        self.units.until_hot = self.threshold();
        if self.take_from_shelf(state, root) {
            return None;
        }
        self.start_blocks(state);
        if self.units.has_baseline() && !self.units.has_block(root) {
            if self.make_blocks(state, root) {
                return None;
            }
            if self.profile.refused(root) {
                let first = self.first_threshold();
                state.heat_mut().set(root, Heat::Counting(first.saturating_sub(self.threshold())));
                return None;
            }
        }
        if self.policy.is_busy(self.factory.queue.len()) {
            self.units.set_heat(state, root, Heat::Counting(self.units.until_hot / 2));
            return None;
        }
        let zero = (0..8).filter(|&reg| state.registers()[reg] == 0).fold(0, |set, reg| set | 1 << reg);
        let replacements = state.replacements();
        // A block stays as warm as it is until its region was found.
        if !self.units.has_block(root) {
            self.units.set_heat(state, root, Heat::Counting(0));
        }
        let stop = self.look_ahead(machine, zero, until);
        let state = state_of(machine);
        if stop.is_none() && state.replacements() == replacements {
            self.catch_up(state);
            if !from.is_some_and(|from| self.grow(state, from, root, zero)) {
                let head = self.units.head(root);
                let leads_here = |region: Region| region.blocks.contains_key(&root);
                let begins = head != root && self.finder(state).region(head, zero, None).is_some_and(leads_here);
                self.request(state, if begins { head } else { root }, zero, None);
            }
        }
        self.units.cool(state, root);
        stop
    }

    /// Makes the block at `root`, and with it those that it leads to, and these, as far as they are warm: what leads there need not
    /// come back for each. Whether the first could be made.
    fn make_blocks(&mut self, state: &mut State, root: u32) -> bool {
        let warm = self.policy.warm(self.first_threshold());
        let Some(mut waiting) = self.make_block(state, root) else { return false };
        let mut left = BLOCKS_AT_ONCE - 1;
        while let Some(pc) = waiting.pop()
            && left > 0
        {
            let is_warm = matches!(state.heat().get(pc), Heat::Counting(count) if count >= warm);
            if is_warm && !self.units.has_block(pc) {
                let targets = self.make_block(state, pc);
                waiting.extend(targets.into_iter().flatten());
                left -= 1;
            }
        }
        true
    }

    fn make_block(&mut self, state: &mut State, pc: u32) -> Option<Vec<u32>> {
        let targets = self.units.make_block(state, pc, &self.settings, &mut self.journal)?;
        if self.observer.is_some()
            && let Some(place) = self.units.newest_block(pc)
        {
            self.tell_of_code(state, place);
        }
        Some(targets)
    }

    /// Starts the baseline tier, if it is to be used and was not started: most programs end before anything is warm.
    pub(super) fn start_blocks(&mut self, state: &mut State) {
        if !self.makes_blocks || self.units.has_baseline() {
            return;
        }
        let (backing, words) = (backing(state.memory()), state.memory().program_len() as usize);
        let baseline = Baseline::new(state, &self.settings, backing);
        self.makes_blocks = baseline.is_some_and(|baseline| self.units.add_baseline(baseline, words).is_ok());
        if !self.makes_blocks {
            self.journal.note(Event::CompilerFailed(CompileError::KINDS[2]));
            self.policy.without_blocks();
        }
    }

    /// Has everything now that code will need of the system: memory that is executed, and a thread. Without it no code is made.
    pub fn make_ready(&mut self, machine: &mut Machine) {
        let state = state_of(machine);
        self.start_blocks(state);
        match self.factory.start(state) {
            Ok(()) => self.units.connect_blocks(self.factory.way_to_blocks()),
            Err(error) => self.give_up(&error.to_string()),
        }
    }

    /// Lets the unit that the jump at `from` belongs to take in the hot word at `target`, if that leads back to it. False
    /// if the target should have a unit of its own.
    fn grow(&mut self, state: &mut State, from: u32, target: u32, zero: u8) -> bool {
        if from >= state.memory().program_len() {
            return false;
        }
        self.profile.jumped(from, target);
        let grower = Grower { finder: self.finder(state), queue: &self.factory.queue };
        let Some(growing) = grower.find(from, target, zero) else { return false };
        let taken = growing.taken.iter().map(|region| (region.root, region.ranges()));
        if !self.profile.grow(growing.root, taken) {
            return false;
        }
        // Where it has to wait, it counts again when it has become hot again.
        let half = self.threshold() / 2;
        self.units.set_heat(state, target, Heat::Counting(half));
        if let Some(number) = growing.number {
            self.grow_now(state, growing.root, growing.zero, number);
        }
        true
    }

    /// Compiles a unit again, if enough has come together since the last time.
    fn grow_now(&mut self, state: &mut State, root: u32, zero: u8, number: u32) {
        if self.profile.is_grown(root) {
            self.request(state, root, zero, Some(number));
        }
    }

    /// A register that a unit takes to be 0 is not, too often: compiles it again without taking it for granted.
    pub(super) fn doubt(&mut self, state: &mut State, number: u32) {
        let Some(unit) = self.units.get(number) else { return };
        let wrong = (0..8).filter(|&reg| state.registers()[reg] != 0).fold(0, |set, reg| set | 1 << reg);
        self.profile.found_not_zero(unit.shape.root, unit.shape.zero & wrong);
        self.improve(state, number);
    }

    /// Has a unit compiled again with what was learnt, the first times that it is asked for; then it is killed.
    pub(super) fn improve(&mut self, state: &mut State, number: u32) {
        let Some(unit) = self.units.get_mut(number) else { return };
        let (root, zero) = (unit.shape.root, unit.shape.zero);
        (unit.learnt, unit.checks_failed) = (false, 0);
        if self.profile.may_improve(root) {
            self.request(state, root, zero, Some(number));
        } else {
            self.units.kill(number, Cause::Improved, state, &mut self.journal);
        }
    }

    /// Has the region of `root` compiled, where the registers in the mask `zero` hold 0; the code takes the place of the
    /// unit `replaces`.
    fn request(&mut self, state: &mut State, root: u32, zero: u8, replaces: Option<u32>) {
        if self.units.numbers_used() + 1 >= UNITS_MAX {
            return self.give_up("no more units can be numbered");
        }
        if replaces.is_some_and(|number| self.factory.queue.is_replacing(number)) {
            return;
        }
        if self.factory.is_full() {
            self.new_generation(state);
        }
        let Some(mut region) = self.finder(state).region(root, zero, replaces) else {
            return self.reject(state, root);
        };
        if shortage::is_short() {
            return self.give_up("the system has refused memory");
        }
        if self.scarce.as_ref().is_some_and(|scarce| !scarce.has_room(state, region.len())) {
            let why = "no memory to compile beside what the program may want";
            return self.failed(state, &region, &CompileError::System(why.to_owned()));
        }
        if self.settings.tally {
            mark(&mut region, state);
        }
        if let Err(error) = self.factory.start(state) {
            return self.give_up(&error.to_string());
        }
        self.units.connect_blocks(self.factory.way_to_blocks());
        self.journal.note(Event::Requested);
        tracing::debug!(root, blocks = region.blocks.len(), words = region.len(), "the optimiser is asked for code");
        let number = self.units.number();
        let heads: Vec<u32> = region.blocks.keys().copied().collect();
        let words = region.fixed_ranges();
        match self.factory.submit(number, Pending { region, replaces }, &self.settings) {
            Some(finished) => {
                let new = self.examine(state, finished);
                self.publish(state, new.into_iter().collect());
            }
            None => {
                // Until it is published the interpreter goes on, and asks no more for any of this; other regions link to it.
                for pc in heads.into_iter().filter(|_| replaces.is_none()) {
                    if self.units.entry(pc).is_none() {
                        self.units.set_heat(state, pc, Heat::Waiting);
                    }
                }
                words
                    .into_iter()
                    .flat_map(|(start, end)| start..end)
                    .for_each(|word| state.watch_mut().mark_derived(word));
            }
        }
    }

    fn new_generation(&mut self, state: &mut State) {
        self.drop_everything(state, Cause::Budget);
        self.journal.note(Event::Generation);
        match self.factory.restart(state) {
            Ok(()) => self.units.connect_blocks(self.factory.way_to_blocks()),
            Err(error) => self.give_up(&error.to_string()),
        }
    }

    /// Publishes what the compiler's thread has made. If the thread is gone, everything that it had is given back.
    pub(super) fn publish_finished(&mut self, state: &mut State) {
        let (finished, lost) = self.factory.finished();
        let new: Vec<NewUnit> = finished.into_iter().filter_map(|finished| self.examine(state, finished)).collect();
        let made: Vec<_> =
            new.iter().map(|new| (new.number, new.pending.region.root, new.pending.region.zero)).collect();
        self.publish(state, new);
        for (number, root, zero) in made {
            if self.units.get(number).is_some() {
                self.grow_now(state, root, zero, number);
            }
        }
        if let Some(lost) = lost {
            self.journal.note(Event::CompilerFailed(THREAD_LOST));
            lost.iter().for_each(|pending| self.cool(state, &pending.region));
        }
    }

    /// What the compiler made of a region, if it is of use.
    fn examine(&mut self, state: &mut State, Finished { unit, pending, result }: Finished) -> Option<NewUnit> {
        let compiled = match result {
            Ok(compiled) => compiled,
            Err(error) => {
                self.failed(state, &pending.region, &error);
                return None;
            }
        };
        self.journal.note(Event::Compiled {
            ns: compiled.time.as_nanos() as u64,
            clif_instructions: compiled.clif_instructions,
            guest_instructions: compiled.plan.guest_instructions,
        });
        // What was stored meanwhile by compiled code, which looks at no mark, was not noticed.
        if !pending.region.matches(state.memory().program()) {
            self.dropped(state, &pending.region);
            return None;
        }
        Some(NewUnit { number: unit, pending, compiled })
    }

    /// Makes units live, all at once.
    fn publish(&mut self, state: &mut State, batch: Vec<NewUnit>) {
        if batch.is_empty() {
            return;
        }
        let made: Vec<_> = batch.iter().map(|new| (&new.compiled.bytes[..], new.compiled.align)).collect();
        let offsets = match self.factory.publish(&made) {
            Ok(offsets) => offsets,
            Err(error) => return batch.iter().for_each(|new| self.failed(state, &new.pending.region, &error)),
        };
        for (NewUnit { number, pending, compiled }, offset) in batch.into_iter().zip(offsets) {
            let shape = pending.region.shape();
            if !self.units.fits(&compiled.plan, &shape, state) {
                self.dropped(state, &pending.region);
                continue;
            }
            self.journal.note(Event::Published { code_bytes: compiled.bytes.len(), gains: &compiled.plan.gains });
            self.listings.extend(compiled.listing);
            if let Some(old) = pending.replaces {
                self.units.kill(old, Cause::Improved, state, &mut self.journal);
            }
            let code = Code { offset, bytes: compiled.bytes.len(), align: compiled.align };
            let words = match self.settings.keep {
                true => Words::of(&shape.ranges, state.memory().program()),
                false => Words::default(),
            };
            let unit = Unit::new(shape, compiled.plan, code, words);
            let place = CodePlace {
                address: self.factory.address(unit.code),
                bytes: unit.code.bytes,
                pc: unit.shape.root,
                tier: Tier::Optimiser,
            };
            tracing::debug!(unit = number, root = place.pc, bytes = place.bytes, "a unit is live");
            self.units.publish(number, unit, state, &mut self.journal);
            self.tell_of_code(state, place);
            // Where it takes the place of another, words that it is not entered at stay as warm as they were.
            for &pc in pending.region.blocks.keys().filter(|_| pending.replaces.is_none()) {
                if self.units.entry(pc).is_none() {
                    self.units.set_heat(state, pc, Heat::Counting(0));
                }
            }
        }
    }

    /// There is no code for a region, and there will be none.
    fn failed(&mut self, state: &mut State, region: &Region, error: &CompileError) {
        self.journal.note(Event::CompilerFailed(error.kind()));
        tracing::warn!(root = region.root, %error, "the compiler has failed");
        self.cool(state, region);
        self.reject(state, region.root);
    }

    fn reject(&mut self, state: &mut State, root: u32) {
        self.journal.note(Event::Rejected);
        if self.units.entry(root).is_none() {
            self.units.set_heat(state, root, Heat::Rejected);
            self.profile.rejected.push(root);
        }
    }

    /// A region was compiled, or was going to be, in vain.
    pub(super) fn dropped(&mut self, state: &mut State, region: &Region) {
        self.journal.note(Event::Dropped);
        tracing::debug!(root = region.root, "code is dropped: the program has changed meanwhile");
        self.cool(state, region);
        let heat = self.history.dropped(region.root);
        // Where it was to be compiled again, the old code goes on.
        if self.units.entry(region.root).is_none() {
            self.units.set_heat(state, region.root, Heat::Counting(heat));
        }
    }

    /// The blocks of a region that will not be published may become hot again.
    fn cool(&mut self, state: &mut State, region: &Region) {
        for &pc in region.blocks.keys() {
            if self.units.entry(pc).is_none() {
                self.units.release(state, pc);
            }
        }
    }
}

/// Notes the marks of what a region jumps by, and to.
fn mark(region: &mut Region, state: &mut State) {
    for block in region.blocks.values() {
        state.look_at(block.start..block.end());
    }
    let places = region.blocks.values().flat_map(|block| block.targets().chain(std::iter::once(block.end() - 1)));
    region.marks = places.map(|pc| (pc, state.tally().mark(pc))).collect();
}
