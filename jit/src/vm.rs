//! A machine with its engine: the only loop that knows both tiers.

use crate::abi::{self, Slot};
use crate::cache::{Cache, Cause};
use crate::code::{CodeSpace, host_isa};
use crate::compile::{Compiled, Compiler, Job, Worker, add_gains};
use crate::options::{EngineKind, Optimisation, Optimisations, Options};
use crate::region::{Region, Surroundings, discover};
use crate::stats::Stats;
use crate::stubs::{HostCalls, Trampoline, publish_stubs};
use crate::translate::{ExitReason, Settings};
use cranelift_codegen::isa::OwnedTargetIsa;
use rum_interp::isa::Instruction;
use rum_interp::memory::LARGE;
use rum_interp::program::{SITE_HOST, SITE_LARGE, SITE_PROGRAM, WATCH_TRANSLATED, WATCH_VOLATILE};
use rum_interp::reserve::Backing;
use rum_interp::state::{State, poll};
use rum_interp::{Machine, Stop};
use std::collections::{HashMap, HashSet};

/// Why an engine cannot be had.
#[derive(Debug)]
pub enum EngineError {
    /// Compiled code is not available; the text says why.
    NoJit(String),
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EngineError::NoJit(why) => write!(f, "the JIT is not available: {why}"),
        }
    }
}

impl std::error::Error for EngineError {}

/// A machine and the engine that runs it.
pub struct Vm {
    machine: Machine,
    jit: Option<Box<Jit>>,
}

impl std::fmt::Debug for Vm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vm").field("machine", &self.machine).field("jit", &self.jit.is_some()).finish()
    }
}

/// Stores into a translated word after which it is taken to be patched for ever.
const PATCHES_VOLATILE: u32 = 3;
/// Failed guards after which a unit is compiled again without what they guard.
const CHECKS_IMPROVE: u32 = 24;
/// Failed checks of a unit that are all looked into; then it is compiled again if that taught something.
const CHECKS_OBSERVED: u32 = 24;
/// Later, one in so many is.
const CHECKS_SAMPLED: u32 = 16;
/// Instructions that are interpreted one by one to learn what they meet.
const OBSERVED_MAX: u32 = 200;
/// The same before a region is compiled.
const OBSERVED_HOT: u32 = 1000;
/// Targets that are remembered of a computed jump.
const TARGETS_MAX: usize = 32;
/// Words in a region.
const REGION_WORDS_MAX: usize = 3000;
/// Addresses for compiled code that one budget takes: dead code stays until the generation ends.
const CODE_RESERVE_FACTOR: usize = 2;

/// Everything that compiled code needs.
struct Jit {
    cache: Cache,
    code: CodeSpace,
    /// Made when the first region is to be compiled: short programs never need it.
    backend: Option<Backend>,
    compile_threads: usize,
    /// Regions handed to the worker, by the number of their unit; those not in here any more are dropped.
    pending: HashMap<u32, Region>,
    settings: Settings,
    threshold: i32,
    budget_bytes: usize,
    force_exit_every: u64,
    /// Load-programs seen.
    replacements: u64,
    /// Stores into translated words, by word.
    patches: HashMap<u32, u32>,
    volatile: HashSet<u32>,
    /// Where computed jumps were seen to go, by the word of the jump.
    targets: HashMap<u32, Vec<u32>>,
    /// Registers not to be taken to be 0, by the root of a region.
    not_zero: HashMap<u32, u8>,
    /// How often a root's unit was compiled again.
    improvements: HashMap<u32, u32>,
    /// How often a root's code was dropped because the program had changed meanwhile.
    drops: HashMap<u32, u32>,
    gains: [u64; Optimisation::ALL.len()],
    exits: [u64; ExitKind::ALL.len()],
    stats: Stats,
}

/// What makes code, and the way into it.
struct Backend {
    isa: OwnedTargetIsa,
    trampoline: Trampoline,
    compiler: Compiler,
    worker: Option<Worker>,
}

impl Backend {
    /// Starts the first generation of code.
    fn start(code: &mut CodeSpace, state: &mut State, threads: usize) -> Result<Backend, String> {
        let isa = host_isa()?;
        code.restart()?;
        let trampoline = publish_stubs(code, &*isa, state)?;
        let worker = match threads {
            0 => None,
            _ => Some(Worker::start(isa.clone(), state.poll_handle()).map_err(|error| error.to_string())?),
        };
        Ok(Backend { compiler: Compiler::new(isa.clone()), isa, trampoline, worker })
    }
}

