//! Units of a few programs are proved, and with a mistake they are not. `scripts/prove` proves many more.

use rum_interp::{AddressSpace, Ids, Word};
use rum_jit::Options;
use rum_proofs::{Course, Kind, Patience, Unit, is_there_for, mutants, prove};
use rum_testkit::builder::{Builder, R0, R1, R2, R3, R4, R5, R7};
use rum_testkit::programs;
use std::time::Duration;

/// Long enough for any question here.
const PATIENCE: Patience = Patience { question_ms: 20_000, until: None };

/// Units of a program, as many as this has patience for; none where there is no solver.
fn units(name: &str, ids: Ids, most: usize) -> Vec<Unit> {
    if !is_there_for(&format!("proofs of {name}")) {
        return Vec::new();
    }
    let bytes = std::fs::read(programs::folder().join(format!("{name}.um"))).expect("a program of umbin/");
    let mut units = compiled(&rum_interp::decode_image(&bytes).expect("an image"), ids);
    units.truncate(most);
    units
}

/// What the optimising tier makes of a program.
fn compiled(words: &[Word], ids: Ids) -> Vec<Unit> {
    let (space, time) = (AddressSpace::Auto, Duration::from_secs(60));
    let course = Course { ids, space, threshold: 400, budget: None, time, options: Options::default() };
    let units = course.units(words, b"").expect("an engine");
    assert!(!units.is_empty(), "something is compiled");
    units
}

fn assert_proved(name: &str, ids: Ids, most: usize) {
    assert_all_proved(name, units(name, ids, most));
}

fn assert_all_proved(name: &str, units: Vec<Unit>) {
    for (contract, clif) in units {
        let proof = prove(&contract, &clif, PATIENCE).expect("a function that can be read");
        assert!(proof.is_whole(), "{name}, unit {}: {:#?}", contract.unit, proof.open);
        assert!(proof.claims > 4, "{name}: something was to be proved");
    }
}

#[test]
fn loops_and_calls() {
    assert_proved("fib", Ids::Mixed, 2);
    assert_proved("sort", Ids::Mixed, 3);
}

#[test]
fn allocation() {
    assert_proved("closure", Ids::Mixed, 2);
    assert_proved("map", Ids::Address, 2);
}

/// What the host allocates lies in free granules, and so does the run that it leaves: what comes from there is no segment that there is.
#[test]
fn allocation_by_the_host() {
    if !is_there_for("the proof of allocations by the host") {
        return;
    }
    let mut b = Builder::new();
    let (start, end) = (b.label(), b.label());
    b.literal(R7, 2_000);
    b.bind(start);
    b.literal(R3, 5);
    b.alloc(R1, R3);
    b.literal(R3, 1);
    b.alloc(R2, R3);
    b.alloc(R4, R3);
    // As far as no other of the three segments reaches.
    b.literal(R3, 4);
    b.index(R5, R1, R3);
    b.abandon(R2);
    b.abandon(R4);
    b.nand(R3, R0, R0);
    b.add(R7, R7, R3);
    b.branch(R7, start, end, [R3, R5], R0);
    b.bind(end);
    b.halt();
    for ids in [Ids::Mixed, Ids::Address] {
        assert_all_proved("allocations", compiled(&b.clone().build(), ids));
    }
}

/// A check that is not made, a store that is left out, operands exchanged: each is refuted.
#[test]
fn mistakes_are_refuted() {
    for (contract, clif) in units("fib", Ids::Mixed, 1).into_iter().chain(units("closure", Ids::Mixed, 1)) {
        let all: Vec<_> = mutants(&clif).into_iter().filter(|mutant| mutant.kind != Kind::Constant).collect();
        let step = all.len().div_ceil(8).max(1);
        assert!(all.len() >= 4, "there is something to get wrong");
        for mutant in all.iter().step_by(step) {
            let proof = prove(&contract, &mutant.clif, PATIENCE);
            let refuted = proof.map_or(true, |proof| proof.is_refuted());
            assert!(refuted, "{:?} is not refuted: {}", mutant.kind, mutant.line);
        }
    }
}

/// What nothing follows from proves nothing: a contract that says something else is refuted.
#[test]
fn another_contract_is_refuted() {
    for (mut contract, clif) in units("fib", Ids::Mixed, 1) {
        for exit in &mut contract.exits {
            exit.pc += 1;
        }
        let proof = prove(&contract, &clif, PATIENCE).expect("a function that can be read");
        assert!(proof.is_refuted(), "an exit that says another pc");
    }
}
