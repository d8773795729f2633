//! Campaigns: the engines agree on a fixed part of the seeds, bugs are found and made small, progress is kept.

use rum_interp::Ids;
use rum_jit::{Optimisation, Options};
use rum_testkit::builder::{Builder, R0, R1, R2, R3, R4, R5, R6, R7};
use rum_testkit::campaign::{Lineup, Plan, Summary, run};
use rum_testkit::contenders::{Drive, InterpContender, JitContender, Pace, machine_options};
use rum_testkit::generate::{END_COUNT, Profile, generate};
use rum_testkit::matrix::{Contender, OracleContender, Run, Verdict, compare};
use rum_testkit::outcome::{Case, Stop};
use rum_testkit::policy::oracle_with_policy;

fn plan(first: u64, end: u64) -> Plan {
    Plan {
        first,
        end,
        threads: 2,
        profile: Profile::default(),
        failures_max: 3,
        shrink_attempts: 4000,
        progress: None,
        announce: false,
    }
}

fn assert_agreement(summary: &Summary, end: u64) {
    let reports: Vec<&str> = summary.divergences.iter().map(|found| found.report.as_str()).collect();
    assert!(reports.is_empty(), "{}", reports.join("\n"));
    assert_eq!((summary.next, summary.coverage.programs), (end, end - summary.first));
    assert_eq!(summary.coverage.inconclusive, 0);
}

#[test]
fn the_interpreter_agrees_with_the_oracle_at_every_pace() {
    for ids in Ids::ALL {
        let lineup = || -> Lineup {
            let options = machine_options(true, ids);
            let mut lineup: Lineup = vec![Box::new(oracle_with_policy(options.clone()))];
            lineup.extend(
                [Pace::Whole, Pace::Step, Pace::Pieces]
                    .map(|pace| -> Box<dyn Contender> { Box::new(InterpContender::new(pace, options.clone())) }),
            );
            lineup
        };
        for profile in Profile::NAMES {
            let profile = Profile::named(profile).expect("profiles have names");
            let summary = run(&Plan { profile, ..plan(0, 1500) }, &lineup, &|_| {}).expect("no progress file");
            assert_agreement(&summary, 1500);
            assert!(summary.coverage.counters["oracle"]["identifiers-reused"][1] > 0, "no identifier came round again");
        }
    }
}

#[test]
fn the_interpreter_agrees_in_the_full_range_of_addresses() {
    for ids in Ids::ALL {
        let lineup = || -> Lineup {
            let options = machine_options(false, ids);
            vec![Box::new(oracle_with_policy(options.clone())), Box::new(InterpContender::new(Pace::Whole, options))]
        };
        let summary = run(&plan(50_000, 50_400), &lineup, &|_| {}).expect("no progress file");
        assert_agreement(&summary, 50_400);
    }
}

#[test]
fn compiled_code_agrees_in_every_way_of_using_it() {
    let options = || machine_options(true, Ids::Mixed);
    let lineup = || -> Lineup {
        let mut lineup: Lineup = vec![Box::new(InterpContender::new(Pace::Whole, options()))];
        lineup.extend(JitContender::all(&options).into_iter().map(|jit| -> Box<dyn Contender> { Box::new(jit) }));
        lineup
    };
    let summary = run(&plan(0, 150), &lineup, &|_| {}).expect("no progress file");
    assert_agreement(&summary, 150);
    let jit = &summary.coverage.counters["jit"];
    assert!(jit["instructions compiled"][1] >= 120, "compiled code is hardly reached: {jit:?}");
    assert!(summary.coverage.compiled >= 125, "compiled code is hardly reached: {}", summary.coverage);
    for counter in ["exit check", "exit miss", "killed by stored", "killed by replaced"] {
        assert!(jit[counter][0] > 0, "{counter} never happened: {jit:?}");
    }
    assert!(summary.coverage.counters["second run"]["units restored"][1] >= 120, "hardly anything is kept");
    // Only one processor and system have the baseline tier.
    if cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        let both = &summary.coverage.counters["second run, blocks, hot after 4"];
        assert!(
            both["blocks restored"][1] >= 120 && both["units restored"][1] >= 60,
            "hardly anything is kept: {both:?}"
        );
    }
    for optimisation in Optimisation::ALL {
        let off = &summary.coverage.counters[&format!("jit, no {}", optimisation.name())];
        let gain = off.get(&format!("gain of {}", optimisation.name())).map_or(0, |counts| counts[0]);
        assert_eq!(gain, 0, "{} does something though it is off", optimisation.name());
    }
}

