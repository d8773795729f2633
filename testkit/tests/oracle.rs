//! The oracle on hand-written programs, one per corner of the specification. Words are encoded here, by hand.

use rum_testkit::oracle::{CountingIds, IdSource, Oracle, RecordedIds};
use rum_testkit::outcome::{Case, FaultKind, Outcome, Stop};

fn op(operator: u32, a: u32, b: u32, c: u32) -> u32 {
    operator << 28 | a << 6 | b << 3 | c
}

fn literal(a: u32, value: u32) -> u32 {
    13 << 28 | a << 25 | value
}

const HALT: u32 = 7 << 28;

fn run_with(program: &[u32], input: &[u8], budget: u64) -> Outcome {
    Oracle::run_case(&Case { program: program.to_vec(), input: input.to_vec(), budget })
}

fn run(program: &[u32]) -> Outcome {
    run_with(program, &[], 1000)
}

/// The program halts with this in register 1.
fn gives(program: &[u32], value: u32) {
    let outcome = run(&[program, &[HALT]].concat());
    assert_eq!(outcome.stop, Stop::Halt);
    assert_eq!(outcome.registers[1], value);
}

/// The last instruction faults, and neither is counted nor has any effect on the registers.
fn faults(program: &[u32], kind: FaultKind) {
    let before = run_with(program, &[], program.len() as u64 - 1);
    assert_eq!(before.stop, Stop::OutOfBudget);
    let outcome = run(program);
    let pc = program.len() as u32 - 1;
    assert_eq!(outcome, Outcome { stop: Stop::Fault { kind, pc }, ..before });
    assert_eq!((outcome.pc, outcome.executed), (pc, u64::from(pc)));
}

#[test]
fn operators_compute_what_the_specification_says() {
    let (ones, two) = ([literal(2, 0), op(6, 2, 2, 2)], [literal(3, 2)]);
    gives(&[literal(1, 5), literal(2, 9), op(0, 1, 2, 3)], 5);
    gives(&[literal(1, 5), literal(2, 9), literal(3, 1), op(0, 1, 2, 3)], 9);
    gives(&[&ones[..], &two, &[op(3, 1, 2, 3)]].concat(), 1);
    gives(&[&ones[..], &two, &[op(4, 1, 2, 3)]].concat(), 0xffff_fffe);
    gives(&[&ones[..], &two, &[op(5, 1, 2, 3)]].concat(), 0x7fff_ffff);
    gives(&[&ones[..], &two, &[op(6, 1, 2, 3)]].concat(), 0xffff_fffd);
    gives(&[literal(1, 0x1ff_ffff)], 0x1ff_ffff);
}

#[test]
fn unused_bits_mean_nothing() {
    gives(&[literal(2, 4), literal(3, 5), op(3, 1, 2, 3) | 0x0fff_fe00], 9);
    assert_eq!(run(&[HALT | 0x0fff_ffff]).stop, Stop::Halt);
}

#[test]
fn segments_start_with_zeros_and_keep_what_is_stored() {
    gives(&[literal(1, 7), literal(2, 3), op(8, 0, 3, 2), literal(2, 2), op(1, 1, 3, 2)], 0);
    let stored = [literal(2, 3), op(8, 0, 3, 2), literal(2, 2), literal(4, 77), op(2, 3, 2, 4), op(1, 1, 3, 2)];
    gives(&stored, 77);
}

#[test]
fn empty_segments_have_identifiers_of_their_own() {
    let outcome = run(&[op(8, 0, 1, 0), op(8, 0, 2, 0), HALT]);
    assert_ne!(outcome.registers[1], outcome.registers[2]);
    assert!(outcome.registers[1] != 0 && outcome.registers[2] != 0);
}

#[test]
fn segment_0_is_read_and_written_like_any_other() {
    gives(&[literal(2, 0), op(1, 1, 0, 2)], literal(2, 0));
    // The next instruction becomes r1 = 3.
    let patched = [literal(2, 5), literal(3, 4), op(1, 4, 0, 2), op(2, 0, 3, 4), literal(1, 1), literal(1, 3)];
    gives(&patched, 3);
}

