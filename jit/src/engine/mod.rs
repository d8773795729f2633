//! The engine of a machine: the only loop that knows interpreter and compiled code.
//!
//! *Mechanism reports an outcome, the policy answers with an action, this loop connects them.* Everything the loop needs is a
//! part with a state of its own: what is compiled ([`Units`]), where code is made ([`Factory`]), what is known of the program
//! ([`Profile`]) and of programs before it ([`History`]), what to do ([`Policy`]), what has happened ([`Journal`]).
//!
//! Files: `execute.rs` into compiled code and back, `observe.rs` learning by watching, `supply.rs` from hot words to units,
//! `settle.rs` nothing stale survives, `turns.rs` whether it pays.

mod execute;
mod keep;
mod observe;
mod settle;
mod supply;
mod turns;

use crate::abi::Slot;
use crate::baseline::HAS_BASELINE;
use crate::cache::Cache;
use crate::cause::Cause;
use crate::exit::{Exit, Reason};
use crate::explain::{Explanation, Listing};
use crate::factory::Factory;
use crate::finder::Finder;
use crate::history::History;
use crate::journal::{Event, Journal};
use crate::options::{Optimisation, Optimisations, Options};
use crate::place::{CodeObserver, CodePlace, NewCode, Tier};
use crate::policy::{Action, Circumstances, Outcome, Policy};
use crate::profile::Profile;
use crate::settings::{Lookup, Settings};
use crate::shortage::Scarce;
use crate::stats::Stats;
use crate::trial::Trial;
use crate::tuning::{BASELINE_CODE_BYTES, BASELINE_CODE_SHARE, SCARCE_CODE_BYTES};
use crate::units::{Unit, Units};
use rum_interp::engine::{Backing, State};
use rum_interp::memory::Memory;
use rum_interp::{Machine, Stop};
use std::collections::BTreeMap;

/// What runs a machine with compiled code.
pub(crate) struct Engine {
    units: Units,
    factory: Factory,
    profile: Profile,
    history: History,
    trial: Trial,
    policy: Policy,
    journal: Journal,
    settings: Settings,
    /// Whether the baseline tier is in use, or will be as soon as something is warm.
    makes_blocks: bool,
    force_exit_every: u64,
    /// Whether [`Engine::run`] returns when compiled code was left.
    pub pauses_at_exits: bool,
    /// Exits up to the one after which a register is wrong, if that was asked for.
    exits_to_lie: Option<u64>,
    /// Load-programs that were taken note of.
    replacements: u64,
    /// What other runs of the program have left, and what this one is to leave.
    cache: Option<Box<Cache>>,
    /// What the compiler has to leave to the program, where memory is scarce.
    scarce: Option<Scarce>,
    /// What was published, if that is to be kept.
    listings: Vec<Listing>,
    /// Who is told of new code.
    pub observer: Option<CodeObserver>,
    /// How often code was left before which word and why, if that is to be told.
    exits: BTreeMap<(u32, &'static str), u64>,
}

/// The state of a machine that the engine runs.
fn state_of(machine: &mut Machine) -> &mut State {
    // SAFETY: no part of the engine moves anything out of a state, or puts another in its place.
    unsafe { machine.state_mut() }
}

/// How tables beside a machine's program get their pages.
fn backing(memory: &Memory) -> Backing {
    if memory.covers_all_ids() { Backing::OnTouch } else { Backing::OnCommit }
}

/// Memory for the code of blocks, out of a budget for all code.
fn blocks_bytes(budget_bytes: usize) -> usize {
    let (least, most) = BASELINE_CODE_BYTES;
    (budget_bytes / BASELINE_CODE_SHARE).clamp(least, most).next_multiple_of(least)
}

impl Engine {
    /// An engine for a machine, and for no other.
    ///
    /// # Errors
    /// The host's architecture is not supported, or the system refuses executable memory or address space.
    pub fn new(machine: &mut Machine, options: &Options) -> Result<Engine, String> {
        let memory = machine.state().memory();
        let units = Units::new(memory.program_words_max(), backing(memory)).map_err(|error| error.to_string())?;
        let budget_bytes = match memory.covers_all_ids() {
            true => options.code_budget_bytes,
            false => options.code_budget_bytes.min(SCARCE_CODE_BYTES),
        };
        let settings = Settings {
            optimisations: Optimisations::without(&options.disabled),
            // What a profile counts has its time in instructions.
            count: options.count || machine.state().tally().is_on(),
            tally: machine.state().tally().is_on(),
            watch: options.watch,
            baseline_threshold: i32::try_from(options.baseline_threshold.max(1)).unwrap_or(i32::MAX),
            blocks_bytes_max: blocks_bytes(budget_bytes),
            lookup: Lookup::of(memory),
            forced_exits: options.force_exit_every.is_some(),
            keep: options.cache,
            listings: options.keep_listings,
            panic_every: options.compiler_panics_every,
        };
        let makes_blocks = HAS_BASELINE && settings.optimisations.has(Optimisation::Baseline);
        let units_bytes = match makes_blocks {
            true => budget_bytes - settings.blocks_bytes_max.min(budget_bytes / 2),
            false => budget_bytes,
        };
        let mut engine = Engine {
            units,
            factory: Factory::new(options.compile_threads, units_bytes)?,
            profile: Profile::default(),
            history: History::default(),
            trial: Trial::default(),
            policy: Policy::new(options.hot_threshold, settings.forced_exits),
            makes_blocks,
            journal: Journal::new(),
            settings,
            force_exit_every: options.force_exit_every.unwrap_or(u64::MAX).max(1),
            pauses_at_exits: false,
            exits_to_lie: options.exits_lie_after,
            replacements: machine.state().replacements(),
            cache: options.cache.then(Box::default),
            scarce: Scarce::of(machine.state()),
            listings: Vec::new(),
            observer: None,
            exits: BTreeMap::new(),
        };
        if !makes_blocks {
            engine.policy.without_blocks();
        }
        engine.journal.note(Event::Generation);
        engine.prepare_program(state_of(machine))?;
        engine.open_chapter(state_of(machine));
        Ok(engine)
    }

