//! From hot words to live units: asking for code, publishing it, and dropping what the program's changes make stale.

use crate::abi;
use crate::cache::Cause;
use crate::compile::{Compiled, Done, Job, add_gains};
use crate::options::Optimisation;
use crate::region::{Region, Surroundings, discover};
use crate::stubs::publish_stubs;
use crate::vm::{Backend, Jit};
use rum_interp::program::WATCH_TRANSLATED;
use rum_interp::state::State;
use rum_interp::{Machine, Stop};
use rustc_hash::FxHashMap;

/// Stores into a translated word, each of which cost a unit, after which it is taken to be patched for ever.
const PATCHES_VOLATILE: u32 = 3;
/// A block is compiled with others if it was reached at least this fraction as often as the threshold asks for.
const WARM_SHARE: i32 = 4;
/// The threshold is twice as high when so much CLIF was compiled, three times when it was twice as much, and so on.
const THRESHOLD_DOUBLES: u64 = 15_000;
/// CLIF instructions that a word becomes, about.
const CLIF_PER_WORD: u64 = 2;
/// Regions that wait for the compiler's thread. Others have to become hot again.
const WAITING_MAX: usize = 64;
/// Words in a region.
pub(crate) const REGION_WORDS_MAX: usize = 3000;
/// How often a unit is compiled again for what its failed checks taught; after that it has to become hot again.
const IMPROVEMENTS_MAX: u32 = 4;

/// A region on its way to become a unit.
pub(crate) struct Pending {
    pub region: Region,
    /// The unit whose place it takes.
    replaces: Option<u32>,
}

/// What was handed to the compiler's thread, by the number of its unit; what is not in here any more is dropped.
#[derive(Default)]
pub(crate) struct Queue {
    regions: FxHashMap<u32, Pending>,
    words: usize,
}

impl Queue {
    fn insert(&mut self, unit: u32, pending: Pending) {
        self.words += pending.region.len();
        self.regions.insert(unit, pending);
    }

    fn remove(&mut self, unit: u32) -> Option<Pending> {
        let pending = self.regions.remove(&unit)?;
        self.words -= pending.region.len();
        Some(pending)
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &Pending)> {
        self.regions.iter().map(|(&unit, pending)| (unit, pending))
    }

    fn len(&self) -> usize {
        self.regions.len()
    }

    /// Words of all regions together.
    fn words(&self) -> usize {
        self.words
    }
}

/// Code that is to become a unit.
struct NewUnit {
    unit: u32,
    pending: Pending,
    compiled: Compiled,
}

impl Jit {
    /// Lets nothing stale survive: called before compiled code is entered.
    pub fn catch_up(&mut self, state: &mut State) {
        if state.replacements != self.replacements {
            self.replacements = state.replacements;
            self.program_replaced(state);
        }
        if !state.program.has_news() {
            return;
        }
        for offset in state.program.take_stored_translated() {
            let dropped = self.drop_pending(state, |pending| contains(&pending.region.ranges(), offset));
            if dropped + self.cache.word_stored(offset, &mut state.program) > 0 {
                let patches = self.patches.entry(offset).or_default();
                *patches += 1;
                if *patches >= PATCHES_VOLATILE {
                    state.program.make_volatile(offset);
                }
            }
        }
        for offset in state.program.take_decoded_plain() {
            self.cache.kill_storers(offset, &mut state.program);
        }
    }

    fn program_replaced(&mut self, state: &mut State) {
        // What is pending for the old program is of no use; words patched in it say nothing about the new one.
        self.drop_everything(state, Cause::Replaced);
        let _ = (state.program.take_stored_translated(), state.program.take_decoded_plain());
        self.patches.clear();
        self.targets.clear();
        self.not_zero.clear();
        self.improvements.clear();
        self.growth.clear();
        if self.prepare_program(state).is_err() {
            // No table, no entries.
            self.give_up();
        }
    }

    /// Forgets what is on its way. Gives the number of regions dropped.
    pub fn drop_pending(&mut self, state: &mut State, which: impl Fn(&Pending) -> bool) -> usize {
        let dropped: Vec<u32> =
            self.pending.iter().filter(|(_, pending)| which(pending)).map(|(unit, _)| unit).collect();
        for unit in &dropped {
            if let Some(pending) = self.pending.remove(*unit) {
                self.dropped(state, &pending.region);
            }
        }
        dropped.len()
    }

    /// A region was compiled, or was going to be, in vain. The more often that happens, the longer until the next attempt.
    fn dropped(&mut self, state: &mut State, region: &Region) {
        self.stats.regions_dropped += 1;
        self.cool(state, region);
        let drops = self.drops.entry(region.root).or_default();
        *drops += 1;
        let heat = -(1 << (*drops + 4).min(24));
        self.put_off(state, region.root, heat);
    }