/// How compiled code came back, for the statistics.
#[derive(Clone, Copy)]
enum ExitKind {
    Check,
    Leave,
    Poll,
    Limit,
    Miss,
    Guard,
    Host,
}

impl ExitKind {
    const ALL: [(ExitKind, &'static str); 7] = [
        (ExitKind::Check, "check"),
        (ExitKind::Leave, "leave"),
        (ExitKind::Poll, "poll"),
        (ExitKind::Limit, "limit"),
        (ExitKind::Miss, "miss"),
        (ExitKind::Guard, "guard"),
        (ExitKind::Host, "host"),
    ];
}

/// What to do after compiled code came back.
enum After {
    /// The pc may be entered again.
    Anything,
    /// The interpreter has to execute what is at the pc.
    Interpret,
    Stop(Stop),
}

impl Vm {
    /// Gives a machine its engine.
    ///
    /// # Errors
    /// `Jit` was asked for and cannot be had.
    pub fn new(machine: Machine, options: &Options) -> Result<Vm, EngineError> {
        let mut vm = Vm { machine, jit: None };
        if options.engine == EngineKind::Interp {
            return Ok(vm);
        }
        match Jit::new(&mut vm.machine, options) {
            Ok(jit) => vm.jit = Some(Box::new(jit)),
            Err(why) if options.engine == EngineKind::Jit => return Err(EngineError::NoJit(why)),
            Err(_) => {}
        }
        Ok(vm)
    }

    /// Runs until the program stops, or `budget` more instructions have been executed (exactly). Output is written
    /// before this returns. After `Budget` and `Interrupted` the machine can go on.
    ///
    /// A budget needs counting: if it was not asked for from the start, compiled code is made anew to count.
    pub fn run(&mut self, budget: Option<u64>) -> Stop {
        let Some(jit) = &mut self.jit else { return self.machine.run(budget) };
        if budget.is_some() && !jit.settings.count {
            jit.start_counting(&mut self.machine);
        }
        let until = budget.map_or(u64::MAX, |budget| self.machine.executed().saturating_add(budget));
        let stop = jit.run(&mut self.machine, until);
        match self.machine.flush() {
            Ok(()) => stop,
            Err(error) => Stop::Console(error),
        }
    }

    /// The machine.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The machine, to change it between runs.
    pub fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// Whether hot code is compiled.
    pub fn has_jit(&self) -> bool {
        self.jit.is_some()
    }

    /// Counters up to now.
    pub fn stats(&self) -> Stats {
        let mut stats = self.jit.as_ref().map_or_else(Stats::default, |jit| jit.stats());
        stats.instructions = self.machine.executed();
        stats
    }
}

impl Jit {
    fn new(machine: &mut Machine, options: &Options) -> Result<Jit, String> {
        // Whether the host's architecture is supported and executable memory is granted is said at once.
        host_isa()?;
        let state = machine.state_mut();
        let words_max = state.memory.program_words_max();
        let all_ids = state.memory.covers_all_ids();
        let id_bound = (!all_ids).then_some(state.memory.id_bound);
        let backing = if all_ids { Backing::OnTouch } else { Backing::OnCommit };
        let cache = Cache::new(words_max, backing).map_err(|error| error.to_string())?;
        let reserve = options.code_budget_bytes.saturating_mul(CODE_RESERVE_FACTOR).clamp(1 << 20, 1 << 31);
        let code = CodeSpace::new(reserve).map_err(|error| error.to_string())?;
        let settings = Settings {
            optimisations: Optimisations::without(&options.disabled),
            count: options.count,
            id_bound,
            forced_exits: options.force_exit_every.is_some(),
        };
        let mut jit = Jit {
            cache,
            code,
            backend: None,
            compile_threads: options.compile_threads,
            pending: HashMap::new(),
            settings,
            threshold: i32::try_from(options.hot_threshold.max(1)).unwrap_or(i32::MAX - 1).min(1 << 30),
            budget_bytes: options.code_budget_bytes,
            force_exit_every: options.force_exit_every.unwrap_or(u64::MAX).max(1),
            replacements: state.replacements,
            patches: HashMap::new(),
            volatile: HashSet::new(),
            targets: HashMap::new(),
            not_zero: HashMap::new(),
            improvements: HashMap::new(),
            drops: HashMap::new(),
            gains: [0; Optimisation::ALL.len()],
            exits: [0; ExitKind::ALL.len()],
            stats: Stats { generations: 1, ..Stats::default() },
        };
        jit.prepare_program(state)?;
        Ok(jit)
    }

