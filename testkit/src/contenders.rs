//! The engines of rum as contenders.

use crate::matrix::{Contender, Run};
use crate::oracle::DEFAULT_MAX_WORDS;
use crate::outcome::{Case, FaultKind, Memory, Outcome, Stop, memory_digest};
use crate::rng::Rng;
use rum_interp::memory::AddressSpace;
use rum_interp::{Console, FaultKind as RumKind, Ids, Machine, MachineOptions, PollHandle, Stop as RumStop};
use rum_jit::{Listing, Options, Stats, Vm};
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Options for machines of the test kit: a small range of addresses, which is quick to set up, or the default one.
pub fn machine_options(small_space: bool, ids: Ids) -> MachineOptions {
    let address_space = if small_space { AddressSpace::Granules(1 << 24) } else { AddressSpace::Auto };
    MachineOptions { memory_bytes_max: 2 * DEFAULT_MAX_WORDS * 4, address_space, ids, ..MachineOptions::default() }
}

/// The options of the machine for a case: how many segments are numbered is different from case to case, because most programs of
/// the kit have few.
pub(crate) fn options_for(case: &Case, options: &MachineOptions) -> MachineOptions {
    let chosen = [options.named_allocs, 1, 3, 8, 20, 60][case.program.len() % 6];
    MachineOptions { named_allocs: chosen.min(options.named_allocs), ..options.clone() }
}

/// What a program has written to a [`Tape`].
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// The bytes so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A console in memory whose output can be looked at while the machine owns it.
#[derive(Debug)]
pub struct Tape {
    input: VecDeque<u8>,
    written: Written,
    interrupts: Interrupts,
    rng: Rng,
}

/// The way from a [`Tape`] to its machine's poll word; leads nowhere until it is set.
type Interrupts = Arc<OnceLock<PollHandle>>;

impl Tape {
    /// A console that reads `input`, and what will be written to it.
    pub fn new(input: &[u8]) -> (Tape, Written) {
        let written = Written::default();
        let input: VecDeque<u8> = input.iter().copied().collect();
        let rng = Rng::new(input.len() as u64);
        (Tape { input, written: written.clone(), interrupts: Interrupts::default(), rng }, written)
    }

    /// Asks for control back, at every other read: the machine is in the middle of something then.
    fn interrupt(&mut self) {
        if let Some(handle) = self.interrupts.get()
            && self.rng.percent(50)
        {
            handle.interrupt();
        }
    }
}

impl Console for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(())
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        self.interrupt();
        Ok(self.input.pop_front())
    }

    /// Sometimes nothing, sometimes a few bytes: every way to come to a byte is taken.
    fn read_ahead(&mut self, buffer: &mut [u8]) -> usize {
        let count = (self.rng.logarithmic(1, 8) as usize - 1).min(self.input.len()).min(buffer.len());
        for (to, byte) in buffer.iter_mut().zip(self.input.drain(..count)) {
            *to = byte;
        }
        count
    }
}

/// The interpreter's way through a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// In one go.
    Whole,
    /// One instruction after the other.
    Step,
    /// In pieces of random length.
    Pieces,
}

/// The interpreter as a contender.
pub struct InterpContender {
    pace: Pace,
    options: MachineOptions,
}

impl InterpContender {
    /// The interpreter, going at `pace` on machines with `options`.
    pub fn new(pace: Pace, options: MachineOptions) -> InterpContender {
        InterpContender { pace, options }
    }
}

impl Contender for InterpContender {
    fn name(&self) -> String {
        match self.pace {
            Pace::Whole => "interp".into(),
            Pace::Step => "interp, step by step".into(),
            Pace::Pieces => "interp, in pieces".into(),
        }
    }

    fn run(&mut self, case: &Case, detail: bool) -> Run {
        let (mut machine, output, _) = machine_for(case, &self.options);
        let stop = go(&mut machine, self.pace, case);
        machine.flush().expect("a console in memory takes everything");
        let mut run = Run::new(outcome_of(&machine, stop, &output));
        run.memory = detail.then(|| memory_of(&machine));
        run
    }
}