/// With an exit at every check and without, whatever the identifiers are like.
#[test]
fn compiled_code_agrees_for_all_identifiers() {
    for ids in Ids::ALL {
        let lineup = || -> Lineup {
            let options = machine_options(true, ids);
            let exits = Options { force_exit_every: Some(1), ..JitContender::eager() };
            vec![
                Box::new(oracle_with_policy(options.clone())),
                Box::new(JitContender::new("jit", Drive::Whole, JitContender::eager(), options.clone())),
                Box::new(JitContender::new("jit, exits", Drive::Whole, exits, options)),
            ]
        };
        let summary = run(&plan(300_000, 300_400), &lineup, &|_| {}).expect("no progress file");
        assert_agreement(&summary, 300_400);
        let jit = &summary.coverage.counters["jit"];
        assert!(jit["instructions compiled"][1] >= 300, "compiled code is hardly reached: {jit:?}");
    }
}

#[test]
fn every_kind_of_fault_and_every_way_out_of_compiled_code_happens() {
    let options = || machine_options(true, Ids::Mixed);
    let ways = [
        ("jit", Drive::Whole, JitContender::eager()),
        ("jit, threshold 20", Drive::Whole, Options { hot_threshold: 20, ..JitContender::eager() }),
        ("jit, interrupted", Drive::Interrupted, JitContender::eager()),
    ];
    let lineup = || -> Lineup {
        let mut lineup: Lineup = vec![Box::new(InterpContender::new(Pace::Whole, options()))];
        lineup.extend(ways.clone().map(|(name, drive, jit)| -> Box<dyn Contender> {
            Box::new(JitContender::new(name, drive, jit, options()))
        }));
        lineup
    };
    let summary = run(&plan(200_000, 200_700), &lineup, &|_| {}).expect("no progress file");
    assert_agreement(&summary, 200_700);
    // Only blocks of the baseline tier become hot, and that is for one processor and system.
    let has_blocks = cfg!(all(target_arch = "x86_64", target_os = "linux"));
    let never = summary.coverage.never();
    assert_eq!(never.iter().filter(|what| has_blocks || !what.contains("hot")).count(), 0, "{}", summary.coverage);
    assert_eq!(summary.coverage.exits().len(), 8, "{}", summary.coverage);
}

/// Compiled code that adds to a register what it should not.
struct BuggyJit(JitContender);

impl Contender for BuggyJit {
    fn name(&self) -> String {
        "buggy jit".into()
    }

    fn run(&mut self, case: &Case, detail: bool) -> Run {
        let mut run = self.0.run(case, detail);
        assert_eq!(run.listings.is_empty(), !detail || run.counters["regions published"] == 0);
        run.outcome.registers[3] ^= u32::from(run.counters["instructions compiled"] > 0);
        run
    }
}

#[test]
fn a_report_shows_what_was_compiled() {
    let options = || machine_options(true, Ids::Mixed);
    let lineup = || -> Lineup {
        let jit = JitContender::new("jit", Drive::Whole, JitContender::eager(), options());
        vec![Box::new(InterpContender::new(Pace::Whole, options())), Box::new(BuggyJit(jit))]
    };
    let plan = Plan { failures_max: 1, ..plan(0, 100) };
    let summary = run(&plan, &lineup, &|_| {}).expect("no progress file");
    let report = &summary.divergences.first().expect("the bug is found").report;
    for part in ["--- buggy jit: CLIF of unit", "function u0:", "--- buggy jit: host code of unit", "block0:"] {
        assert!(report.contains(part), "{part:?} is missing in\n{report}");
    }
}

/// An oracle with a bug: register 3 is wrong at the end when the program divided often.
struct Buggy(OracleContender);

impl Contender for Buggy {
    fn name(&self) -> String {
        "buggy".into()
    }

    fn run(&mut self, case: &Case, detail: bool) -> Run {
        let mut run = self.0.run(case, detail);
        let visits = run.visits.as_deref().unwrap_or_default();
        let divides = case.program.iter().zip(visits).any(|(word, &count)| word >> 28 == 5 && count > 20);
        if divides && run.outcome.stop == Stop::Halt {
            run.outcome.registers[3] ^= 1;
        }
        run
    }
}

fn buggy_lineup() -> Lineup {
    vec![Box::new(OracleContender::with_own_ids()), Box::new(Buggy(OracleContender::with_own_ids()))]
}

