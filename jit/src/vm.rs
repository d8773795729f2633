//! A machine with its engine: the only loop that knows both tiers.

use crate::abi::{self, Slot};
use crate::cache::{Cache, Cause};
use crate::code::{CodeSpace, host_isa};
use crate::compile::{Compiler, Listing, Worker};
use crate::grow::Growth;
use crate::options::{EngineKind, Optimisation, Optimisations, Options};
use crate::stats::Stats;
use crate::stubs::{HostCalls, Trampoline, publish_stubs};
use crate::translate::{ExitReason, Settings};
use crate::units::Queue;
use cranelift_codegen::isa::OwnedTargetIsa;
use rum_interp::reserve::Backing;
use rum_interp::state::{State, poll};
use rum_interp::{Machine, Stop};
use rustc_hash::FxHashMap;

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

/// Failed guards after which a unit is compiled again without what they guard.
const CHECKS_IMPROVE: u32 = 24;
/// Failed checks of a unit that are all looked into; then it is compiled again if that taught something.
const CHECKS_OBSERVED: u32 = 24;
/// Later, one in so many is.
const CHECKS_SAMPLED: u32 = 16;
/// Addresses for compiled code that one budget takes: dead code stays until the generation ends.
const CODE_RESERVE_FACTOR: usize = 2;

/// Everything that compiled code needs.
pub(crate) struct Jit {
    pub cache: Cache,
    pub code: CodeSpace,
    /// Made when the first region is to be compiled: short programs never need it.
    pub backend: Option<Backend>,
    pub compile_threads: usize,
    pub pending: Queue,
    pub settings: Settings,
    pub threshold: i32,
    pub budget_bytes: usize,
    force_exit_every: u64,
    /// Load-programs seen.
    pub replacements: u64,
    /// Stores into translated words that cost a unit, by word.
    pub patches: FxHashMap<u32, u32>,
    /// Where computed jumps were seen to go, by the word of the jump.
    pub targets: FxHashMap<u32, Vec<u32>>,
    /// Registers not to be taken to be 0, by the root of a region.
    pub not_zero: FxHashMap<u32, u8>,
    /// How often a root's unit was compiled again.
    pub improvements: FxHashMap<u32, u32>,
    /// Growth of a root's unit.
    pub growth: FxHashMap<u32, Growth>,
    /// How often a root's code was dropped because the program had changed meanwhile, this one or others before it.
    pub drops: FxHashMap<u32, u32>,
    pub gains: [u64; Optimisation::ALL.len()],
    exits: [u64; ExitKind::ALL.len()],
    /// Instructions interpreted one by one to learn from them.
    pub observed: u64,
    pub stats: Stats,
    /// What was published, if that is to be kept.
    pub listings: Vec<Listing>,
}

/// What makes code, and the way into it.
pub(crate) struct Backend {
    pub isa: OwnedTargetIsa,
    pub trampoline: Trampoline,
    pub compiler: Compiler,
    pub worker: Option<Worker>,
}

impl Backend {
    /// Starts the first generation of code.
    pub fn start(code: &mut CodeSpace, state: &mut State, threads: usize) -> Result<Backend, String> {
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
        stats.volatile_words = self.machine.state().program.volatile_words() as u64;
        stats
    }

    /// The units published up to now, whether they still live or not, as text; nothing unless
    /// [`Options::keep_listings`] asked for it.
    pub fn listings(&self) -> &[Listing] {
        self.jit.as_ref().map_or(&[], |jit| &jit.listings)
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
        let threshold = i32::try_from(options.hot_threshold.max(1)).unwrap_or(i32::MAX - 1).min(1 << 30);
        let cache = Cache::new(words_max, backing).map_err(|error| error.to_string())?;
        let reserve = options.code_budget_bytes.saturating_mul(CODE_RESERVE_FACTOR).clamp(1 << 20, 1 << 31);
        let code = CodeSpace::new(reserve).map_err(|error| error.to_string())?;
        let settings = Settings {
            optimisations: Optimisations::without(&options.disabled),
            count: options.count,
            id_bound,
            forced_exits: options.force_exit_every.is_some(),
            listings: options.keep_listings,
        };
        let mut jit = Jit {
            cache,
            code,
            backend: None,
            compile_threads: options.compile_threads,
            pending: Queue::default(),
            settings,
            threshold,
            budget_bytes: options.code_budget_bytes,
            force_exit_every: options.force_exit_every.unwrap_or(u64::MAX).max(1),
            replacements: state.replacements,
            patches: FxHashMap::default(),
            targets: FxHashMap::default(),
            not_zero: FxHashMap::default(),
            improvements: FxHashMap::default(),
            growth: FxHashMap::default(),
            drops: FxHashMap::default(),
            gains: [0; Optimisation::ALL.len()],
            exits: [0; ExitKind::ALL.len()],
            observed: 0,
            stats: Stats { generations: 1, ..Stats::default() },
            listings: Vec::new(),
        };
        jit.prepare_program(state)?;
        Ok(jit)
    }