#[test]
fn input_gives_bytes_and_then_its_end_every_time() {
    let read = |c| op(11, 0, 0, c);
    let outcome = run_with(&[read(1), read(2), read(3), read(4), HALT], &[0xff, 0], 10);
    assert_eq!(outcome.registers[1..5], [0xff, 0, u32::MAX, u32::MAX]);
}

#[test]
fn output_is_bytes() {
    let outcome = run(&[literal(1, 255), op(10, 0, 0, 1), op(10, 0, 0, 0), HALT]);
    assert_eq!(outcome.output, [255, 0]);
}

#[test]
fn loading_segment_0_is_a_jump_and_loading_another_replaces_it() {
    gives(&[literal(1, 1), literal(2, 4), op(12, 0, 0, 2), literal(1, 2), literal(3, 0)], 1);
    // A segment with a halt at 1 is loaded; a store to it afterwards does not change the program.
    let mut program = vec![literal(2, 2), op(8, 0, 3, 2), literal(2, 12), op(1, 4, 0, 2), literal(2, 1)];
    program.extend([op(2, 3, 2, 4), op(12, 0, 3, 2), 0, 0, 0, 0, 0, HALT]);
    let outcome = run(&program);
    assert_eq!((outcome.stop, outcome.pc, outcome.executed), (Stop::Halt, 2, 8));
}

#[test]
fn a_loaded_copy_is_a_copy() {
    let case = [literal(2, 1), op(8, 0, 3, 2), literal(2, 8), op(1, 4, 0, 2), literal(2, 0), op(2, 3, 2, 4)];
    let program = [&case[..], &[op(12, 0, 3, 2), 0, HALT]].concat();
    let mut oracle = Oracle::new(&program, &[]);
    assert_eq!(oracle.run(100).stop, Stop::Halt);
    let memory = oracle.memory();
    assert_eq!(memory[&0], [HALT]);
    assert_eq!(memory.len(), 2, "the segment it was loaded from is still there");
}

#[test]
fn every_kind_of_fault() {
    let id = [literal(1, 2), op(8, 0, 2, 1)];
    faults(&[0xe000_0001], FaultKind::InvalidInstruction { word: 0xe000_0001 });
    faults(&[0xffff_ffff], FaultKind::InvalidInstruction { word: 0xffff_ffff });
    faults(&[literal(1, 9), op(1, 0, 1, 0)], FaultKind::IndexInactive { id: 9 });
    faults(&[literal(1, 9), op(2, 1, 0, 0)], FaultKind::AmendInactive { id: 9 });
    faults(&[literal(1, 2), op(1, 2, 0, 1)], FaultKind::IndexOutside { id: 0, offset: 2, capacity: 2 });
    faults(&[literal(1, 2), op(2, 0, 1, 1)], FaultKind::AmendOutside { id: 0, offset: 2, capacity: 2 });
    let outside = [&id[..], &[op(1, 3, 2, 1)]].concat();
    faults(&outside, FaultKind::IndexOutside { id: 1, offset: 2, capacity: 2 });
    let outside = [&id[..], &[op(2, 2, 1, 1)]].concat();
    faults(&outside, FaultKind::AmendOutside { id: 1, offset: 2, capacity: 2 });
    faults(&[op(9, 0, 0, 0)], FaultKind::AbandonProgram);
    faults(&[literal(1, 9), op(9, 0, 0, 1)], FaultKind::AbandonInactive { id: 9 });
    let twice = [&id[..], &[op(9, 0, 0, 2), op(9, 0, 0, 2)]].concat();
    faults(&twice, FaultKind::AbandonInactive { id: 1 });
    let stale = [&id[..], &[op(9, 0, 0, 2), op(1, 3, 2, 0)]].concat();
    faults(&stale, FaultKind::IndexInactive { id: 1 });
    faults(&[literal(1, 9), op(5, 1, 1, 0)], FaultKind::DivisionByZero { dividend: 9 });
    faults(&[literal(1, 9), op(12, 0, 1, 0)], FaultKind::LoadInactive { id: 9 });
    faults(&[literal(1, 256), op(10, 0, 0, 1)], FaultKind::OutputTooLarge { value: 256 });
    assert_eq!(FaultKind::NAMES.len(), 11);
}