fn machine_for(case: &Case, options: &MachineOptions) -> (Machine, Written, Interrupts) {
    let (console, output) = Tape::new(&case.input);
    let interrupts = Arc::clone(&console.interrupts);
    match Machine::new(&case.program, Box::new(console), &options_for(case, options)) {
        Ok(machine) => (machine, output, interrupts),
        Err(error) => panic!("no machine for the case: {error}"),
    }
}

fn go(machine: &mut Machine, pace: Pace, case: &Case) -> RumStop {
    let mut rng = Rng::new(case.budget ^ case.program.len() as u64);
    loop {
        let left = case.budget - executed(machine);
        let stop = match pace {
            Pace::Whole => return machine.run(Some(left)),
            Pace::Step if left == 0 => return RumStop::Budget,
            Pace::Step => match machine.step() {
                Ok(()) => continue,
                Err(stop) => return stop,
            },
            Pace::Pieces => machine.run(Some(left.min(u64::from(rng.logarithmic(1, 3000))))),
        };
        if !matches!(stop, RumStop::Budget) || executed(machine) >= case.budget {
            return stop;
        }
    }
}

/// How a virtual machine with compiled code is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// In one go.
    Whole,
    /// In pieces of random length.
    Pieces,
    /// In pieces of random length, every other one by the interpreter alone.
    Switching,
    /// In one go, but the console asks for control back whenever it is read.
    Interrupted,
    /// In one go with code that does not count, as it is compiled where nobody asks for counts. How much was executed is
    /// the interpreter's word then; so is everything about programs that their budget ends.
    Uncounted,
    /// In pieces of random length, with a wait for the compile thread after every other one: its code is published when
    /// the program has gone on since it was asked for.
    Waiting,
}

/// Interpreter and compiled code together as a contender.
pub struct JitContender {
    name: String,
    drive: Drive,
    jit: Options,
    machine: MachineOptions,
}

impl JitContender {
    /// An engine with `jit` options, which counts unless `drive` says otherwise, on machines with `machine` options.
    pub fn new(name: &str, drive: Drive, jit: Options, machine: MachineOptions) -> JitContender {
        JitContender { name: name.into(), drive, jit: Options { count: drive != Drive::Uncounted, ..jit }, machine }
    }

    /// Whether each run of a case is like the last: no code is made on another thread.
    pub fn is_repeatable(&self) -> bool {
        self.jit.compile_threads == 0
    }

    /// What a run of the case leaves for later ones.
    fn earlier_run(&self, case: &Case) -> Option<Vec<u8>> {
        let (machine, ..) = machine_for(case, &self.machine);
        let mut vm = Vm::new(machine, &self.jit).expect("an engine for the case");
        match self.drive {
            Drive::Uncounted => run_watched(&mut vm),
            _ => drive(&mut vm, Drive::Whole, case),
        };
        vm.save_cache()
    }
}

impl Contender for JitContender {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn run(&mut self, case: &Case, detail: bool) -> Run {
        let interpreted = (self.drive == Drive::Uncounted)
            .then(|| InterpContender::new(Pace::Whole, self.machine.clone()).run(case, detail));
        if let Some(run) = interpreted.as_ref().filter(|run| run.outcome.stop == Stop::OutOfBudget) {
            return run.clone();
        }
        let (machine, output, interrupts) = machine_for(case, &self.machine);
        if self.drive == Drive::Interrupted {
            // Nobody has set it before.
            let _ = interrupts.set(machine.poll_handle());
        }
        let options = Options { keep_listings: detail, ..self.jit.clone() };
        let mut vm = match Vm::new(machine, &options) {
            Ok(vm) => vm,
            Err(error) => panic!("no engine for the case: {error}"),
        };
        if let Some(kept) = self.jit.cache.then(|| self.earlier_run(case)).flatten() {
            // SAFETY: the bytes come from there.
            unsafe { vm.load_cache(kept) }.expect("what an earlier run has left");
        }
        let stop = match self.drive {
            Drive::Uncounted => run_watched(&mut vm),
            _ => drive(&mut vm, self.drive, case),
        };
        assert_sound(&vm.stats(), &options);
        let counters = flatten(&vm.stats());
        assert_settled(&counters, case.program.len());
        let mut run = Run::new(outcome_of(vm.machine(), stop, &output));
        run.counters = counters;
        if let Some(interpreted) = interpreted {
            run.outcome.executed = interpreted.outcome.executed;
        }
        run.memory = detail.then(|| memory_of(vm.machine()));
        run.listings = listings_of(&vm);
        run
    }
}