    /// Has a unit compiled again with what was learnt; the first times that it is asked for.
    pub fn improve(&mut self, number: u32, state: &mut State) {
        let Some(unit) = self.cache.unit_mut(number) else { return };
        let (root, zero) = (unit.root, unit.zero);
        (unit.learnt, unit.checks_failed) = (false, 0);
        let times = self.improvements.entry(root).or_default();
        *times += 1;
        if *times < IMPROVEMENTS_MAX {
            self.request(state, root, zero, Some(number));
        } else {
            self.cache.kill(number, Cause::Improved, &mut state.program);
        }
    }

    /// The pc, reached by the jump at `from`, is hot: has its region compiled, unless there is code already. Interprets a
    /// little; a stop is what that came to.
    pub fn hot(&mut self, machine: &mut Machine, from: Option<u32>, until: u64) -> Option<Stop> {
        let state = machine.state_mut();
        let root = state.pc;
        if root >= state.memory.program_len || self.cache.entry(root) != 0 {
            return None;
        }
        if self.pending.len() >= WAITING_MAX {
            set_heat(state, root, self.threshold() / 2);
            return None;
        }
        let zero = (0..8).filter(|&reg| state.registers[reg] == 0).fold(0, |set, reg| set | 1 << reg);
        let replacements = state.replacements;
        set_heat(state, root, 0);
        let stop = self.observe(machine, 0, zero, until);
        let state = machine.state_mut();
        if stop.is_none() && state.replacements == replacements {
            self.catch_up(state);
            let grown = from.is_some_and(|from| self.grow(state, from, root, zero));
            if !grown {
                self.request(state, root, zero, None);
            }
        }
        stop
    }

    /// Jumps to a word after which it is hot. The more was compiled already or is going to be, the more it takes: where
    /// everything is lukewarm, compiling must not become what the time is spent on.
    pub fn threshold(&self) -> i32 {
        let clif = self.stats.clif_instructions + self.pending.words() as u64 * CLIF_PER_WORD;
        let times = 1 + clif / THRESHOLD_DOUBLES;
        self.threshold.saturating_mul(i32::try_from(times).unwrap_or(i32::MAX)).min(i32::MAX - 1)
    }

    /// Has the region of `root` compiled, where the registers in the mask `zero` hold 0; the code takes the place of the
    /// unit `replaces`.
    pub fn request(&mut self, state: &mut State, root: u32, zero: u8, replaces: Option<u32>) {
        if self.cache.numbers_used() + 1 >= abi::UNITS_MAX {
            return self.give_up();
        }
        if replaces.is_some() && self.pending.iter().any(|(_, pending)| pending.replaces == replaces) {
            return;
        }
        if self.code.used_bytes() > self.budget_bytes {
            self.new_generation(state);
        }
        let Some(region) = self.region(state, root, zero, replaces) else {
            self.stats.regions_rejected += 1;
            self.put_off(state, root, i32::MIN / 2);
            return;
        };
        if self.backend.is_none() {
            match Backend::start(&mut self.code, state, self.compile_threads) {
                Ok(backend) => self.backend = Some(backend),
                Err(_) => return self.give_up(),
            }
        }
        let Some(backend) = &mut self.backend else { return };
        self.stats.regions_requested += 1;
        let unit = self.cache.number();
        let Some(worker) = &backend.worker else {
            let result = backend.compiler.compile(&region, unit, &self.settings);
            let new = self.compiled(state, unit, Pending { region, replaces }, result);
            return self.publish(state, new.into_iter().collect());
        };
        // Until it is published the interpreter goes on, and asks no more for any of this; other regions link to it.
        for &pc in region.blocks.keys().filter(|&&pc| self.cache.entry(pc) == 0) {
            set_heat(state, pc, i32::MIN / 2);
        }
        for &(start, end) in &region.ranges() {
            for word in (start..end).filter(|word| !region.volatile.contains_key(word)) {
                state.program.change_watch(word, WATCH_TRANSLATED, 0);
            }
        }
        if worker.submit(Job { unit, region: region.clone(), settings: self.settings.clone() }) {
            self.pending.insert(unit, Pending { region, replaces });
        } else {
            backend.worker = None;
            self.cool(state, &region);
        }
    }

    pub fn region(&self, state: &State, root: u32, zero: u8, replaces: Option<u32>) -> Option<Region> {
        // Blocks that the unit takes in although others have code for them.
        let growth = self.growth.get(&root);
        let owned = |pc: u32| match self.cache.owner(pc) {
            Some((number, _)) if replaces == Some(number) => false,
            Some((_, unit)) => !growth.is_some_and(|growth| growth.targets.contains(&unit.root)),
            None => false,
        };
        // What was compiled in it before, and what it grows by, is warm whatever was counted since.
        let warm = (self.threshold() / WARM_SHARE).max(1);
        let before = replaces.and_then(|number| self.cache.unit(number));
        let heat = |pc: u32| {
            let counted = if pc < state.memory.program_len { state.program.heat(pc) } else { return 0 };
            let known = before.is_some_and(|unit| unit.depends_on(pc))
                || growth.is_some_and(|growth| growth.targets.contains(&pc));
            if known { counted.max(warm) } else { counted }
        };
        let zero = zero & !self.not_zero.get(&root).copied().unwrap_or(0);
        let around = Surroundings {
            program: state.memory.program(),
            heat: &heat,
            is_entry: &owned,
            targets: &|pc| self.targets.get(&pc).map_or(&[], |targets| targets),
            follow_targets: self.settings.optimisations.has(Optimisation::Targets),
            is_volatile: &|pc| state.program.is_volatile(pc),
            watch: &|pc| state.program.watch_of(pc),
            warm,
            words_max: REGION_WORDS_MAX,
        };
        discover(&around, root, zero)
    }