    /// Sets up for the program that is segment 0 now.
    fn prepare_program(&mut self, state: &mut State) -> Result<(), String> {
        self.cache.make_room(state.memory.program_len as usize).map_err(|error| error.to_string())?;
        state.jit[Slot::Table as usize] = self.cache.table() as u64;
        Ok(())
    }

    fn start_counting(&mut self, machine: &mut Machine) {
        self.settings.count = true;
        self.drop_everything(machine.state_mut(), Cause::Improved);
    }

    fn drop_everything(&mut self, state: &mut State, cause: Cause) {
        self.drop_pending(state, |_| true);
        self.cache.kill_all(cause, &mut state.program);
    }

    fn stats(&self) -> Stats {
        let mut stats = self.stats.clone();
        stats.exits = ExitKind::ALL.iter().map(|&(kind, name)| (name, self.exits[kind as usize])).collect();
        stats.invalidations = self.cache.killed.iter().map(|(&name, &count)| (name, count)).collect();
        stats.optimisations =
            Optimisation::ALL.iter().map(|&which| (which.name(), self.gains[which as usize])).collect();
        stats.units_live = self.cache.len() as u64;
        stats.volatile_words = self.volatile.len() as u64;
        stats
    }

    /// The loop. Executes up to an instruction count of `until`.
    fn run(&mut self, machine: &mut Machine, until: u64) -> Stop {
        let mut interpret = false;
        loop {
            let state = machine.state_mut();
            self.catch_up(state);
            if state.polled()
                && let Some(stop) = self.answer_poll(machine)
            {
                return stop;
            }
            let state = machine.state_mut();
            let entry = self.cache.entry(state.pc);
            if entry != 0 && !interpret && state.pc < state.memory.program_len {
                match self.enter(machine, entry, until) {
                    After::Anything => {}
                    After::Interpret => interpret = true,
                    After::Stop(stop) => return stop,
                }
                continue;
            }
            interpret = false;
            match machine.run_until(until, Some(self.threshold)) {
                Stop::Hot => {
                    if let Some(stop) = self.hot(machine, until) {
                        return stop;
                    }
                }
                // The top of the loop answers whoever raised the poll word. Otherwise it was the console that gives up.
                Stop::Interrupted if machine.state().polled() => {}
                stop => return stop,
            }
        }
    }

    /// Reacts to the poll word. A stop if the embedder wants control.
    fn answer_poll(&mut self, machine: &mut Machine) -> Option<Stop> {
        let bits = machine.state().take_poll();
        if bits & poll::FLUSH != 0
            && let Err(error) = machine.flush()
        {
            return Some(Stop::Console(error));
        }
        if bits & poll::PUBLISH != 0 {
            self.publish_finished(machine.state_mut());
        }
        (bits & !(poll::FLUSH | poll::PUBLISH) != 0).then_some(Stop::Interrupted)
    }

