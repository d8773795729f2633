//! What a profile counts: the same in every engine, and what plain stepping counts, self-modifying programs included.

use rum_interp::isa::{Instruction, Reg};
use rum_interp::tally::Counted;
use rum_interp::{Ids, Machine, MachineOptions, Stop, decode_image};
use rum_jit::{EngineKind, Options, Vm};
use rum_testkit::contenders::{Tape, machine_options};
use rum_testkit::generate::{Profile, generate};
use rum_testkit::outcome::Case;
use rum_testkit::programs::programs;
use std::collections::BTreeMap;

/// How often each word was executed, by the number of its program and its offset.
type Words = BTreeMap<(u64, u32), u64>;

fn machine(case: &Case, tally: bool) -> Machine {
    let (tape, _) = Tape::new(&case.input);
    let options = MachineOptions { tally, ..machine_options(true, Ids::Mixed) };
    Machine::new(&case.program, Box::new(tape), &options).expect("room")
}

/// Counts by executing one instruction after the other.
fn stepped(case: &Case, budget: u64) -> Words {
    let mut machine = machine(case, false);
    let mut words = Words::new();
    for _ in 0..budget {
        let at = (machine.programs_loaded(), machine.pc());
        let stop = machine.step();
        if let Err(stop) = &stop
            && !matches!(stop, Stop::Halt)
        {
            break;
        }
        *words.entry(at).or_default() += 1;
        if stop.is_err() {
            break;
        }
    }
    words
}

fn counted(case: &Case, budget: u64, options: &Options) -> (Counted, u64) {
    let mut vm = Vm::new(machine(case, true), options).expect("an engine");
    let mut left = budget;
    loop {
        let before = vm.machine().executed().expect("it counts");
        if !matches!(vm.run(Some(left)), Stop::Interrupted) {
            break;
        }
        left -= vm.machine().executed().expect("it counts") - before;
    }
    let stats = vm.stats();
    let compiled = stats.instructions_compiled.unwrap_or_default();
    (vm.take_counted().expect("it counts"), compiled)
}

fn words(counted: &Counted) -> Words {
    let each = |block: &rum_interp::tally::Block| {
        let (site, count) = (block.site, block.count);
        (site.pc..site.pc + block.words).map(move |pc| ((site.program, pc), count))
    };
    counted.blocks.iter().flat_map(each).collect()
}

fn eager() -> Options {
    Options { baseline_threshold: 2, hot_threshold: 6, compile_threads: 0, ..Options::default() }
}

fn assert_alike(name: &str, case: &Case, budget: u64) -> u64 {
    let interpreted = Options { engine: EngineKind::Interp, ..Options::default() };
    let (plain, _) = counted(case, budget, &interpreted);
    let blocks_only = Options { hot_threshold: 1 << 30, ..eager() };
    let mut compiled = 0;
    for (engine, options) in [("units", eager()), ("blocks", blocks_only)] {
        let (other, by_code) = counted(case, budget, &options);
        assert_eq!(words(&plain), words(&other), "{name} in {engine}: words");
        assert_eq!(plain.allocations, other.allocations, "{name} in {engine}: allocations");
        assert_eq!(plain.procedures, other.procedures, "{name} in {engine}: procedures");
        assert_eq!(plain.stacks, other.stacks, "{name} in {engine}: stacks");
        compiled += by_code;
    }
    let own: u64 = plain.procedures.iter().map(|procedure| procedure.own).sum();
    let in_stacks: u64 = plain.stacks.iter().map(|stack| stack.instructions).sum();
    let in_words: u64 = words(&plain).values().sum();
    assert_eq!((own, in_stacks), (in_words, in_words), "{name}: every instruction belongs to a procedure");
    compiled
}

