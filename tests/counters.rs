//! What the counters show: one patched word kills the units that depend on it and no other, every optimisation does
//! something unless it is switched off, and hot programs run in compiled code.

use crate::support::{arg, counter, image, root, rum, shared, status, stderr};
use rum::{Console, Ids, Machine, MachineOptions, Optimisation, Options, Stats, Stop, Vm, Word};
use rum_testkit::builder::{Builder, Label, R0, R1, R2, R3, R4, R5, R6, R7};
use rum_testkit::contenders::{Drive, JitContender, machine_options};
use rum_testkit::matrix::{Contender, Run};
use rum_testkit::outcome::Case;
use rum_testkit::shapes::hostile;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Independent loops in the program that is patched.
const LOOPS: u32 = 4;
/// Rounds of each: enough to be compiled, and to run in compiled code afterwards.
const ROUNDS: u32 = 3000;
/// Executions after which a block is compiled.
const THRESHOLD: u32 = 100;

/// A console without input at first: reading gives control back. Each byte let in ends one such pause.
#[derive(Clone, Default)]
struct Pauses(Arc<AtomicU32>);

impl Console for Pauses {
    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
            Ok(_) => Ok(Some(0)),
            Err(_) => Err(io::ErrorKind::Interrupted.into()),
        }
    }
}

/// What is stored to between the two rounds over the loops.
#[derive(Clone, Copy, Debug)]
enum Patched {
    /// The literal that the loop of this number adds.
    LoopLiteral(u32),
    /// The first word of the function that two loops call.
    Function,
    /// The word before a loop, which is executed once in a round.
    BeforeLoop(u32),
    /// A word that is never executed.
    Data,
}

/// A program of [`LOOPS`] loops, one behind the other. The first and the third call the same function. After all of them
/// it pauses, stores one word, pauses again, and goes over the loops once more. r2 is what they have added up.
fn loops_around_a_patch(patched: Patched) -> Vec<Word> {
    let mut b = Builder::new();
    let [function, data, again, end] = std::array::from_fn(|_| b.label());
    b.literal(R7, 0);
    b.not(R7, R7);
    // Not 0 until the word is stored: what is 0 when a loop is compiled is taken to stay so.
    b.literal(R0, 1);
    b.bind(again);
    let mut places: Vec<[Label; 2]> = Vec::new();
    for number in 0..LOOPS {
        let before = b.label_here();
        b.literal(R4, ROUNDS);
        let head = b.label_here();
        places.push([before, head]);
        b.literal(R1, number + 1);
        b.add(R2, R2, R1);
        if number % 2 == 0 {
            b.call(function, R5, R3, R6);
        }
        b.add(R4, R4, R7);
        let next = b.label();
        b.branch(R4, head, next, [R3, R5], R6);
        b.bind(next);
    }
    let first = b.label();
    b.branch(R0, first, end, [R3, R5], R6);
    b.bind(first);
    b.input(R1);
    let (place, word) = match patched {
        Patched::LoopLiteral(number) => (places[number as usize][1], literal_word(100)),
        Patched::Function => (function, literal_word(1000)),
        Patched::BeforeLoop(number) => (places[number as usize][0], literal_r4(ROUNDS)),
        Patched::Data => (data, literal_word(5)),
    };
    b.constant(R3, word, R5);
    b.literal_label(R5, place, 0);
    b.amend(R6, R5, R3);
    b.input(R1);
    b.literal(R0, 0);
    b.goto(again, R3, R6);
    b.bind(function);
    b.literal(R1, 7);
    b.add(R2, R2, R1);
    b.load_program(R6, R5);
    b.bind(data);
    b.data(0);
    b.bind(end);
    b.halt();
    b.build()
}

fn literal_word(value: u32) -> Word {
    rum::isa::Instruction::Literal { a: R1, value }.encode()
}

fn literal_r4(value: u32) -> Word {
    rum::isa::Instruction::Literal { a: R4, value }.encode()
}

/// What the loops add up to with the original words, or with one patched.
fn sum(patched: Option<Patched>) -> u32 {
    (0..LOOPS)
        .map(|number| {
            let own =
                if matches!(patched, Some(Patched::LoopLiteral(which)) if which == number) { 100 } else { number + 1 };
            let called = if matches!(patched, Some(Patched::Function)) { 1000 } else { 7 };
            ROUNDS * (own + if number % 2 == 0 { called } else { 0 })
        })
        .sum()
}