    /// Sets up for the program that is segment 0 now.
    pub fn prepare_program(&mut self, state: &mut State) -> Result<(), String> {
        self.cache.make_room(state.memory.program_len as usize).map_err(|error| error.to_string())?;
        state.jit[Slot::Table as usize] = self.cache.table() as u64;
        Ok(())
    }

    fn start_counting(&mut self, machine: &mut Machine) {
        self.settings.count = true;
        self.drop_everything(machine.state_mut(), Cause::Improved);
    }

    pub fn drop_everything(&mut self, state: &mut State, cause: Cause) {
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
            match machine.run_until(until, Some(self.threshold())) {
                Stop::Hot if self.cache.entry(machine.state().pc) != 0 => {}
                Stop::Hot => {
                    let from = machine.state().jumped_from;
                    if let Some(stop) = self.hot(machine, Some(from), until) {
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

    /// Runs compiled code from the pc on.
    fn enter(&mut self, machine: &mut Machine, entry: u64, until: u64) -> After {
        let trampoline = self.backend.as_ref().expect("an entry leads to code, which the back end made").trampoline;
        let mut calls = HostCalls { machine, stop: None, panic: None, steps: 0 };
        // SAFETY: `machine` is borrowed for the call, and compiled code and its host calls are the only users meanwhile.
        let state = unsafe { (*calls.machine).state_mut() };
        state.jit[Slot::Driver as usize] = &raw mut calls as u64;
        state.jit[Slot::Until as usize] = until;
        // The countdown goes on over entries: otherwise the same few checks would be forced each time.
        if state.jit[Slot::ForceExit as usize] == 0 {
            state.jit[Slot::ForceExit as usize] = self.force_exit_every;
        }
        let (executed, observed) = (state.executed, self.observed);
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
        let interpreted = self.observed - observed;
        self.stats.instructions_compiled += machine.executed().saturating_sub(executed + interpreted);
        after
    }

    fn after_exit(&mut self, machine: &mut Machine, number: u64, stop: Option<Stop>, until: u64) -> After {
        if number & abi::MISSED != 0 {
            return self.missed(machine, Some(number as u32), until);
        }
        let state = machine.state_mut();
        let (kind, after) = match u32::try_from(number) {
            Ok(abi::EXIT_MISS) => return self.missed(machine, None, until),
            Ok(abi::EXIT_HOST) => (ExitKind::Host, stop.map_or(After::Anything, After::Stop)),
            Ok(abi::EXIT_GUARD) => return self.guard_failed(state),
            Ok(abi::EXIT_POLL) => (ExitKind::Poll, After::Anything),
            _ => return self.left_at_site(machine, number, until),
        };
        self.exits[kind as usize] += 1;
        after
    }

    /// Compiled code came, by the jump at `from`, to a pc without code: counts it as the interpreter does.
    fn missed(&mut self, machine: &mut Machine, from: Option<u32>, until: u64) -> After {
        self.exits[ExitKind::Miss as usize] += 1;
        let state = machine.state_mut();
        let pc = state.pc;
        if pc < state.memory.program_len && self.cache.entry(pc) == 0 {
            let heat = state.program.heat(pc).saturating_add(1);
            state.program.set_heat(pc, heat);
            let threshold = self.threshold();
            // Not every time: most jumps that miss do so again.
            if let Some(from) = from.filter(|_| heat.count_ones() == 1 || heat >= threshold) {
                self.note_target(from, pc);
            }
            if heat >= threshold
                && let Some(stop) = self.hot(machine, from, until)
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
}