    /// Sets up for the program that is segment 0 now.
    fn prepare_program(&mut self, state: &mut State) -> Result<(), String> {
        self.units.make_room(state.memory().program_len() as usize).map_err(|error| error.to_string())?;
        state.slots_mut()[Slot::Table as usize] = self.units.table_address();
        Ok(())
    }

    /// The loop. Executes up to a count of instructions ([`State::counted`]) of `until`; or until compiled code was left, if that is
    /// wanted, as soon as it could be entered again.
    pub fn run(&mut self, machine: &mut Machine, until: u64) -> Stop {
        let mut action = Action::Enter;
        let mut was_left = false;
        loop {
            if let Some(stop) = self.settle(machine) {
                return stop;
            }
            let way = if matches!(action, Action::Enter) { self.units.way_in(machine.pc()) } else { None };
            let way = way.filter(|_| !self.tries_interpreter(state_of(machine)));
            let outcome = match way {
                Some(way) => self.execute(machine, way, until),
                None => Outcome::Paused(machine.run_until_hot(until, self.first_threshold())),
            };
            was_left |= matches!(outcome, Outcome::Left(_));
            let at = self.circumstances(machine, &outcome);
            action = self.policy.after(outcome, at, self.first_threshold());
            if let Some(stop) = self.carry_out(&mut action, at, machine, until) {
                return stop;
            }
            if self.pauses_at_exits && was_left && matches!(action, Action::Enter) {
                return Stop::Budget;
            }
        }
    }

    /// Does what the policy says, and leaves what is to be done next: to enter code, or to interpret.
    #[inline(always)]
    fn carry_out(&mut self, action: &mut Action, at: Circumstances, machine: &mut Machine, until: u64) -> Option<Stop> {
        match std::mem::replace(action, Action::Enter) {
            Action::Enter => None,
            Action::Compile { from } => self.compile(machine, from, until),
            Action::Stop(stop) => Some(stop),
            other => {
                *action = Action::Interpret;
                match other {
                    Action::Observe { unit } => self.learn_from_check(machine, unit, at, until),
                    Action::Doubt { unit } => {
                        self.doubt(state_of(machine), unit);
                        None
                    }
                    _ => None,
                }
            }
        }
    }