fn drive(vm: &mut Vm, drive: Drive, case: &Case) -> RumStop {
    let mut rng = Rng::new(case.budget ^ case.program.len() as u64);
    let mut interpret = false;
    loop {
        let left = case.budget - executed(vm.machine());
        let piece = match drive {
            Drive::Whole | Drive::Interrupted | Drive::Uncounted => left,
            Drive::Pieces | Drive::Switching | Drive::Waiting => left.min(u64::from(rng.logarithmic(1, 3000))),
        };
        let stop = if interpret { vm.interpret(Some(piece)) } else { vm.run(Some(piece)) };
        interpret = drive == Drive::Switching && !interpret;
        if drive == Drive::Waiting && rng.percent(50) {
            wait_for_code(vm);
        }
        match stop {
            RumStop::Interrupted if drive == Drive::Interrupted => {}
            RumStop::Budget if executed(vm.machine()) < case.budget => {}
            stop => return stop,
        }
    }
}

/// No code is missing because the compiler has a defect: that costs time only, and would pass otherwise.
///
/// # Panics
/// Some is, and that was not asked for.
fn assert_sound(stats: &Stats, options: &Options) {
    let defects = stats.compiler_failures.get("defect").copied().unwrap_or(0);
    assert!(defects == 0 || options.compiler_panics_every.is_some(), "the compiler has failed {defects} times");
}

/// Nothing is compiled again and again: what programs like these publish beyond their first few units, apart from what a
/// load-program or a full budget made void, follows their size. Measured: at most 23 units for 370 words.
///
/// # Panics
/// More was published, several times over.
fn assert_settled(counters: &BTreeMap<String, u64>, words: usize) {
    let count = |name: &str| counters.get(name).copied().unwrap_or(0);
    let void = count("killed by replaced") + count("killed by budget");
    let most = 100 + words as u64 / 2 + 2 * void;
    let published = count("regions published");
    assert!(published <= most, "{published} units published, at most {most} expected: {counters:?}");
}

/// Time after which a program that the interpreter has brought to its end is taken to run for ever.
const FOR_EVER: Duration = Duration::from_secs(20);

