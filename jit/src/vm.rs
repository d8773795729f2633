//! A machine and what runs it: the crate's face.

use crate::abi::Slot;
use crate::cache::CacheError;
use crate::engine::Engine;
use crate::explain::{Explanation, Listing};
use crate::options::{EngineKind, Options};
use crate::place::{CodeObserver, CodePlace, Tier};
use crate::stats::Stats;
use rum_interp::tally::{Call, Counted};
use rum_interp::{Console, Ids, Machine, SnapshotError, Stop, Timer, WatchedWord};
use std::io::{self, Read, Write};
use std::time::Duration;

/// Why an engine cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Compiled code is not available; the text says why.
    #[error("the JIT is not available: {0}")]
    NoJit(String),
}

/// Says to compiled code which words are watched. False if it cannot be said where they are: a segment that is not active may get its
/// number, and then be anywhere.
fn watch(machine: &mut Machine) -> bool {
    // SAFETY: nothing is moved out of the state, or another put in its place.
    let state = unsafe { machine.state_mut() };
    let (mut places, mut ids) = (Vec::new(), Vec::new());
    for word in state.watched() {
        let place = match state.memory().place(word.segment) {
            _ if word.segment == 0 => 0,
            Some(place) => place,
            None if state.memory().ids() == Ids::Address || !state.memory().is_naming() => word.segment,
            None => return false,
        };
        ids.push(u64::from(word.segment));
        places.push(state.base() as u64 + u64::from(place) * 8 + u64::from(word.offset) * 4);
    }
    let range = |numbers: &[u64], size: u64| match (numbers.iter().min(), numbers.iter().max()) {
        (Some(&least), Some(&most)) => (least, most - least + size),
        _ => (0, 0),
    };
    let ((from, bytes), (id, count)) = (range(&places, 4), range(&ids, 1));
    let slots = state.slots_mut();
    for (slot, number) in
        [(Slot::WatchFrom, from), (Slot::WatchBytes, bytes), (Slot::WatchId, id), (Slot::WatchIds, count)]
    {
        slots[slot as usize] = number;
    }
    true
}

/// A machine and the engine that runs it.
pub struct Vm {
    machine: Machine,
    engine: Option<Box<Engine>>,
    /// Why there is none, if there should be.
    unavailable: Option<String>,
}

impl std::fmt::Debug for Vm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vm").field("machine", &self.machine).field("jit", &self.engine.is_some()).finish()
    }
}

impl Vm {
    /// Gives a machine its engine.
    ///
    /// # Errors
    /// `Jit` was asked for and cannot be had.
    pub fn new(mut machine: Machine, options: &Options) -> Result<Vm, EngineError> {
        let (engine, unavailable) = match options.engine {
            EngineKind::Interp => (None, None),
            kind => match Engine::new(&mut machine, options) {
                Ok(engine) => (Some(Box::new(engine)), None),
                Err(why) if kind == EngineKind::Jit => return Err(EngineError::NoJit(why)),
                Err(why) => {
                    tracing::warn!(why, "nothing is compiled");
                    (None, Some(why))
                }
            },
        };
        Ok(Vm { machine, engine, unavailable })
    }