    /// Lets nothing stale survive: called before compiled code is entered.
    fn catch_up(&mut self, state: &mut State) {
        if state.replacements != self.replacements {
            self.replacements = state.replacements;
            self.program_replaced(state);
        }
        if !state.program.has_news() {
            return;
        }
        for offset in state.program.take_stored_translated() {
            self.drop_pending(state, |region| {
                region.ranges().iter().any(|&(start, end)| (start..end).contains(&offset))
            });
            if self.cache.word_stored(offset, &mut state.program) > 0 {
                let patches = self.patches.entry(offset).or_default();
                *patches += 1;
                if *patches >= PATCHES_VOLATILE && self.volatile.insert(offset) {
                    state.program.forget_decoded(offset);
                    state.program.change_watch(offset, WATCH_VOLATILE, 0);
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
        for offset in self.volatile.drain() {
            state.program.change_watch(offset, 0, WATCH_VOLATILE);
        }
        self.patches.clear();
        self.targets.clear();
        self.not_zero.clear();
        self.improvements.clear();
        self.drops.clear();
        if self.prepare_program(state).is_err() {
            // No table, no entries.
            self.give_up();
        }
    }

    fn drop_pending(&mut self, state: &mut State, which: impl Fn(&Region) -> bool) {
        let dropped: Vec<u32> =
            self.pending.iter().filter(|(_, region)| which(region)).map(|(&unit, _)| unit).collect();
        for unit in dropped {
            if let Some(region) = self.pending.remove(&unit) {
                self.stats.regions_dropped += 1;
                self.cool(state, &region);
            }
        }
    }

    /// Runs compiled code from the pc on.
    fn enter(&mut self, machine: &mut Machine, entry: u64, until: u64) -> After {
        let trampoline = self.backend.as_ref().expect("an entry leads to code, which the back end made").trampoline;
        let mut calls = HostCalls { machine, stop: None, panic: None, steps: 0 };
        // SAFETY: `machine` is borrowed for the call, and compiled code and its host calls are the only users meanwhile.
        let state = unsafe { (*calls.machine).state_mut() };
        state.jit[Slot::Driver as usize] = &raw mut calls as u64;
        state.jit[Slot::Until as usize] = until;
        state.jit[Slot::ForceExit as usize] = self.force_exit_every;
        let executed = state.executed;
        let data = state.memory.data;
        let code = self.code.base().wrapping_add(entry as u32 as usize);
        // SAFETY: the table holds entries of live units only, made for this state, and everything that they depend on is
        // as it was when they were made (`catch_up`).
        let number = unsafe { trampoline(data, code, (entry >> 32) as u32) };
        self.stats.enters += 1;
        self.stats.host_steps += calls.steps;
        let (stop, panic) = (calls.stop.take(), calls.panic.take());
        if let Some(panic) = panic {
            std::panic::resume_unwind(panic);
        }
        // SAFETY: compiled code has returned; the borrow for the call ends here.
        let machine = unsafe { &mut *calls.machine };
        let after = self.after_exit(machine, number, stop, until);
        self.stats.instructions_compiled += machine.executed().saturating_sub(executed);
        after
    }

    fn after_exit(&mut self, machine: &mut Machine, number: u64, stop: Option<Stop>, until: u64) -> After {
        let state = machine.state_mut();
        let (kind, after) = match u32::try_from(number) {
            Ok(abi::EXIT_MISS) => return self.missed(machine, until),
            Ok(abi::EXIT_HOST) => (ExitKind::Host, stop.map_or(After::Anything, After::Stop)),
            Ok(abi::EXIT_GUARD) => return self.guard_failed(state),
            Ok(abi::EXIT_POLL) => (ExitKind::Poll, After::Anything),
            _ => return self.left_at_site(machine, number, until),
        };
        self.exits[kind as usize] += 1;
        after
    }

    /// Compiled code came to a pc without code: counts it as the interpreter does.
    fn missed(&mut self, machine: &mut Machine, until: u64) -> After {
        self.exits[ExitKind::Miss as usize] += 1;
        let state = machine.state_mut();
        let pc = state.pc;
        if pc < state.memory.program_len && self.cache.entry(pc) == 0 {
            let heat = state.program.heat(pc).saturating_add(1);
            state.program.set_heat(pc, heat);
            if heat >= self.threshold
                && let Some(stop) = self.hot(machine, until)
            {
                return After::Stop(stop);
            }
        }
        After::Anything
    }

    /// A register that the unit at the pc takes to be 0 is not.
    fn guard_failed(&mut self, state: &mut State) -> After {
        self.exits[ExitKind::Guard as usize] += 1;
        let unit = (self.cache.entry(state.pc) >> 32) as u32 >> abi::SELECTOR_BITS;
        if let Some(found) = self.cache.unit_mut(unit) {
            found.checks_failed += 1;
            if found.checks_failed >= CHECKS_IMPROVE {
                let wrong = (0..8).filter(|&reg| state.registers[reg] != 0).fold(0, |set, reg| set | 1 << reg);
                *self.not_zero.entry(found.root).or_default() |= found.zero & wrong;
                self.improve(unit, state);
            }
        }
        After::Interpret
    }

    fn left_at_site(&mut self, machine: &mut Machine, number: u64, until: u64) -> After {
        let state = machine.state_mut();
        let unit_number = u32::try_from(number >> 16).unwrap_or(0);
        let unit = self.cache.unit_mut(unit_number).expect("compiled code returns sites of live units");
        let site = &unit.sites[(number & 0xffff) as usize];
        for &(reg, value) in &site.constants {
            state.registers[usize::from(reg)] = value;
        }
        state.pc = site.pc;
        state.executed += u64::from(site.uncounted);
        match site.reason {
            ExitReason::Poll => {
                self.exits[ExitKind::Poll as usize] += 1;
                After::Interpret
            }
            ExitReason::Leave => {
                self.exits[ExitKind::Leave as usize] += 1;
                After::Interpret
            }
            ExitReason::Limit => {
                self.exits[ExitKind::Limit as usize] += 1;
                After::Interpret
            }
            ExitReason::Check => {
                self.exits[ExitKind::Check as usize] += 1;
                unit.checks_failed += 1;
                let (failed, zero) = (unit.checks_failed, unit.zero);
                if self.settings.forced_exits || (failed > CHECKS_OBSERVED && failed % CHECKS_SAMPLED != 0) {
                    return After::Interpret;
                }
                let stop = self.observe(machine, unit_number, zero, until);
                if failed >= CHECKS_OBSERVED && self.cache.unit_mut(unit_number).is_some_and(|unit| unit.learnt) {
                    self.improve(unit_number, machine.state_mut());
                }
                stop.map_or(After::Interpret, After::Stop)
            }
        }
    }

    /// Interprets for a while from where compiled code left, or will be made for, and notes at each site what it meets.
    /// `unit` learns if it was made without knowing that.
    fn observe(&mut self, machine: &mut Machine, unit: u32, zero: u8, until: u64) -> Option<Stop> {
        // Before compiling, a longer look; after a failed check, only until compiled code can go on.
        let longest = if unit == 0 { OBSERVED_HOT } else { OBSERVED_MAX };
        for _ in 0..longest {
            let state = machine.state_mut();
            if state.executed >= until || state.polled() {
                break;
            }
            let mut bits = note_site(state, zero);
            if unit != 0 && self.stores_into_code(state) {
                state.program.change_watch(state.pc, SITE_HOST, 0);
                bits |= SITE_HOST;
            }
            let (pc, replacements) = (state.pc, state.replacements);
            if bits != 0
                && let Some(unit) = self.cache.unit_mut(unit)
            {
                unit.learn(pc, bits);
            }
            if let Err(stop) = machine.step() {
                return Some(stop);
            }
            let state = machine.state();
            let jumped = state.pc != pc.wrapping_add(1);
            if jumped {
                self.note_target(pc, state.pc);
            }
            if state.replacements != replacements || (unit != 0 && jumped && self.cache.entry(state.pc) != 0) {
                break;
            }
        }
        None
    }

    /// Whether the instruction at the pc stores to a word that a live unit was made from.
    fn stores_into_code(&self, state: &State) -> bool {
        let Some(&word) = state.memory.program().get(state.pc as usize) else { return false };
        let Instruction::Amend { a, b, .. } = Instruction::decode(word) else { return false };
        let offset = state.registers[b.index()];
        state.registers[a.index()] == 0 && offset < state.memory.program_len && self.cache.depends_on(offset)
    }

    /// A jump was seen.
    fn note_target(&mut self, from: u32, to: u32) {
        let targets = self.targets.entry(from).or_default();
        if targets.len() < TARGETS_MAX && !targets.contains(&to) {
            targets.push(to);
        }
    }

    /// Kills a unit to have it compiled again soon.
    fn improve(&mut self, number: u32, state: &mut State) {
        let Some(unit) = self.cache.unit_mut(number) else { return };
        let root = unit.root;
        let times = self.improvements.entry(root).or_default();
        *times += 1;
        let heat = if *times < 4 { self.threshold - 1 } else { 0 };
        self.cache.kill(number, Cause::Improved, &mut state.program);
        set_heat(state, root, heat);
    }

    /// The pc is hot: has its region compiled, unless there is code already. Interprets a little; a stop is what that
    /// came to.
    fn hot(&mut self, machine: &mut Machine, until: u64) -> Option<Stop> {
        let state = machine.state_mut();
        let root = state.pc;
        if root >= state.memory.program_len || self.cache.entry(root) != 0 {
            return None;
        }
        let zero = (0..8).filter(|&reg| state.registers[reg] == 0).fold(0, |set, reg| set | 1 << reg);
        let replacements = state.replacements;
        set_heat(state, root, 0);
        let stop = self.observe(machine, 0, zero, until);
        let state = machine.state_mut();
        if stop.is_none() && state.replacements == replacements {
            self.catch_up(state);
            self.request(state, root, zero);
        }
        stop
    }

    /// Has the region of `root` compiled, where the registers in the mask `zero` hold 0.
    fn request(&mut self, state: &mut State, root: u32, zero: u8) {
        if self.cache.numbers_used() + 1 >= abi::UNITS_MAX {
            return self.give_up();
        }
        if self.code.used_bytes() > self.budget_bytes {
            self.new_generation(state);
        }
        let Some(region) = self.region(state, root, zero) else {
            self.stats.regions_rejected += 1;
            set_heat(state, root, i32::MIN / 2);
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
            return self.publish(state, unit, &region, result);
        };
        // Until it is published the interpreter goes on, and asks no more for any of this; other regions link to it.
        for &pc in region.blocks.keys().filter(|&&pc| self.cache.entry(pc) == 0) {
            set_heat(state, pc, i32::MIN / 2);
        }
        for &(start, end) in &region.ranges() {
            for word in (start..end).filter(|word| !region.volatile.contains(word)) {
                state.program.change_watch(word, WATCH_TRANSLATED, 0);
            }
        }
        if worker.submit(Job { unit, region: region.clone(), settings: self.settings.clone() }) {
            self.pending.insert(unit, region);
        } else {
            backend.worker = None;
            self.cool(state, &region);
        }
    }

    fn region(&self, state: &State, root: u32, zero: u8) -> Option<Region> {
        let zero = zero & !self.not_zero.get(&root).copied().unwrap_or(0);
        let around = Surroundings {
            program: state.memory.program(),
            heat: &|pc| if pc < state.memory.program_len { state.program.heat(pc) } else { 0 },
            is_entry: &|pc| self.cache.entry(pc) != 0,
            targets: &|pc| self.targets.get(&pc).map_or(&[], |targets| targets),
            is_volatile: &|pc| self.volatile.contains(&pc),
            watch: &|pc| state.program.watch_of(pc),
            warm: (self.threshold / 16).max(1),
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

    fn publish_finished(&mut self, state: &mut State) {
        let finished: Vec<_> = {
            let worker = self.backend.as_ref().and_then(|backend| backend.worker.as_ref());
            worker.map_or_else(Vec::new, |worker| worker.finished().collect())
        };
        for done in finished {
            if self.pending.remove(&done.unit).is_some() {
                self.publish(state, done.unit, &done.region, done.result);
            }
        }
    }

    fn publish(&mut self, state: &mut State, unit: u32, region: &Region, result: Result<Compiled, String>) {
        let Ok(compiled) = result else {
            self.stats.regions_rejected += 1;
            self.cool(state, region);
            set_heat(state, region.root, i32::MIN / 2);
            return;
        };
        self.stats.compile_ns += compiled.time.as_nanos() as u64;
        self.stats.clif_instructions += compiled.clif_instructions;
        self.stats.guest_instructions_translated += compiled.plan.guest_instructions;
        // What was stored meanwhile by compiled code, which looks at nobody, was not noticed.
        if !region.matches(state.memory.program()) || !self.cache.fits(&compiled.plan, region, &mut state.program) {
            self.stats.regions_dropped += 1;
            self.cool(state, region);
            // The more often that happened, the longer until the next attempt.
            let drops = self.drops.entry(region.root).or_default();
            *drops += 1;
            set_heat(state, region.root, -(1 << (*drops + 4).min(24)));
            return;
        }
        let signature = crate::translate::unit_signature();
        match self.code.publish(&[(&signature, &compiled.bytes, compiled.align)]) {
            Ok(offsets) => {
                self.stats.regions_published += 1;
                self.stats.code_bytes += compiled.bytes.len() as u64;
                add_gains(&mut self.gains, &compiled.plan.gains);
                self.cache.publish(unit, region, compiled.plan, offsets[0], &mut state.program);
            }
            Err(_) => {
                self.stats.regions_rejected += 1;
                self.cool(state, region);
                set_heat(state, region.root, i32::MIN / 2);
            }
        }
    }
}

fn set_heat(state: &mut State, pc: u32, heat: i32) {
    if pc < state.memory.program_len {
        state.program.set_heat(pc, heat);
    }
}

/// Notes what the next translation of the instruction at the pc should be ready for, and gives that as `SITE_...` bits.
fn note_site(state: &mut State, zero: u8) -> u8 {
    let Some(&word) = state.memory.program().get(state.pc as usize) else { return 0 };
    let segment = match Instruction::decode(word) {
        Instruction::Index { b, .. } => b,
        Instruction::Amend { a, .. } => a,
        _ => return 0,
    };
    let id = state.registers[segment.index()];
    let mut bits = 0;
    if id == 0 && zero >> segment.index() & 1 == 0 {
        bits |= SITE_PROGRAM;
    }
    if state.memory.len_byte(id) == LARGE {
        bits |= SITE_LARGE;
    }
    if bits != 0 {
        state.program.change_watch(state.pc, bits, 0);
    }
    bits
}