/// Runs to the end without a budget; gives control back if the program does not come to its end.
fn run_watched(vm: &mut Vm) -> RumStop {
    let handle = vm.machine().poll_handle();
    std::thread::scope(|scope| {
        let (done, ended) = channel::<()>();
        scope.spawn(move || {
            if ended.recv_timeout(FOR_EVER) == Err(RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let stop = vm.run(None);
        drop(done);
        stop
    })
}

/// The longest wait for the compile thread: what it has may have been dropped meanwhile.
const WAIT_MAX: Duration = Duration::from_millis(3);

/// Waits until the compile thread has done something, if it has anything to do.
fn wait_for_code(vm: &Vm) {
    let stats = vm.stats();
    let start = Instant::now();
    while stats.regions_requested > stats.regions_published + stats.regions_dropped + stats.regions_rejected
        && !vm.machine().state().poll().is_raised()
        && start.elapsed() < WAIT_MAX
    {
        std::thread::yield_now();
    }
}

/// Units that a report shows: the last ones published.
const UNITS_SHOWN_MAX: usize = 12;

/// CLIF and host code of the units, if the engine has kept them.
fn listings_of(vm: &Vm) -> Vec<(String, String)> {
    let units = vm.listings();
    let shown = &units[units.len().saturating_sub(UNITS_SHOWN_MAX)..];
    let texts = |unit: &Listing| {
        let title = |what: &str| format!("{what} of unit {} at {}, {} units in all", unit.unit, unit.root, units.len());
        [(title("CLIF"), unit.clif.clone()), (title("host code"), unit.code.clone())]
    };
    shown.iter().flat_map(texts).collect()
}

/// The numbers of a report as counters: those in groups get the group's name in front. Times are left out, because they
/// are never the same twice.
fn flatten(stats: &Stats) -> BTreeMap<String, u64> {
    let plain = [
        ("instructions", stats.instructions.unwrap_or_default()),
        ("instructions compiled", stats.instructions_compiled.unwrap_or_default()),
        ("regions published", stats.regions_published),
        ("regions dropped", stats.regions_dropped),
        ("regions rejected", stats.regions_rejected),
        ("units restored", stats.units_restored),
        ("blocks restored", stats.baseline_blocks_restored),
        ("clif instructions", stats.clif_instructions),
        ("code bytes", stats.code_bytes),
        ("enters", stats.enters),
        ("host steps", stats.host_steps),
        ("generations after the first", stats.generations.saturating_sub(1)),
        ("volatile words", stats.volatile_words),
        ("entries given up", stats.entries_given_up),
    ];
    let groups = [("exit", &stats.exits), ("killed by", &stats.invalidations), ("gain of", &stats.optimisations)];
    let grouped = groups
        .into_iter()
        .flat_map(|(group, counts)| counts.iter().map(move |(name, &count)| (format!("{group} {name}"), count)));
    plain.into_iter().map(|(name, count)| (name.to_string(), count)).chain(grouped).collect()
}

/// Instructions executed by a machine whose engine counts; 0 if it does not.
fn executed(machine: &Machine) -> u64 {
    machine.executed().unwrap_or_default()
}

/// What a machine that stopped has to show, in the kit's words. Its output was written.
pub fn outcome_of(machine: &Machine, stop: RumStop, output: &Written) -> Outcome {
    // The machine's pc stays at a halt; the specification advances it first.
    let after_halt = u32::from(matches!(stop, RumStop::Halt));
    let zero = machine.segment(0).map(|words| (0, words));
    let others = machine.active_segments().filter_map(|(id, _)| machine.segment(id).map(|words| (id, words)));
    Outcome {
        stop: translate_stop(stop, machine),
        registers: machine.registers(),
        pc: machine.pc() + after_halt,
        executed: executed(machine),
        output: output.bytes(),
        memory_digest: memory_digest(zero.into_iter().chain(others)),
    }
}

fn memory_of(machine: &Machine) -> Memory {
    let ids = machine.active_segments().map(|(id, _)| id).chain([0]);
    ids.filter_map(|id| machine.segment(id).map(|words| (id, words.to_vec()))).collect()
}

/// A stop of rum in the kit's words.
///
/// # Panics
/// If the fault does not tell the machine's own pc, registers and word, or the machine stopped for a reason that no
/// case has. The campaign reports a panic as a divergence.
pub fn translate_stop(stop: RumStop, machine: &Machine) -> Stop {
    match stop {
        RumStop::Halt => Stop::Halt,
        RumStop::Budget => Stop::OutOfBudget,
        RumStop::OutOfMemory(_) => Stop::OutOfMemory,
        RumStop::Fault(fault) => {
            assert_eq!(fault.pc, machine.pc(), "the fault's pc is the machine's");
            assert_eq!(fault.registers, machine.registers(), "the fault's registers are the machine's");
            let word = machine.segment(0).and_then(|words| words.get(fault.pc as usize).copied());
            assert_eq!(fault.word, word, "the fault's word is the one at its pc");
            Stop::Fault { kind: translate_fault(fault.kind), pc: fault.pc }
        }
        other => panic!("a case never stops like this: {other:?}"),
    }
}

fn translate_fault(kind: RumKind) -> FaultKind {
    match kind {
        RumKind::InvalidInstruction { word } => FaultKind::InvalidInstruction { word },
        RumKind::PcOutside { capacity } => FaultKind::PcOutside { capacity },
        RumKind::IndexInactive { id, .. } => FaultKind::IndexInactive { id },
        RumKind::IndexOutside { id, offset, capacity } => FaultKind::IndexOutside { id, offset, capacity },
        RumKind::AmendInactive { id, .. } => FaultKind::AmendInactive { id },
        RumKind::AmendOutside { id, offset, capacity } => FaultKind::AmendOutside { id, offset, capacity },
        RumKind::AbandonProgram => FaultKind::AbandonProgram,
        RumKind::AbandonInactive { id, .. } => FaultKind::AbandonInactive { id },
        RumKind::DivisionByZero { dividend } => FaultKind::DivisionByZero { dividend },
        RumKind::LoadInactive { id, .. } => FaultKind::LoadInactive { id },
        RumKind::OutputTooLarge { value } => FaultKind::OutputTooLarge { value },
    }
}