    /// The blocks of a region that will not be published may become hot again.
    fn cool(&self, state: &mut State, region: &Region) {
        for &pc in region.blocks.keys().filter(|&&pc| self.cache.entry(pc) == 0) {
            set_heat(state, pc, 0);
        }
    }

    /// Gives a root that was not compiled less heat. Where it was to be compiled again, the old code goes on.
    fn put_off(&self, state: &mut State, root: u32, heat: i32) {
        if self.cache.entry(root) == 0 {
            set_heat(state, root, heat);
        }
    }

    fn new_generation(&mut self, state: &mut State) {
        self.drop_everything(state, Cause::Budget);
        self.stats.generations += 1;
        let Some(backend) = &mut self.backend else { return };
        match self.code.restart().and_then(|()| publish_stubs(&mut self.code, &*backend.isa, state)) {
            Ok(trampoline) => backend.trampoline = trampoline,
            Err(_) => self.give_up(),
        }
    }

    /// No more code can be made: the interpreter goes on alone.
    fn give_up(&mut self) {
        self.threshold = i32::MAX - 1;
    }

    pub fn publish_finished(&mut self, state: &mut State) {
        let worker = self.backend.as_ref().and_then(|backend| backend.worker.as_ref());
        let finished: Vec<_> = worker.map_or_else(Vec::new, |worker| worker.finished().collect());
        let mut batch = Vec::with_capacity(finished.len());
        for Done { unit, result } in finished {
            if let Some(pending) = self.pending.remove(unit) {
                batch.extend(self.compiled(state, unit, pending, result));
            }
        }
        let made: Vec<_> =
            batch.iter().map(|new| (new.unit, new.pending.region.root, new.pending.region.zero)).collect();
        self.publish(state, batch);
        for (unit, root, zero) in made {
            if self.cache.unit(unit).is_some() {
                self.grow_now(state, root, zero, unit);
            }
        }
    }

    /// What the compiler made of a region, if it is of use.
    fn compiled(
        &mut self,
        state: &mut State,
        unit: u32,
        pending: Pending,
        result: Result<Compiled, String>,
    ) -> Option<NewUnit> {
        let Ok(compiled) = result else {
            self.reject(state, &pending.region);
            return None;
        };
        self.stats.compile_ns += compiled.time.as_nanos() as u64;
        self.stats.clif_instructions += compiled.clif_instructions;
        self.stats.guest_instructions_translated += compiled.plan.guest_instructions;
        // What was stored meanwhile by compiled code, which looks at nobody, was not noticed.
        if !pending.region.matches(state.memory.program()) {
            self.dropped(state, &pending.region);
            return None;
        }
        Some(NewUnit { unit, pending, compiled })
    }

    /// Makes units live, all at once: each publication interrupts every processor.
    fn publish(&mut self, state: &mut State, batch: Vec<NewUnit>) {
        if batch.is_empty() {
            return;
        }
        let signature = crate::translate::unit_signature();
        let functions: Vec<_> =
            batch.iter().map(|new| (&signature, &new.compiled.bytes[..], new.compiled.align)).collect();
        let Ok(offsets) = self.code.publish(&functions) else {
            return batch.iter().for_each(|new| self.reject(state, &new.pending.region));
        };
        for (NewUnit { unit, pending, compiled }, offset) in batch.into_iter().zip(offsets) {
            if !self.cache.fits(&compiled.plan, &pending.region, &mut state.program) {
                self.dropped(state, &pending.region);
                continue;
            }
            self.stats.regions_published += 1;
            self.stats.code_bytes += compiled.bytes.len() as u64;
            add_gains(&mut self.gains, &compiled.plan.gains);
            self.listings.extend(compiled.listing);
            if let Some(old) = pending.replaces {
                self.cache.kill(old, Cause::Improved, &mut state.program);
            }
            self.cache.publish(unit, &pending.region, compiled.plan, offset, &mut state.program);
        }
    }

    /// A region cannot be compiled: nobody tries it again.
    fn reject(&mut self, state: &mut State, region: &Region) {
        self.stats.regions_rejected += 1;
        self.cool(state, region);
        self.put_off(state, region.root, i32::MIN / 2);
    }
}

/// Whether a word belongs to one of the ranges.
pub(crate) fn contains(ranges: &[(u32, u32)], pc: u32) -> bool {
    ranges.iter().any(|&(start, end)| (start..end).contains(&pc))
}

pub(crate) fn set_heat(state: &mut State, pc: u32, heat: i32) {
    if pc < state.memory.program_len {
        state.program.set_heat(pc, heat);
    }
}
