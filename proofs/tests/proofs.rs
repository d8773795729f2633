//! Units of a few programs are proved, and with a mistake they are not. `scripts/prove` proves many more.

use rum_interp::Ids;
use rum_jit::Options;
use rum_proofs::{Course, Kind, Unit, is_there_for, mutants, prove};
use rum_testkit::programs;

/// Milliseconds for a question.
const TIMEOUT_MS: u64 = 20_000;

/// Units of a program, as many as this has patience for; none where there is no solver.
fn units(name: &str, ids: Ids, most: usize) -> Vec<Unit> {
    if !is_there_for(&format!("proofs of {name}")) {
        return Vec::new();
    }
    let bytes = std::fs::read(programs::folder().join(format!("{name}.um"))).expect("a program of umbin/");
    let words = rum_interp::decode_image(&bytes).expect("an image");
    let course = Course { ids, threshold: 400, budget: None, options: Options::default() };
    let mut units = course.units(&words, b"").expect("an engine");
    assert!(!units.is_empty(), "{name} is compiled");
    units.truncate(most);
    units
}

fn assert_proved(name: &str, ids: Ids, most: usize) {
    for (contract, clif) in units(name, ids, most) {
        let proof = prove(&contract, &clif, TIMEOUT_MS).expect("a function that can be read");
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

/// A check that is not made, a store that is left out, operands exchanged: each is refuted.
#[test]
fn mistakes_are_refuted() {
    for (contract, clif) in units("fib", Ids::Mixed, 1).into_iter().chain(units("closure", Ids::Mixed, 1)) {
        let all: Vec<_> = mutants(&clif).into_iter().filter(|mutant| mutant.kind != Kind::Constant).collect();
        let step = all.len().div_ceil(8).max(1);
        assert!(all.len() >= 4, "there is something to get wrong");
        for mutant in all.iter().step_by(step) {
            let proof = prove(&contract, &mutant.clif, TIMEOUT_MS);
            let refuted = proof.map_or(true, |proof| !proof.is_whole());
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
        let proof = prove(&contract, &clif, TIMEOUT_MS).expect("a function that can be read");
        assert!(!proof.is_whole(), "an exit that says another pc");
    }
}