#[test]
fn a_bug_is_found_and_made_small() {
    let profile = Profile { executed: (300, 2000), ..without_special_ends() };
    let summary =
        run(&Plan { failures_max: 1, profile, ..plan(0, 10_000) }, &buggy_lineup, &|_| {}).expect("no progress file");
    let found = summary.divergences.first().expect("the bug is found");
    assert_eq!(found.contender, "buggy");
    assert!(found.case.program.len() <= 60, "still {} words:\n{}", found.case.program.len(), found.report);
    assert!(found.report.contains("* r3"), "{}", found.report);
}

#[test]
fn a_campaign_goes_on_where_it_stopped_and_is_the_same_with_any_number_of_threads() {
    let directory = std::env::temp_dir().join(format!("rum-campaign-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for temporary files");
    let progress = Some(directory.join("progress.json"));
    let lineup = || -> Lineup { vec![Box::new(OracleContender::with_own_ids())] };
    let whole = run(&Plan { threads: 1, ..plan(0, 1000) }, &lineup, &|_| {}).expect("no progress file");
    let first = run(&Plan { progress: progress.clone(), ..plan(0, 450) }, &lineup, &|_| {}).expect("writable");
    assert_eq!(first.next, 450);
    let rest = run(&Plan { progress: progress.clone(), threads: 3, ..plan(0, 1000) }, &lineup, &|_| {});
    assert_eq!(rest.expect("readable").coverage, whole.coverage);
    let other = run(&Plan { progress, ..plan(0, 1000) }, &buggy_lineup, &|_| {});
    assert!(other.expect_err("other contenders").to_string().contains("another campaign"));
    std::fs::remove_dir_all(&directory).expect("it was made above");
}

/// A program of a campaign that allocates in a loop: in a small range of addresses, room for numbered segments is used up before as many are
/// numbered as ever are.
#[test]
fn numbers_of_segments_end_with_their_room() {
    let mut builder = Builder::new();
    builder.literal(R7, 203);
    let round = builder.label_here();
    builder.alloc(R0, R7);
    builder.add(R3, R3, R0);
    builder.goto(round, R5, R6);
    builder.halt();
    // How many are numbered follows from the length.
    assert_eq!(builder.here() % 6, 0);
    let case = Case { program: builder.build(), input: Vec::new(), budget: 30_000 };
    for small in [true, false] {
        let options = || machine_options(small, Ids::Mixed);
        let oracle = oracle_with_policy(options()).run(&case, false);
        let interp = InterpContender::new(Pace::Whole, options()).run(&case, false);
        assert_eq!(compare(&oracle.outcome, &interp.outcome), Verdict::Same);
    }
}

/// A program that does nothing but load itself again and again.
fn endless() -> Vec<u32> {
    let mut builder = Builder::new();
    let word = builder.label();
    builder.literal(R1, 1);
    builder.alloc(R2, R1);
    builder.literal_label(R4, word, 0);
    builder.index(R3, R6, R4);
    builder.amend(R2, R6, R3);
    builder.bind(word);
    builder.load_program(R2, R6);
    builder.build()
}

/// Small programs, and what the seeds below were found with.
fn without_special_ends() -> Profile {
    Profile { end_percents: [0; END_COUNT], ..Profile::default() }
}

fn assert_exact(case: &Case) {
    let expected = oracle_with_policy(machine_options(true, Ids::Mixed)).run(case, false).outcome;
    let outcome = InterpContender::new(Pace::Whole, machine_options(true, Ids::Mixed)).run(case, false).outcome;
    assert_eq!(compare(&expected, &outcome), Verdict::Same);
    let mut jit = JitContender::new("jit", Drive::Whole, JitContender::eager(), machine_options(true, Ids::Mixed));
    assert_eq!(compare(&expected, &jit.run(case, false).outcome), Verdict::Same);
}

#[test]
fn budgets_are_exact_in_a_program_that_only_loads_programs() {
    for budget in [0, 1, 5, 6, 7, 8, 9, 10, 100, 10_000] {
        assert_exact(&Case { program: endless(), input: vec![], budget });
    }
    // Programs whose budget ends soon after a load-program.
    for seed in [5223, 27774, 38182, 48056, 64590, 73790, 77490] {
        assert_exact(&generate(seed, &without_special_ends()).case);
    }
}

#[test]
fn budgets_are_exact_when_a_short_program_loads_a_longer_one() {
    // The first program copies itself, makes a program of one word that loads the copy, and loads that one; the copy
    // goes on with words without a jump, and loads the short one again.
    let mut builder = Builder::new();
    let (tiny_word, again, head, loaded, end) =
        (builder.label(), builder.label(), builder.label(), builder.label(), builder.label());
    builder.literal_label(R4, end, 0);
    builder.alloc(R1, R4);
    builder.literal(R3, 0);
    builder.not(R3, R3);
    builder.bind(head);
    builder.add(R4, R4, R3);
    builder.index(R5, R6, R4);
    builder.amend(R1, R4, R5);
    builder.literal_label(R5, loaded, 0);
    builder.literal_label(R0, head, 0);
    builder.cond_move(R5, R0, R4);
    builder.load_program(R6, R5);
    builder.bind(loaded);
    builder.literal(R3, 1);
    builder.alloc(R2, R3);
    builder.literal_label(R4, tiny_word, 0);
    builder.index(R5, R6, R4);
    builder.amend(R2, R6, R5);
    builder.literal_label(R7, again, 0);
    builder.bind(again);
    for _ in 0..40 {
        builder.add(R0, R0, R3);
    }
    builder.load_program(R2, R6);
    builder.bind(tiny_word);
    builder.load_program(R1, R7);
    builder.bind(end);
    let program = builder.build();
    for budget in 2000..2060 {
        assert_exact(&Case { program: program.clone(), input: vec![], budget });
    }
    for seed in [16095, 17071, 17357, 18205, 29567, 54009, 67509, 70859, 84387, 91105] {
        assert_exact(&generate(seed, &without_special_ends()).case);
    }
}

/// A loop that counts up one of its own words, which so becomes every instruction that there is for a while. Found by
/// campaigns: registers that only the patched word changed were taken not to change in the loop.
#[test]
fn a_patched_word_may_change_any_register_of_its_loop() {
    let counts_with_a_literal = vec![
        0,
        0x3000_0125,
        0,
        0xd600_0002,
        0x1000_00f3,
        0xd000_0001,
        0x3000_00d8,
        0xde00_0002,
        0x2000_01bb,
        0xd800_0001,
        0xde00_0001,
        0xbc,
        0xc000_0032,
    ];
    let counts_with_minus_one = vec![
        0xde00_010c,
        0xda00_0022,
        0x2000_006f,
        0,
        0,
        0,
        0x6000_0194,
        0,
        0,
        0,
        0,
        0,
        0xde00_0022,
        0x1000_01cf,
        0,
        0xd600_0007,
        0x2000_005f,
        0xd600_0000,
        0x6000_00db,
        0,
        0xd000_0022,
        0x1000_0008,
        0x3000_0003,
        0,
        0xd600_0022,
        0x2000_0058,
        0,
        0,
        0,
        0xd800_0000,
        0xda00_0003,
        0,
        0x128,
        0xc000_000c,
        0,
    ];
    for (program, budget) in [(counts_with_a_literal, 25_850), (counts_with_minus_one, 8_492)] {
        let case = Case { program, input: vec![], budget };
        let expected = oracle_with_policy(machine_options(true, Ids::Mixed)).run(&case, false).outcome;
        for force_exit_every in [None, Some(1), Some(2), Some(7)] {
            let options = Options { force_exit_every, ..JitContender::eager() };
            let run =
                JitContender::new("jit", Drive::Whole, options, machine_options(true, Ids::Mixed)).run(&case, false);
            assert!(run.counters["volatile words"] > 0 && run.counters["regions published"] > 0);
            assert_eq!(compare(&expected, &run.outcome), Verdict::Same);
        }
    }
}

/// A loop that nothing leads into. Found by a campaign: what belongs to it looked for a preheader that it does not get.
#[test]
fn a_loop_that_is_never_reached_is_compiled_around() {
    let program = vec![
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0xd400_001a,
        0xd600_000e,
        0xd000_0000,
        0x99,
        0xc000_0002,
        0xd800_0000,
        0x6000_0126,
        0,
        0xdc00_0000,
        0xd600_0016,
        0xd000_0000,
        0x19c,
        0xc000_0006,
        0xdc00_0013,
        0xdc00_0000,
        0,
        0x1000_0172,
        0x6000_01b6,
        0x3000_01fe,
        0xd200_0000,
        0xd600_0001,
        0xd000_0000,
        0x5f,
        0xc000_0001,
    ];
    let case = Case { program, input: vec![], budget: 25_939 };
    let expected = oracle_with_policy(machine_options(true, Ids::Mixed)).run(&case, false).outcome;
    for force_exit_every in [None, Some(1), Some(2)] {
        let options = Options { force_exit_every, ..JitContender::eager() };
        let run = JitContender::new("jit", Drive::Whole, options, machine_options(true, Ids::Mixed)).run(&case, false);
        assert!(run.counters["regions published"] > 0);
        assert_eq!(compare(&expected, &run.outcome), Verdict::Same);
    }
}
