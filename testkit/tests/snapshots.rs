//! Snapshots, breakpoints and watched words: a run that was saved, resumed elsewhere, taken back or stopped comes to the same.

use rum_interp::{Console, Ids, Machine, MachineOptions, Scripted, Snapshot, SnapshotError, Stop, WatchedWord};
use rum_jit::{EngineKind, Options, Vm};
use rum_testkit::builder::{Builder, R0, R1, R2, R3, R4, R5, R6};
use rum_testkit::contenders::machine_options;
use rum_testkit::generate::{Profile, generate};
use rum_testkit::outcome::{Case, memory_digest};
use rum_testkit::programs::programs;
use rum_testkit::rng::Rng;
use rum_testkit::shapes::hostile::load_program_alternating;
use std::io;

/// Input that may be given ahead, and output collected.
#[derive(Default)]
struct Script {
    input: Vec<u8>,
    at: usize,
    ahead: bool,
    output: Vec<u8>,
}

impl Console for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    fn read(&mut self) -> io::Result<Option<u8>> {
        let byte = self.input.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }

    fn read_ahead(&mut self, buffer: &mut [u8]) -> usize {
        let rest = if self.ahead { &self.input[self.at..] } else { &[] };
        let count = rest.len().min(buffer.len()).min(5);
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        count
    }
}

/// Everything that can be seen of a machine.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    stop: String,
    registers: [u32; 8],
    pc: u32,
    executed: Option<u64>,
    loaded: u64,
    output: Vec<u8>,
    memory: u64,
    memory_bytes: u64,
}

fn seen(vm: &mut Vm, stop: &Stop, before: &[u8]) -> Seen {
    let output = vm.console_mut::<Script>().expect("a script").output.clone();
    let machine = vm.machine();
    let ids = machine.active_segments().map(|(id, _)| id).chain([0]);
    let segments = ids.map(|id| (id, machine.segment(id).expect("it is active")));
    Seen {
        stop: stop.to_string(),
        registers: machine.registers(),
        pc: machine.pc(),
        executed: machine.executed(),
        loaded: machine.programs_loaded(),
        output: [before, &output].concat(),
        memory: memory_digest(segments),
        memory_bytes: machine.memory_bytes(),
    }
}

fn eager() -> Options {
    Options { baseline_threshold: 2, hot_threshold: 6, compile_threads: 0, count: true, ..Options::default() }
}

/// Engines that differ in all that matters.
fn engines() -> [Options; 3] {
    [
        Options { engine: EngineKind::Interp, ..Options::default() },
        Options { hot_threshold: 1 << 30, ..eager() },
        Options { cache: true, ..eager() },
    ]
}

fn machine(case: &Case, how: &MachineOptions, ahead: bool) -> Machine {
    let script = Script { input: case.input.clone(), ahead, ..Script::default() };
    Machine::new(&case.program, Box::new(script), how).expect("room")
}

fn run(vm: &mut Vm, until: u64) -> Stop {
    let executed = vm.machine().executed().expect("it counts");
    vm.run(Some(until.saturating_sub(executed)))
}

fn saved(vm: &mut Vm) -> Vec<u8> {
    let mut bytes = Vec::new();
    vm.save(&mut bytes, b"a note").expect("it can be saved");
    bytes
}

