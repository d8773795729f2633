//! The generator: the same for the same seed, always terminating, and covering everything it promises.

use rum_testkit::generate::{Generated, Profile, Tag, generate};
use rum_testkit::oracle::Oracle;
use rum_testkit::outcome::{FaultKind, Outcome, Stop};
use std::collections::BTreeMap;

/// Runs a program to its end and counts how often each word was executed.
fn run(generated: &Generated) -> (Outcome, Vec<u32>) {
    let mut oracle = Oracle::new(&generated.case.program, &generated.case.input);
    let outcome = oracle.run(generated.bound + 1);
    let visits = oracle.visits().to_vec();
    (outcome, visits)
}

#[test]
fn a_seed_gives_the_same_program_again() {
    let profile = Profile::default();
    for seed in 0..200 {
        assert_eq!(generate(seed, &profile).case, generate(seed, &profile).case);
        assert_ne!(generate(seed, &profile).case.program, generate(seed + 1, &profile).case.program);
    }
}

#[test]
fn ten_thousand_programs_end_within_their_bounds_and_cover_everything() {
    let profile = Profile::default();
    let mut stops: BTreeMap<&str, u32> = BTreeMap::new();
    let mut reached: BTreeMap<Tag, [u32; 3]> = BTreeMap::new();
    let (mut executed, mut words) = (0u64, 0usize);
    let seeds = 10_000;
    for seed in 0..seeds {
        let generated = generate(seed, &profile);
        let (outcome, visits) = run(&generated);
        assert!(
            matches!(outcome.stop, Stop::Halt | Stop::Fault { .. }),
            "seed {seed}: {} after {} instructions, bound {}",
            outcome.stop,
            outcome.executed,
            generated.bound
        );
        *stops.entry(outcome.stop.name()).or_default() += 1;
        executed += outcome.executed;
        words += generated.case.program.len();
        for &tag in &generated.tags {
            let at = |&&(marked, _): &&(Tag, u32)| marked == tag;
            let most = generated.marks.iter().filter(at).map(|&(_, pc)| visits[pc as usize]).max().unwrap_or(1);
            let counts = reached.entry(tag).or_default();
            counts[0] += 1;
            counts[1] += u32::from(most > 0);
            counts[2] += u32::from(most >= 50);
        }
    }
    println!("{} words, {} instructions per program", words as u64 / seeds, executed / seeds);
    println!("{stops:?}");
    for tag in Tag::ALL {
        let counts = reached.get(tag).copied().unwrap_or_default();
        println!("{tag:24} emitted {:6} executed {:6} hot {:6}", counts[0], counts[1], counts[2]);
    }
    let missing: Vec<_> = Tag::ALL.iter().filter(|tag| reached.get(tag).is_none_or(|counts| counts[1] < 5)).collect();
    assert!(missing.is_empty(), "never or hardly executed: {missing:?}");
    for kind in FaultKind::NAMES {
        assert!(stops.get(kind).is_some_and(|&count| count >= 5), "{kind} hardly ever ends a program: {stops:?}");
    }
    assert!(stops["halt"] > seeds as u32 / 4, "too few programs reach their end: {stops:?}");
}