/// The counters before the word is stored, right behind it, and at the end.
fn stats_around(patched: Patched) -> [Stats; 3] {
    let pauses = Pauses::default();
    let program = loops_around_a_patch(patched);
    let machine = Machine::new(&program, Box::new(pauses.clone()), &MachineOptions::default()).expect("a machine");
    let options = Options { hot_threshold: THRESHOLD, compile_threads: 0, count: true, ..Options::default() };
    let mut vm = Vm::new(machine, &options).expect("an engine");
    assert!(vm.has_jit(), "nothing here without compiled code");
    let mut paused = || {
        assert!(matches!(vm.run(None), Stop::Interrupted), "the console has nothing yet");
        pauses.0.store(1, Ordering::Relaxed);
        // Whatever the store has left to do is done when the engine looks again.
        assert!(matches!(vm.run(Some(0)), Stop::Budget));
        vm.stats()
    };
    let (before, behind) = (paused(), paused());
    assert!(matches!(vm.run(None), Stop::Halt));
    assert_eq!(vm.machine().registers()[2], sum(None) + sum(Some(patched)), "the result is right: {patched:?}");
    [before, behind, vm.stats()]
}

fn killed(stats: &Stats) -> u64 {
    stats.invalidations.values().sum()
}

#[test]
fn a_patched_word_kills_the_units_that_depend_on_it_and_no_other() {
    for number in 0..LOOPS {
        let [before, behind, end] = stats_around(Patched::LoopLiteral(number));
        assert!(before.units_live >= LOOPS.into(), "each loop is compiled: {before:?}");
        assert_eq!(killed(&before), 0, "{before:?}");
        assert_eq!((behind.invalidations["stored"], killed(&behind)), (1, 1), "loop {number}: {behind:?}");
        assert_eq!(behind.units_live, before.units_live - 1, "the others live on: {behind:?}");
        // Of all that ran before only the patched loop has to be compiled again (and may take in a neighbour then).
        assert_eq!(end.regions_published, before.regions_published + 1, "loop {number}: {end:?}");
        assert_eq!(end.invalidations["stored"], 1, "loop {number}: {end:?}");
    }
}

#[test]
fn a_word_of_two_units_kills_both() {
    let [before, behind, end] = stats_around(Patched::Function);
    let gone = before.units_live - behind.units_live;
    assert_eq!(gone, 2, "the loops that call the function are made from it: {before:?} {behind:?}");
    assert_eq!((behind.invalidations["stored"], killed(&behind)), (gone, gone), "{behind:?}");
    assert!((1..=gone).contains(&(end.regions_published - before.regions_published)), "{end:?}");
}

#[test]
fn a_word_that_no_unit_depends_on_kills_none() {
    for patched in [Patched::Data, Patched::BeforeLoop(0), Patched::BeforeLoop(3)] {
        let [before, behind, end] = stats_around(patched);
        assert_eq!((killed(&behind), behind.units_live), (0, before.units_live), "{patched:?}: {behind:?}");
        assert_eq!((killed(&end), end.regions_published), (0, before.regions_published), "{patched:?}: {end:?}");
    }
}

/// A loop in which every optimisation finds something to do, and a second one that the first leads to.
fn something_for_everyone() -> Vec<Word> {
    let mut b = Builder::new();
    let [slot, function] = std::array::from_fn(|_| b.label());
    b.literal(R4, ROUNDS);
    let head = b.label_here();
    // A new segment, whose words and length are known.
    b.literal(R1, 3);
    b.alloc(R3, R1);
    b.literal(R1, 2);
    b.index(R5, R3, R1);
    b.amend(R3, R1, R4);
    b.index(R0, R3, R1);
    b.abandon(R3);
    // A word of the program that was just read and written.
    b.literal_label(R1, slot, 0);
    b.index(R3, R6, R1);
    b.add(R3, R3, R0);
    b.amend(R6, R1, R3);
    b.index(R3, R6, R1);
    // The same sum twice, a difference, and a conjunction.
    b.add(R5, R3, R4);
    b.add(R7, R3, R4);
    b.sub(R2, R7, R4, R1);
    b.and(R7, R2, R5);
    b.not(R7, R7);
    b.not(R7, R7);
    b.literal(R1, 0);
    b.not(R1, R1);
    b.add(R4, R4, R1);
    // Called from two places, a function returns by a computed jump, which was seen to go to both.
    b.call(function, R5, R3, R6);
    b.call(function, R5, R3, R6);
    let next = b.label();
    b.branch(R4, head, next, [R1, R3], R6);
    b.bind(next);
    b.literal(R4, ROUNDS);
    let second = b.label_here();
    b.add(R2, R2, R4);
    b.literal(R1, 0);
    b.not(R1, R1);
    b.add(R4, R4, R1);
    let end = b.label();
    b.branch(R4, second, end, [R1, R3], R6);
    b.bind(end);
    b.halt();
    b.bind(function);
    b.add(R2, R2, R4);
    b.load_program(R6, R5);
    b.bind(slot);
    b.data(0);
    b.build()
}