/// Saves at some moments in one engine, goes on in another, and takes the first back to each. Gives how many moments that were.
fn assert_resumes(name: &str, case: &Case, rng: &mut Rng) -> usize {
    let how = machine_options(rng.percent(50), Ids::ALL[rng.below(3) as usize]);
    let engines = engines();
    let mut plain = Vm::new(machine(case, &how, false), &engines[0]).expect("an engine");
    let stop = run(&mut plain, case.budget);
    let expected = seen(&mut plain, &stop, &[]);
    let total = expected.executed.expect("it counts").min(case.budget);
    let first = &engines[rng.below(3) as usize];
    let mut vm = Vm::new(machine(case, &how, rng.percent(50)), first).expect("an engine");
    let mut moments: Vec<u64> = (0..3).map(|_| u64::from(rng.below(total as u32 + 1))).collect();
    moments.sort_unstable();
    let mut kept = Vec::new();
    for &moment in &moments {
        run(&mut vm, moment);
        let bytes = saved(&mut vm);
        let script = vm.console_mut::<Script>().expect("a script");
        let (at, output, ahead) = (script.at, script.output.clone(), script.ahead);
        let snapshot = Snapshot::open(&bytes[..]).expect("a snapshot");
        let about = snapshot.about();
        assert_eq!((about.note.as_slice(), about.output_bytes), (b"a note".as_slice(), output.len() as u64), "{name}");
        let script = Script { input: case.input.clone(), at, ahead, output: Vec::new() };
        let other = snapshot.into_machine(Box::new(script), &MachineOptions { memory_bytes_max: 5, ..how.clone() });
        let other = other.unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut other = Vm::new(other, &engines[rng.below(3) as usize]).expect("an engine");
        let stop = run(&mut other, case.budget);
        assert_eq!(seen(&mut other, &stop, &output), expected, "{name}, resumed at {moment} of {total}");
        kept.push((bytes, at, output));
    }
    for (bytes, at, output) in kept.iter().rev().chain(&kept) {
        vm.restore(&bytes[..]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let script = vm.console_mut::<Script>().expect("a script");
        (script.at, script.output) = (*at, output.clone());
        let stop = run(&mut vm, case.budget);
        assert_eq!(seen(&mut vm, &stop, &[]), expected, "{name}, taken back");
    }
    moments.len()
}

fn our_programs() -> impl Iterator<Item = (String, Case)> {
    programs().into_iter().map(|program| {
        let input = program.input.clone().map_or_else(|| b"40\n".to_vec(), String::into_bytes);
        let bytes = std::fs::read(program.image_path()).expect("an image");
        let words = rum_interp::decode_image(&bytes).expect("an image");
        (program.name, Case { program: words, input, budget: 3_000_000 })
    })
}

#[test]
fn resumed_runs_come_to_the_same() {
    let mut rng = Rng::new(20_261_201);
    let mut moments = 0;
    for seed in 52_000..52_320 {
        let generated = generate(seed, &Profile::default());
        let case = Case { budget: generated.case.budget.min(200_000), ..generated.case };
        moments += assert_resumes(&format!("seed {seed}"), &case, &mut rng);
    }
    for (name, case) in our_programs() {
        moments += assert_resumes(&name, &case, &mut rng);
    }
    assert!(moments >= 1000, "{moments}");
}

/// What was compiled is executed again after a machine was taken back.
#[test]
fn compiled_code_survives_going_back() {
    let (_, case) = our_programs().find(|(name, _)| name == "sieve").expect("it is there");
    let mut vm = Vm::new(machine(&case, &machine_options(false, Ids::Mixed), false), &eager()).expect("an engine");
    let start = saved(&mut vm);
    run(&mut vm, case.budget);
    let (units, compiled) = (vm.stats().regions_published, vm.stats().instructions_compiled.expect("it counts"));
    assert!(units > 0 && compiled > 100_000);
    vm.restore(&start[..]).expect("its own");
    run(&mut vm, case.budget);
    let more = vm.stats().instructions_compiled.expect("it counts") - compiled;
    assert_eq!(vm.stats().regions_published, units, "nothing was compiled again");
    assert!(more >= compiled, "{more} after {compiled}");
}

/// A program that was left by going to another moment, where another program was segment 0, is compiled still; but for where a
/// breakpoint was set meanwhile.
#[test]
fn compiled_code_waits_for_the_return_to_its_program() {
    let inner = load_program_alternating(900, 3_000, 2);
    let case = Case { program: loader(&inner), input: Vec::new(), budget: 10_000_000 };
    let options = Options { cache: true, watch: true, ..eager() };
    let mut vm = Vm::new(machine(&case, &machine_options(false, Ids::Mixed), false), &options).expect("an engine");
    run(&mut vm, 2_000);
    let words = |vm: &Vm| vm.machine().segment(0).expect("the program").len();
    assert_eq!(words(&vm), case.program.len());
    let early = saved(&mut vm);
    run(&mut vm, 60_000);
    assert_eq!(words(&vm), 900);
    let late = saved(&mut vm);
    run(&mut vm, 80_000);
    let (pc, made) = (vm.machine().pc(), vm.stats());
    assert!(made.units_live > 0 && made.baseline_blocks > 0);
    for round in 1..20 {
        vm.restore(&early[..]).expect("its own");
        run(&mut vm, 2_500);
        vm.restore(&late[..]).expect("its own");
        let before = vm.stats().instructions_compiled;
        run(&mut vm, 61_000);
        let more = vm.stats().instructions_compiled.expect("it counts") - before.expect("it counts");
        assert!(more > 900, "round {round}: {more} of 1,000");
    }
    let stats = vm.stats();
    assert_eq!(stats.regions_published, made.regions_published, "nothing was compiled again");
    assert!(stats.units_restored >= 19 && stats.baseline_blocks_restored >= 19, "{stats:?}");
    vm.restore(&early[..]).expect("its own");
    run(&mut vm, 2_500);
    vm.set_breakpoint(pc, true);
    vm.restore(&late[..]).expect("its own");
    assert!(matches!(run(&mut vm, 80_000), Stop::Breakpoint));
    assert_eq!(vm.machine().pc(), pc);
}

/// A program that loads another, which is part of it.
fn loader(inner: &[u32]) -> Vec<u32> {
    let mut b = Builder::new();
    let [data, copy, end] = std::array::from_fn(|_| b.label());
    b.literal(R2, inner.len() as u32);
    b.alloc(R1, R2);
    b.bind(copy);
    b.literal(R3, 0);
    b.not(R3, R3);
    b.add(R2, R2, R3);
    b.literal_label(R4, data, 0);
    b.add(R4, R4, R2);
    b.index(R4, R0, R4);
    b.amend(R1, R2, R4);
    b.branch(R2, copy, end, [R3, R5], R0);
    b.bind(end);
    b.add(R6, R0, R0);
    b.load_program(R1, R0);
    b.bind(data);
    inner.iter().for_each(|&word| b.data(word));
    b.build()
}

/// Every byte counts, and what was made for another machine is not taken.
#[test]
fn damage_is_noticed() {
    let (_, case) = our_programs().find(|(name, _)| name == "list").expect("it is there");
    let mut rng = Rng::new(7);
    for ids in Ids::ALL {
        let mut vm = Vm::new(machine(&case, &machine_options(true, ids), false), &eager()).expect("an engine");
        run(&mut vm, 20_000);
        let good = saved(&mut vm);
        let make = |bytes: &[u8]| {
            let snapshot = Snapshot::open(bytes)?;
            snapshot.into_machine(Box::new(Scripted::default()), &machine_options(true, ids)).map(drop)
        };
        assert!(make(&good).is_ok());
        for _ in 0..300 {
            let mut bad = good.clone();
            let at = rng.below(good.len() as u32) as usize;
            bad[at] ^= 1 << rng.below(8);
            assert!(make(&bad).is_err(), "byte {at} of {}", good.len());
            assert!(make(&good[..at]).is_err(), "{at} bytes of {}", good.len());
        }
        assert!(matches!(make(b"\xd2\0\0\x48\xa0\0\0\x01"), Err(SnapshotError::NotOne)));
        let other = machine_options(true, if ids == Ids::Mixed { Ids::Address } else { Ids::Mixed });
        let mut other = Vm::new(machine(&case, &other, false), &eager()).expect("an engine");
        assert!(matches!(other.restore(&good[..]), Err(SnapshotError::Other)));
    }
}

/// The counts at which a machine stops that has breakpoints and watches words, and what it is then.
fn stops(vm: &mut Vm, budget: u64, breakpoints: &[u32], words: &[WatchedWord]) -> Vec<(u64, bool)> {
    breakpoints.iter().for_each(|&pc| vm.set_breakpoint(pc, true));
    vm.watch_words(words);
    let mut stops = Vec::new();
    loop {
        let stop = run(vm, budget);
        let executed = vm.machine().executed().expect("it counts");
        match stop {
            Stop::Breakpoint => {
                stops.push((executed, true));
                vm.pass_breakpoint();
            }
            Stop::Watchpoint => stops.push((executed, false)),
            _ => return stops,
        }
    }
}

/// The same by looking at each instruction.
fn stops_by_step(case: &Case, how: &MachineOptions, breakpoints: &[u32], words: &[WatchedWord]) -> Vec<(u64, bool)> {
    use rum_interp::isa::Instruction;
    let mut machine = machine(case, how, false);
    let mut stops = Vec::new();
    for executed in 0..case.budget {
        if breakpoints.contains(&machine.pc()) {
            stops.push((executed, true));
        }
        let word = machine.segment(0).and_then(|program| program.get(machine.pc() as usize).copied());
        let (registers, loaded) = (machine.registers(), machine.programs_loaded());
        if machine.step().is_err() {
            break;
        }
        let get = |reg: rum_interp::isa::Reg| registers[reg.index()];
        let touched = |word: &WatchedWord, instruction| match instruction {
            Instruction::Amend { a, b, .. } => word.segment == get(a) && word.offset == get(b),
            Instruction::Abandon { c } => word.segment == get(c),
            Instruction::LoadProgram { .. } => word.segment == 0 && machine.programs_loaded() != loaded,
            _ => false,
        };
        if word.is_some_and(|word| words.iter().any(|watched| touched(watched, Instruction::decode(word)))) {
            stops.push((executed + 1, false));
        }
    }
    stops
}

#[test]
fn machines_stop_where_they_should() {
    let mut rng = Rng::new(42);
    let (mut broken, mut watched, mut compiled) = (0, 0, 0);
    let generated = (71_000..71_160).map(|seed| (format!("seed {seed}"), generate(seed, &Profile::default()).case));
    for (name, case) in generated.chain(our_programs()) {
        let case = Case { budget: case.budget.min(30_000), ..case };
        let how = machine_options(rng.percent(50), Ids::ALL[rng.below(3) as usize]);
        // Words that matter are found by looking at a run.
        let mut look = machine(&case, &how, false);
        let (mut pcs, mut words) = (Vec::new(), Vec::new());
        for _ in 0..case.budget {
            pcs.push(look.pc());
            let (word, registers) =
                (look.segment(0).and_then(|p| p.get(look.pc() as usize).copied()), look.registers());
            if let Some(rum_interp::isa::Instruction::Amend { a, b, .. }) =
                word.map(rum_interp::isa::Instruction::decode)
            {
                words.push(WatchedWord { segment: registers[a.index()], offset: registers[b.index()] });
            }
            if look.step().is_err() {
                break;
            }
        }
        let mut some = |n: usize, len: usize| (0..n).map(|_| rng.below(len as u32) as usize).collect::<Vec<_>>();
        let breakpoints: Vec<u32> = some(2, pcs.len()).into_iter().map(|i| pcs[i]).collect();
        let words: Vec<WatchedWord> =
            if words.is_empty() { Vec::new() } else { some(2, words.len()).into_iter().map(|i| words[i]).collect() };
        for (breakpoints, words) in
            [(&breakpoints[..], &[][..]), (&[][..], &words[..]), (&breakpoints[..1], &words[..])]
        {
            let expected = stops_by_step(&case, &how, breakpoints, words);
            broken += expected.iter().filter(|stop| stop.1).count();
            watched += expected.iter().filter(|stop| !stop.1).count();
            for options in engines() {
                let options = Options { watch: true, ..options };
                let mut vm = Vm::new(machine(&case, &how, false), &options).expect("an engine");
                // Code that was made before knows nothing of what comes.
                let start = saved(&mut vm);
                run(&mut vm, case.budget);
                vm.restore(&start[..]).expect("its own");
                vm.console_mut::<Script>().expect("a script").at = 0;
                let found = stops(&mut vm, case.budget, breakpoints, words);
                let differs = (0..found.len().max(expected.len())).find(|&i| found.get(i) != expected.get(i));
                assert!(
                    differs.is_none(),
                    "{name}: {breakpoints:?} {words:?} by {:?}: stop {differs:?} is {:?} instead of {:?}",
                    options.engine,
                    differs.map(|i| found.get(i)),
                    differs.map(|i| expected.get(i))
                );
                breakpoints.iter().for_each(|&pc| vm.set_breakpoint(pc, false));
                vm.restore(&start[..]).expect("its own");
                vm.console_mut::<Script>().expect("a script").at = 0;
                assert_eq!(stops(&mut vm, case.budget, &[], &[]), [], "{name}: all are gone");
                compiled += vm.stats().instructions_compiled.unwrap_or_default();
            }
        }
    }
    assert!(broken > 1000 && watched > 1000 && compiled > 1_000_000, "{broken} {watched} {compiled}");
}