/// A word that is a jump every other time, so many times: rarely enough to be derived from each time, and so often that it is read each time.
#[test]
fn what_becomes_a_jump_and_back_is_counted() {
    let reg = Reg::from_bits;
    let [zero, rounds, at, word, parity, five, six, less] = [0, 1, 2, 3, 4, 5, 6, 7].map(reg);
    let lit = |a, value| Instruction::Literal { a, value }.encode();
    let goto = |c| Instruction::LoadProgram { b: zero, c }.encode();
    let add = |a, b, c| Instruction::Add { a, b, c }.encode();
    let nand = |a, b, c| Instruction::Nand { a, b, c }.encode();
    for (count, gap) in [(7, 0), (7, 300), (40, 300), (3000, 0), (3000, 300)] {
        let (repeat, patched, behind) = (2, 11, 13);
        let mut program = vec![lit(rounds, count), nand(less, zero, zero)];
        let table = behind + 6 + gap;
        program.extend([lit(at, patched), lit(word, table), add(word, word, parity)]);
        program.push(Instruction::Index { a: word, b: zero, c: word }.encode());
        program.push(Instruction::Amend { a: zero, b: at, c: word }.encode());
        program.extend([nand(parity, parity, parity), lit(five, 2), add(parity, parity, five), lit(six, behind)]);
        program.extend([lit(five, 7), lit(five, 9)]);
        program.extend((0..gap).map(|_| add(five, five, five)));
        program.extend([add(rounds, rounds, less), lit(five, repeat), lit(six, table - 1)]);
        program.push(Instruction::CondMove { a: six, b: five, c: rounds }.encode());
        program.extend([goto(six), Instruction::Halt.encode(), goto(six), lit(five, 7)]);
        let case = Case { program, input: Vec::new(), budget: 10_000_000 };
        let (plain, _) = counted(&case, case.budget, &Options { engine: EngineKind::Interp, ..Options::default() });
        assert_eq!(words(&plain), stepped(&case, case.budget), "{count} rounds, {gap} words between");
        assert_alike(&format!("{count} rounds, {gap} words between"), &case, case.budget);
    }
}

/// A halt counts if it was executed, and not if the run ends before it.
#[test]
fn a_run_may_end_before_any_instruction() {
    let literal = Instruction::Literal { a: Reg::from_bits(1), value: 3 }.encode();
    let case =
        Case { program: vec![literal, literal, Instruction::Halt.encode(), literal], input: Vec::new(), budget: 9 };
    let options = Options { engine: EngineKind::Interp, ..Options::default() };
    for budget in 0..6 {
        assert_eq!(words(&counted(&case, budget, &options).0), stepped(&case, budget), "{budget} instructions");
    }
}

#[test]
fn generated_programs_are_counted_as_they_step() {
    let mut compiled = 0;
    for seed in 31_000..31_400 {
        let generated = generate(seed, &Profile::default());
        let budget = generated.case.budget.min(200_000);
        let name = format!("seed {seed}");
        let interpreted = Options { engine: EngineKind::Interp, ..Options::default() };
        let (plain, _) = counted(&generated.case, budget, &interpreted);
        let expected = stepped(&generated.case, budget);
        let found = words(&plain);
        let differs = expected.iter().find(|&(at, count)| found.get(at) != Some(count));
        assert!(differs.is_none(), "{name}: {differs:?}, found {:?}", differs.map(|(at, _)| found.get(at)));
        assert_eq!(found.len(), expected.len(), "{name}: {:?}", found.keys().find(|at| !expected.contains_key(at)));
        compiled += assert_alike(&name, &generated.case, budget);
    }
    assert!(compiled > 1_000_000, "{compiled}");
}

#[test]
fn our_programs_are_counted_alike_in_every_engine() {
    let mut compiled = 0;
    for program in programs() {
        let input = match &program.input {
            Some(input) => input.clone().into_bytes(),
            None => b"40\n".to_vec(),
        };
        let bytes = std::fs::read(program.image_path()).expect("an image");
        let case = Case { program: decode_image(&bytes).expect("an image"), input, budget: 3_000_000 };
        compiled += assert_alike(&program.name, &case, case.budget);
    }
    assert!(compiled > 20_000_000, "{compiled}");
}