#[test]
fn a_pc_outside_of_segment_0_is_named_itself() {
    let outside = |program: &[u32], pc, capacity, executed| {
        let outcome = run(program);
        assert_eq!(outcome.stop, Stop::Fault { kind: FaultKind::PcOutside { capacity }, pc });
        assert_eq!((outcome.pc, outcome.executed), (pc, executed));
    };
    outside(&[literal(1, 1)], 1, 1, 1);
    outside(&[op(6, 1, 0, 0), op(12, 0, 0, 1)], u32::MAX, 2, 2);
    // An empty program.
    outside(&[op(8, 0, 1, 0), op(12, 0, 1, 0)], 0, 0, 2);
    outside(&[], 0, 0, 0);
}

#[test]
fn the_budget_is_exact_and_halt_counts() {
    let program = [literal(1, 1), literal(2, 2), HALT];
    for budget in 0..3 {
        let outcome = run_with(&program, &[], budget);
        assert_eq!((outcome.stop, outcome.executed, u64::from(outcome.pc)), (Stop::OutOfBudget, budget, budget));
    }
    let outcome = run_with(&program, &[], 3);
    assert_eq!((outcome.stop, outcome.executed, outcome.pc), (Stop::Halt, 3, 3));
    // A machine goes on where its budget ended.
    let mut oracle = Oracle::new(&program, &[]);
    assert_eq!(oracle.run(1).stop, Stop::OutOfBudget);
    assert_eq!(oracle.run(1000), outcome);
}

#[test]
fn identifiers_come_from_the_source_and_are_checked() {
    let program = [op(8, 0, 1, 0), op(8, 0, 2, 0), op(9, 0, 0, 1), op(8, 0, 3, 0), HALT];
    let with = |ids: Vec<u32>| Oracle::with_ids(&program, &[], Box::new(RecordedIds::new(ids))).run(100);
    let outcome = with(vec![70, 5, 70]);
    assert_eq!((outcome.stop, &outcome.registers[1..4]), (Stop::Halt, &[70, 5, 70][..]));
    assert_eq!(with(vec![0]).stop, Stop::BrokenIdentifier { id: 0 });
    assert_eq!(with(vec![70, 70]).stop, Stop::BrokenIdentifier { id: 70 });
    assert_eq!(with(vec![70, 5, 5]).stop, Stop::BrokenIdentifier { id: 5 });
    assert_eq!(with(vec![70, 5]).stop, Stop::BrokenIdentifier { id: 0 }, "more allocs than recorded");
    let mut own = CountingIds::default();
    assert_eq!([own.allocate(1), own.allocate(1)], [Some(1), Some(2)]);
    own.abandon(1);
    assert_eq!([own.allocate(1), own.allocate(1)], [Some(1), Some(3)]);
}

#[test]
fn memory_has_a_limit() {
    let outcome = run(&[literal(1, 0x1ff_ffff), op(8, 0, 2, 1), HALT]);
    assert_eq!((outcome.stop, outcome.executed, outcome.registers[2]), (Stop::OutOfMemory, 1, 0));
}

#[test]
fn visits_and_reused_identifiers_are_counted() {
    // Twice around: allocate, abandon.
    let ones = [literal(5, 0), op(6, 5, 5, 5), literal(1, 2)];
    let body = [op(8, 0, 2, 0), op(9, 0, 0, 2), op(3, 1, 1, 5)];
    let test = [literal(3, 11), literal(4, 3), op(0, 3, 4, 1), op(12, 0, 0, 3), 0, HALT];
    let program = [&ones[..], &body, &test].concat();
    let mut oracle = Oracle::new(&program, &[]);
    assert_eq!(oracle.run(100).stop, Stop::Halt);
    assert_eq!(oracle.visits(), [1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 0, 1]);
    assert_eq!(oracle.reused_ids(), 1);
}