    /// What the policy wants to know about where an outcome left the machine. Counts what is counted there.
    #[inline(always)]
    fn circumstances(&mut self, machine: &mut Machine, outcome: &Outcome) -> Circumstances {
        let state = state_of(machine);
        let polled = state.poll().is_raised();
        let Outcome::Left(exit) = outcome else { return Circumstances { polled, ..Circumstances::default() } };
        self.journal.note(Event::Left(exit));
        if let Some(left) = &mut self.exits_to_lie {
            *left = left.wrapping_sub(1);
            state.registers_mut()[5] ^= u32::from(*left == 0);
        }
        if self.settings.listings {
            *self.exits.entry((state.pc(), Exit::NAMES[exit.kind()])).or_default() += 1;
        }
        let mut at = Circumstances { polled, ..Circumstances::default() };
        if let Some(unit) = exit.unit_to_blame(|| self.units.entry(state.pc()).map(|entry| entry.unit())) {
            at.unit = unit;
            at.checks_failed = self.units.get_mut(unit).map_or(0, |unit| {
                unit.checks_failed += 1;
                unit.checks_failed
            });
        }
        let pc = state.pc();
        if let Exit::Block { reason: Reason::Check } = *exit {
            self.units.block_check_failed(state, pc);
        }
        if let Exit::Miss { from } = *exit
            && pc < state.memory().program_len()
            && self.units.entry(pc).is_none()
            && !self.units.has_block(pc)
        {
            let warmth = state.heat_mut().count(pc);
            at.warmth = Some(warmth);
            if let Some(from) = from.filter(|_| self.policy.is_worth_noting(warmth, self.first_threshold())) {
                self.profile.jumped(from, pc);
            }
        }
        at
    }

    /// From now on compiled code counts what it executes.
    pub fn start_counting(&mut self, machine: &mut Machine) {
        if !self.settings.count {
            self.settings.count = true;
            self.forget_code(machine);
        }
    }

    /// Whether compiled code looks if words are watched.
    pub fn watches(&self) -> bool {
        self.settings.watch
    }

    /// Makes all code anew: what it was made by holds no more.
    pub fn forget_code(&mut self, machine: &mut Machine) {
        self.forget_kept(machine);
        self.drop_everything(state_of(machine), Cause::Improved);
        self.units.clear_blocks(state_of(machine), &self.settings);
    }

    fn threshold(&self) -> i32 {
        self.policy.threshold(self.journal.spent().clif_instructions, self.factory.queue.words())
    }

    /// Jumps to a word after which something is to be made of it.
    fn first_threshold(&self) -> i32 {
        let hot = self.threshold();
        if !self.makes_blocks || self.policy.has_given_up() {
            return hot;
        }
        let first = self.settings.baseline_threshold;
        self.policy.block_threshold(first, self.journal.spent().instructions_in_blocks).min(hot)
    }

    fn finder<'a>(&'a self, state: &'a State) -> Finder<'a> {
        let warm = self.policy.warm(self.threshold());
        Finder { state, units: &self.units, profile: &self.profile, optimisations: self.settings.optimisations, warm }
    }

    /// Counters up to now, but for what only the machine knows.
    pub fn stats(&self) -> Stats {
        Stats { units_live: self.units.len() as u64, ..self.journal.stats() }
    }

    /// Tells of new code.
    fn tell_of_code(&mut self, state: &State, place: CodePlace) {
        if let Some(observer) = &mut self.observer {
            // SAFETY: code is readable, and stays until the engine, which is borrowed, makes other code in its place.
            let bytes = unsafe { std::slice::from_raw_parts(place.address as *const u8, place.bytes) };
            observer(&NewCode { place, bytes, program_words: state.memory().program_len() as usize });
        }
    }

    /// Where code stands that may be executed now.
    pub fn code_places(&self) -> Vec<CodePlace> {
        let place = |unit: &Unit| CodePlace {
            address: self.factory.address(unit.code),
            bytes: unit.code.bytes,
            pc: unit.shape.root,
            tier: Tier::Optimiser,
        };
        self.units.all().map(|(_, unit)| place(unit)).chain(self.units.block_places()).collect()
    }

    /// What has code that was made from the word at `pc`.
    pub fn tier_at(&self, pc: u32) -> Option<Tier> {
        match self.units.made_from(pc) {
            Some(_) => Some(Tier::Optimiser),
            None => self.units.depend_on(pc).then_some(Tier::Baseline),
        }
    }

    /// What became of the program's code, if that is to be told.
    pub fn explain(&self, state: &State) -> Explanation {
        let number = |&(number, _): &(u32, &Unit)| self.listings.iter().rposition(|listing| listing.unit == number);
        let units = self.units.all().filter_map(|unit| Some((unit.0, number(&unit)?))).collect();
        let rejected = self.profile.rejected.clone();
        let volatile = state.watch().volatile().to_vec();
        Explanation { units, rejected, volatile, exits: self.exits.clone(), ..self.units.explain() }
    }

    /// What was published up to now.
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }
}