    /// Asks the system now for what compiled code will need: threads, and memory that is executed. Running on asks for no more than memory
    /// and time, so that a process can give up every other right before it runs a program.
    pub fn make_ready(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.make_ready(&mut self.machine);
        }
    }

    /// Runs until the program stops, or `budget` more instructions have been executed (exactly). Output is written
    /// before this returns. After `Budget` and `Interrupted` the machine can go on.
    ///
    /// A budget needs counting: if it was not asked for from the start, compiled code is made anew to count.
    pub fn run(&mut self, budget: Option<u64>) -> Stop {
        let Some(engine) = &mut self.engine else { return self.machine.run(budget) };
        let watching = !self.machine.state().watched().is_empty();
        if watching && !(engine.watches() && watch(&mut self.machine)) {
            return self.machine.run(budget);
        }
        if budget.is_some() {
            engine.start_counting(&mut self.machine);
        }
        let until = budget.map_or(u64::MAX, |budget| self.machine.state().counted().saturating_add(budget));
        let stop = engine.run(&mut self.machine, until);
        let written = self.machine.flush();
        stop.once_written(written)
    }

    /// As [`Vm::run`] with a budget, but gives control back whenever compiled code was left, too: then without a stop. For who compares.
    pub fn run_to_exit(&mut self, budget: u64) -> Option<Stop> {
        let goal = self.machine.state().counted().saturating_add(budget);
        self.pause_at_exits(true);
        let stop = self.run(Some(budget));
        self.pause_at_exits(false);
        let is_exit = matches!(stop, Stop::Budget) && self.machine.state().counted() < goal;
        (!is_exit).then_some(stop)
    }

    fn pause_at_exits(&mut self, pauses: bool) {
        if let Some(engine) = &mut self.engine {
            engine.pauses_at_exits = pauses;
        }
    }

    /// As [`Vm::run`], for at most `time`: then it stops as [`Stop::TimeUp`], and can go on. A console that keeps its program
    /// waiting is not interrupted.
    ///
    /// # Errors
    /// The system has no thread to watch the clock.
    pub fn run_for(&mut self, time: Duration, budget: Option<u64>) -> io::Result<Stop> {
        let _timer = Timer::start(self.machine.poll_handle(), time)?;
        Ok(self.run(budget))
    }

    /// As [`Vm::run`] by the interpreter alone. Compiled code is there again for the next run.
    pub fn interpret(&mut self, budget: Option<u64>) -> Stop {
        self.machine.run(budget)
    }

    /// Executes exactly one instruction, by the interpreter. What the program puts out is written later ([`Vm::flush`]).
    ///
    /// # Errors
    /// Why it was not executed, or `Halt` if it was a halt.
    pub fn step(&mut self) -> Result<(), Stop> {
        self.machine.step()
    }

    /// Writes out what the program has put out so far.
    ///
    /// # Errors
    /// The console's.
    pub fn flush(&mut self) -> io::Result<()> {
        self.machine.flush()
    }

    /// The machine, to look at. It belongs to its engine: only the engine changes it.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Ends counting for a profile, and gives what was counted; None if nothing was
    /// ([`MachineOptions::tally`](rum_interp::MachineOptions::tally)). Compiled code goes with that, for it would go on counting.
    pub fn take_counted(&mut self) -> Option<Counted> {
        self.engine = None;
        self.machine.take_counted()
    }

    /// Sets a breakpoint at a word, or takes it away: the machine stops before the instruction there ([`Stop::Breakpoint`]). Nothing is
    /// compiled of that word; the rest of the program is.
    pub fn set_breakpoint(&mut self, pc: u32, set: bool) {
        let Some(engine) = &mut self.engine else { return self.machine.set_breakpoint(pc, set) };
        // What waits for another program may be made of the word.
        engine.forget_kept(&mut self.machine);
        self.machine.set_breakpoint(pc, set);
        let state = self.machine.state();
        let is_volatile = pc < state.memory().program_len() && state.watch().is_volatile(pc);
        // What was made around the word would go on leaving there, or does not depend on it.
        if !set || is_volatile {
            engine.forget_code(&mut self.machine);
        }
    }

    /// The next instruction is executed although there is a breakpoint.
    pub fn pass_breakpoint(&mut self) {
        self.machine.pass_breakpoint();
    }

    /// Watches these words, and no others: the machine stops behind each instruction that changes one ([`Stop::Watchpoint`]), or gives its
    /// segment back. With [`Options::watch`] compiled code looks at that; otherwise the program is interpreted meanwhile.
    pub fn watch_words(&mut self, words: &[WatchedWord]) {
        self.machine.watch_words(words);
    }

    /// Has no breakpoint and no word that is watched stop the machine for now, or all of them again.
    pub fn ignore_probes(&mut self, ignored: bool) {
        self.machine.ignore_probes(ignored);
    }

    /// The procedures that were called and have not returned, the first one first ([`Machine::call_stack`]).
    pub fn call_stack(&mut self) -> Vec<Call> {
        self.machine.call_stack()
    }

    /// Sets the limit on the bytes that the program may put out, of which it keeps exactly so many.
    ///
    /// # Errors
    /// The console's, when what it has put out so far is written.
    pub fn limit_output(&mut self, bytes_max: Option<u64>) -> io::Result<()> {
        self.machine.limit_output(bytes_max)
    }

    /// Writes everything that the machine is ([`Machine::save`]).
    ///
    /// # Errors
    /// As there.
    pub fn save(&mut self, out: &mut dyn Write, note: &[u8]) -> Result<(), SnapshotError> {
        self.machine.save(out, note)
    }

    /// Becomes what was saved of this machine, or of one that was made alike. Compiled code stays, as far as its words are the same; with
    /// [`Options::cache`], that of a program of another length waits until the machine is taken back to it.
    ///
    /// # Errors
    /// As [`Machine::restore`].
    pub fn restore(&mut self, saved: impl Read) -> Result<(), SnapshotError> {
        if let Some(engine) = &mut self.engine {
            engine.rewind();
        }
        self.machine.restore(saved)
    }

    /// The machine's console, if it is of this type.
    pub fn console_mut<C: Console>(&mut self) -> Option<&mut C> {
        self.machine.console_mut()
    }

    /// Ends the engine and gives the machine back, which can be interpreted on or have another engine.
    pub fn into_machine(self) -> Machine {
        self.machine
    }

    /// The name of what can be kept of the program's code for later runs of it: 32 hexadecimal digits, which depend on the program, the
    /// build of this crate, the processor and the options. To be asked for before the first run. None unless
    /// [`Options::cache`] asked for that.
    pub fn cache_key(&self) -> Option<String> {
        self.engine.as_ref()?.cache_key()
    }

    /// Starts from what an earlier run of the same program has left ([`Vm::save_cache`]), under the same [`Vm::cache_key`]. To be
    /// called before the first run.
    ///
    /// # Errors
    /// The bytes are none that this build has written, or have changed. The machine runs all the same.
    ///
    /// # Safety
    /// The bytes come from [`Vm::save_cache`], or are such as nobody made to look so: they hold code that is executed. Damage is noticed,
    /// forgery is not.
    pub unsafe fn load_cache(&mut self, bytes: impl AsRef<[u8]> + Send + 'static) -> Result<(), CacheError> {
        let Some(engine) = &mut self.engine else { return Ok(()) };
        engine.load_cache(&mut self.machine, Box::new(bytes))
    }

    /// What later runs can start from; none if this one has nothing to add to what it started from, or if [`Options::cache`] did not
    /// ask for it.
    pub fn save_cache(&mut self) -> Option<Vec<u8>> {
        self.engine.as_mut()?.save_cache(&mut self.machine)
    }

    /// Whether hot code is compiled.
    pub fn has_jit(&self) -> bool {
        self.engine.is_some()
    }

    /// Counters up to now.
    pub fn stats(&self) -> Stats {
        let mut stats = self.engine.as_ref().map_or_else(Stats::default, |engine| engine.stats());
        stats.gave_up = stats.gave_up.or_else(|| self.unavailable.clone());
        stats.instructions = self.machine.executed();
        // What compiled code has executed is known if everything is.
        let compiled = stats.instructions_compiled.unwrap_or_default();
        stats.instructions_compiled = stats.instructions.map(|_| compiled);
        let in_blocks = stats.instructions_baseline.unwrap_or_default();
        stats.instructions_baseline = stats.instructions.map(|_| in_blocks);
        stats.tables_bytes = self.machine.state().tables_bytes();
        stats.volatile_words = self.machine.state().watch().volatile_words() as u64;
        stats
    }

    /// From now on somebody is told of each piece of code that is made, before it is executed.
    pub fn observe_code(&mut self, observer: CodeObserver) {
        if let Some(engine) = &mut self.engine {
            engine.observer = Some(observer);
        }
    }

    /// Where compiled code stands in memory that may be executed now, for tools that look at the process from outside.
    pub fn code_places(&self) -> Vec<CodePlace> {
        self.engine.as_ref().map_or_else(Vec::new, |engine| engine.code_places())
    }

    /// What has code that was made from the word at `pc`, and that may be executed now.
    pub fn tier_at(&self, pc: u32) -> Option<Tier> {
        self.engine.as_ref()?.tier_at(pc)
    }

    /// What became of the program's code up to now; nothing unless [`Options::keep_listings`] asked for it, or if there is none.
    pub fn explanation(&self) -> Explanation {
        let explain = |engine: &Engine| engine.explain(self.machine.state());
        self.engine.as_deref().map_or_else(Explanation::default, explain)
    }

    /// The units published up to now, whether they still live or not, as text; nothing unless
    /// [`Options::keep_listings`] asked for it.
    pub fn listings(&self) -> &[Listing] {
        self.engine.as_ref().map_or(&[], |engine| engine.listings())
    }
}
