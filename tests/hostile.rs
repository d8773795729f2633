//! Programs that are hostile to a compiler of hot code: compiling never becomes what the time is spent on.
//!
//! Compiling at once (`compile_threads: 0`) makes every counter the same on each run, so the bound is kept in counters and
//! not in seconds: CLIF instructions, each of which takes about 1.3 µs to compile, against executed instructions, each of
//! which takes about 1 ns to interpret and a fifth of that when compiled (docs/performance.md). `benches/never-slower` takes
//! the time of the same programs.

use rum::{EngineKind, Machine, MachineOptions, Options, Scripted, Stats, Stop, Vm, Word};
use rum_testkit::shapes::hostile;

/// Time to compile a CLIF instruction, to interpret an instruction of the program, and to execute a compiled one, in ps.
const CLIF_PS: u64 = 1_300_000;
const INTERPRETED_PS: u64 = 1000;
const COMPILED_PS: u64 = 200;
/// Compiling may take a quarter of the time, and this much more.
const SHARE: u64 = 4;
const SLACK_PS: u64 = 50_000_000_000;

/// Registers and pc at the end.
type End = ([u32; 8], u32);

fn run(program: &[Word], engine: EngineKind) -> (End, Stats) {
    let machine = Machine::new(program, Box::new(Scripted::default()), &MachineOptions::default()).expect("a machine");
    let options = Options { engine, compile_threads: 0, count: true, ..Options::default() };
    let mut vm = Vm::new(machine, &options).expect("an engine");
    assert!(matches!(vm.run(None), Stop::Halt), "these programs halt");
    let state = vm.machine();
    ((state.registers(), state.pc()), vm.stats())
}

/// Runs a program with both engines, and holds the JIT to its bound. Gives what it counted.
fn check(program: &[Word]) -> Stats {
    let (expected, interpreted) = run(program, EngineKind::Interp);
    let (end, stats) = run(program, EngineKind::Jit);
    assert_eq!(end, expected, "registers and pc at the end");
    assert_eq!(stats.instructions, interpreted.instructions);
    let (all, _) = executed(&stats);
    assert!(is_bounded(&stats), "{} CLIF instructions for {all} executed", stats.clif_instructions);
    stats
}

/// Instructions executed by all engines, and by compiled code.
fn executed(stats: &Stats) -> (u64, u64) {
    (stats.instructions.expect("counted"), stats.instructions_compiled.expect("counted"))
}

/// Whether compiling took no longer than it may, as far as counters tell.
fn is_bounded(stats: &Stats) -> bool {
    let (all, compiled) = executed(stats);
    let run = (all - compiled) * INTERPRETED_PS + compiled * COMPILED_PS;
    stats.clif_instructions * CLIF_PS <= run / SHARE + SLACK_PS
}

#[test]
fn too_much_compiling_is_noticed() {
    let counted = |instructions| Stats {
        clif_instructions: 1_000_000,
        instructions: Some(instructions),
        instructions_compiled: Some(0),
        ..Stats::default()
    };
    assert!(!is_bounded(&counted(100_000_000)));
    assert!(is_bounded(&counted(6_000_000_000)));
}

/// Whether something was translated: blocks, where there is the baseline tier.
fn is_translated(stats: &Stats) -> bool {
    let has_baseline = cfg!(all(target_arch = "x86_64", target_os = "linux"));
    stats.regions_published > 0 || stats.baseline_blocks > 0 || !has_baseline
}

/// The same for a program that is worth compiling: nine of ten instructions are executed in compiled code.
fn check_compiled(program: &[Word]) -> Stats {
    let stats = check(program);
    assert!(is_translated(&stats));
    let (all, compiled) = executed(&stats);
    assert!(compiled >= all / 10 * 9, "only {compiled} of {all} instructions are executed in compiled code");
    stats
}

#[test]
fn jumps_to_the_next_word() {
    check_compiled(&hostile::jumps_to_next(100, 200_000));
    let stats = check(&hostile::jumps_to_next(20_000, 1_500));
    assert!(is_translated(&stats));
    assert!(stats.baseline_blocks < 9_000, "tiny blocks are made up to a number: {}", stats.baseline_blocks);
}

#[test]
fn computed_jumps_to_the_next_word() {
    check_compiled(&hostile::computed_jumps_to_next(100, 200_000));
    let stats = check(&hostile::computed_jumps_to_next(20_000, 1_500));
    assert!(is_translated(&stats));
}

#[test]
fn many_loops_in_a_row() {
    let stats = check(&hostile::loops_in_a_row(10_000, 1_000, 1));
    assert!(is_translated(&stats));
}

#[test]
fn many_ways_round_a_loop() {
    check_compiled(&hostile::ways_round(15, 1_000_000));
}

#[test]
fn a_literal_that_is_patched_all_the_time() {
    let stats = check_compiled(&hostile::patched_literal(2_000_000));
    assert_eq!((stats.volatile_words, stats.host_steps), (1, 0), "it is an operand");
}

#[test]
fn an_instruction_that_is_patched_all_the_time() {
    // A word that is a literal for long is compiled as one, and learnt to be something else.
    for same in [1, 100, 30_000] {
        let stats = check_compiled(&hostile::patched_operator(same, 1_000_000));
        assert_eq!(stats.volatile_words, 1);
        assert!(stats.host_steps > 0, "the host executes what is no literal");
    }
}

#[test]
fn thousands_of_words_that_are_patched_all_the_time() {
    let stats = check(&hostile::patched_everywhere(1 << 12, 1_000_000));
    assert!(is_translated(&stats));
    assert!(stats.regions_requested < 1 << 12, "no word has code compiled for ever");
}

#[test]
fn huge_straight_line_code_run_twice() {
    let stats = check(&hostile::straight_line(1_000_000, 2));
    assert_eq!(stats.clif_instructions, 0, "nothing is executed often enough");
}

#[test]
fn straight_line_code_run_often() {
    let stats = check(&hostile::straight_line(20_000, 1_500));
    assert!(is_translated(&stats));
}

#[test]
fn thousands_of_computed_targets() {
    let stats = check(&hostile::computed_targets(1 << 12, 3_000_000));
    let (all, compiled) = executed(&stats);
    assert!(compiled > all / 2);
}

#[test]
fn thousands_of_threaded_targets() {
    let stats = check(&hostile::threaded_targets(4_000, 2_000));
    assert!(is_translated(&stats));
}

#[test]
fn load_program_in_a_loop() {
    check(&hostile::load_program(64, 300_000));
    let stats = check(&hostile::load_program(1_000_000, 50));
    assert!(stats.regions_published > 0, "making the copy is compiled");
}

#[test]
fn programs_that_replace_each_other() {
    for (inner, loads) in [(10, 50_000), (2_000, 500)] {
        check(&hostile::load_program_alternating(1_000, inner, loads));
    }
}