fn run_without(disabled: &[Optimisation]) -> Run {
    let options = Options { hot_threshold: THRESHOLD, disabled: disabled.to_vec(), ..JitContender::eager() };
    let case = Case { program: something_for_everyone(), input: vec![], budget: u64::MAX };
    let run = JitContender::new("jit", Drive::Whole, options, machine_options(true, Ids::default())).run(&case, false);
    assert!(run.counters["instructions compiled"] > run.counters["instructions"] / 2, "{:?}", run.counters);
    run
}

#[test]
fn every_optimisation_does_something_unless_it_is_switched_off() {
    let all = run_without(&[]);
    // The baseline tier is for one processor and system.
    let is_there = |optimisation: &Optimisation| {
        *optimisation != Optimisation::Baseline || cfg!(all(target_arch = "x86_64", target_os = "linux"))
    };
    for optimisation in Optimisation::ALL.into_iter().filter(is_there) {
        let counter = format!("gain of {}", optimisation.name());
        assert!(all.counters[&counter] > 0, "{} finds nothing to do: {:?}", optimisation.name(), all.counters);
        let without = run_without(&[optimisation]);
        assert_eq!(without.counters[&counter], 0, "{} is off", optimisation.name());
        assert_eq!(without.outcome, all.outcome, "without {}", optimisation.name());
    }
    let none = run_without(&Optimisation::ALL);
    assert_eq!(none.outcome, all.outcome);
    assert!(
        none.counters.iter().all(|(name, &count)| count == 0 || !name.starts_with("gain of")),
        "{:?}",
        none.counters
    );
}

/// Three loops in a circle, each of which is hot long before the first turn ends; later they have two rounds in a turn.
fn loops_that_take_turns(turns: u32) -> Vec<Word> {
    let mut b = Builder::new();
    let [first, end] = std::array::from_fn(|_| b.label());
    b.literal(R7, 0);
    b.not(R7, R7);
    b.literal(R2, turns);
    b.literal(R1, 10 * THRESHOLD);
    b.add(R4, R1, R6);
    b.bind(first);
    for number in 0..3 {
        let head = if number == 0 { first } else { b.label_here() };
        let next = b.label();
        b.add(R4, R4, R7);
        b.branch(R4, head, next, [R3, R5], R6);
        b.bind(next);
        if number == 2 {
            b.literal(R1, 2);
        }
        b.add(R4, R1, R6);
    }
    b.add(R2, R2, R7);
    b.branch(R2, first, end, [R3, R5], R6);
    b.bind(end);
    b.halt();
    b.build()
}

/// None of them leads back to the one before it but by way of the others.
#[test]
fn loops_that_take_turns_become_one_unit() {
    let options = Options { hot_threshold: THRESHOLD, ..JitContender::eager() };
    let case = Case { program: loops_that_take_turns(100 * THRESHOLD), input: vec![], budget: u64::MAX };
    let run = JitContender::new("jit", Drive::Whole, options, machine_options(true, Ids::default())).run(&case, false);
    assert!(run.counters["instructions compiled"] > run.counters["instructions"] / 2, "{:?}", run.counters);
    assert!(run.counters["regions published"] > 3, "each was hot before they took turns: {:?}", run.counters);
    assert!(run.counters["killed by improved"] > 0, "none was taken in by another: {:?}", run.counters);
}

/// Runs an image with its input, compiling at once, and demands that at least 99 of 100 instructions were compiled.
fn assert_mostly_compiled(image: &Path, input: &str) {
    let args = ["--engine", "jit", "--compile-threads", "0", "--stats=json", arg(image)];
    let run = rum(&args).write_stdin(input).output().expect("it starts");
    assert_eq!(status(&run), 0, "{}", stderr(&run));
    let (all, compiled) = (counter(&run, "instructions"), counter(&run, "instructions_compiled"));
    assert!(compiled <= all, "{compiled} of {all}");
    assert!(compiled as f64 >= 0.99 * all as f64, "only {compiled} of {all} in compiled code: {}", image.display());
}

#[test]
fn a_hot_program_runs_in_compiled_code() {
    assert_mostly_compiled(&root().join("umbin/sieve.um"), "");
}

#[test]
fn sandmark_runs_in_compiled_code() {
    let Some(folder) = shared("counters: sandmark_runs_in_compiled_code") else { return };
    assert_mostly_compiled(&folder.join("umbin/sandmark.umz"), "");
}

/// Blocks alone execute nearly everything, on the processor and system that has them.
#[test]
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
fn blocks_execute_what_is_warm() {
    let case = Case { program: something_for_everyone(), input: vec![], budget: u64::MAX };
    let run = |disabled: &[Optimisation]| {
        let options = Options { disabled: disabled.to_vec(), ..JitContender::blocks() };
        JitContender::new("blocks", Drive::Whole, options, machine_options(true, Ids::default())).run(&case, false)
    };
    let blocks = run(&[]);
    let count = |name: &str| blocks.counters[name];
    assert!(count("gain of baseline") > 0 && count("regions published") == 0, "{:?}", blocks.counters);
    assert!(count("instructions compiled") > count("instructions") / 10 * 9, "{:?}", blocks.counters);
    let without = run(&[Optimisation::Baseline]);
    assert_eq!((without.counters["gain of baseline"], without.counters["instructions compiled"]), (0, 0));
    assert_eq!(without.outcome, blocks.outcome);
}

/// A procedure of three blocks that is called from six places, and whose last block is called by itself before, `alone` times. Gives
/// the program and where the procedure begins.
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
fn a_procedure_with_a_popular_end(alone: u32) -> (Vec<Word>, u32) {
    let mut b = Builder::new();
    let [start, middle, last] = std::array::from_fn(|_| b.label());
    let [both, end] = std::array::from_fn(|_| b.label());
    b.literal(R7, 0);
    b.not(R7, R7);
    b.literal(R1, alone);
    let first = b.label_here();
    b.call(last, R2, R3, R0);
    b.add(R1, R1, R7);
    b.branch(R1, first, both, [R3, R5], R0);
    b.bind(both);
    b.literal(R1, THRESHOLD / 2);
    let second = b.label_here();
    for _ in 0..6 {
        b.call(start, R2, R3, R0);
    }
    b.add(R1, R1, R7);
    b.branch(R1, second, end, [R3, R5], R0);
    b.bind(end);
    b.halt();
    for (here, next) in [(start, Some(middle)), (middle, Some(last)), (last, None)] {
        b.bind(here);
        b.add(R4, R4, R1);
        match next {
            Some(next) => b.goto(next, R3, R0),
            None => b.load_program(R0, R2),
        }
    }
    let begins = b.offset(start).expect("it is bound");
    (b.build(), begins)
}

/// The end becomes hot first, and what leads to it is compiled with it, not each for itself.
#[test]
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
fn what_is_hot_is_compiled_from_its_head_on() {
    let (program, begins) = a_procedure_with_a_popular_end(THRESHOLD / 5);
    let machine = Machine::new(&program, Box::new(Pauses::default()), &MachineOptions::default()).expect("room");
    let options =
        Options { hot_threshold: THRESHOLD, baseline_threshold: 5, keep_listings: true, ..JitContender::eager() };
    let mut vm = Vm::new(machine, &options).expect("compiled code");
    assert!(matches!(vm.run(None), Stop::Halt));
    let roots: Vec<u32> = vm.listings().iter().map(|unit| unit.root).collect();
    assert_eq!(roots, [begins]);
}

/// Bytes that are there are read by compiled code; the host is asked for pieces.
#[test]
fn input_is_read_in_compiled_code() {
    const BYTES: u64 = 200_000;
    let path = image(&hostile::sum_of_input());
    for options in [&["--no-baseline"][..], &["--hot-threshold", "1000000000"], &[]] {
        let args =
            [&["--engine", "jit", "--compile-threads", "0", "--stats=json"][..], options, &[arg(&path)]].concat();
        let run = rum(&args).write_stdin(vec![7; BYTES as usize]).output().expect("it starts");
        assert_eq!(status(&run), 0, "{}", stderr(&run));
        // Where there is no baseline tier, nothing is compiled at a threshold that high.
        let may_be_interpreted =
            options.len() == 2 && !cfg!(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"));
        let compiled = counter(&run, "instructions_compiled") > counter(&run, "instructions") / 10 * 9;
        assert!(compiled || may_be_interpreted, "{options:?}: {}", stderr(&run));
        assert!(counter(&run, "host_steps") < BYTES / 500, "{options:?}: {}", stderr(&run));
    }
}
