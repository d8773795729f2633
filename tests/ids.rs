//! Identifiers: programs that rely on those which machines commonly hand out, and what is said where they cannot.

use crate::support::*;
use rum::{AddressSpace, Ids, MachineOptions, NAMED_ALLOCS, Options, Scripted, Stop, Vm, Word};
use rum_testkit::builder::{Builder, Label, R0, R1, R2, R3, R4, R5, R6, R7};
use std::path::Path;

/// What a program has put out, on a machine with such identifiers, interpreted and compiled at once.
fn outputs(program: &[Word], ids: Ids) -> [Vec<u8>; 2] {
    [Options { engine: rum::EngineKind::Interp, ..Options::default() }, eager()].map(|options| {
        let machine = MachineOptions { ids, ..MachineOptions::default() };
        let machine = rum::Machine::new(program, Box::new(Scripted::default()), &machine).expect("a machine");
        let mut vm = Vm::new(machine, &options).expect("an engine");
        let stop = vm.run(Some(1_000_000_000));
        assert!(matches!(stop, Stop::Halt), "{stop} with {ids:?}");
        if options.engine == rum::EngineKind::Jit {
            assert!(vm.stats().regions_published > 0, "code was compiled");
        }
        vm.console_mut::<Scripted>().expect("the console").output.clone()
    })
}

fn eager() -> Options {
    Options { engine: rum::EngineKind::Jit, hot_threshold: 2, compile_threads: 0, ..Options::default() }
}

/// Has `body` executed `rounds` times; R7 counts, R5 and R4 are lost.
fn times(b: &mut Builder, rounds: u32, body: impl FnOnce(&mut Builder)) {
    b.literal(R7, rounds);
    let again = b.label_here();
    body(b);
    let done: Label = b.label();
    b.literal(R5, 1);
    b.sub(R7, R7, R5, R4);
    b.branch(R7, again, done, [R4, R5], R6);
    b.bind(done);
}

/// A compiler's prologue: four segments, which the rest of the program knows by the numbers 1 to 4.
#[test]
fn a_prologue_is_addressed_by_literals() {
    let mut b = Builder::new();
    b.literal(R0, 10);
    for _ in 0..4 {
        b.alloc(R1, R0);
    }
    times(&mut b, 40, |b| {
        for id in 1..=4 {
            b.literal(R1, id);
            b.literal(R2, id + 4);
            b.index(R3, R1, R2);
            b.literal(R5, id);
            b.add(R3, R3, R5);
            b.amend(R1, R2, R3);
        }
    });
    for id in 1..=4 {
        b.literal(R1, id);
        b.literal(R2, id + 4);
        b.index(R3, R1, R2);
        b.output(R3);
    }
    b.halt();
    let program = b.build();
    for ids in [Ids::Mixed, Ids::Sequential] {
        assert_eq!(outputs(&program, ids), [[40, 80, 120, 160]; 2], "{ids:?}");
    }
}

/// Unit tests of machines print the identifier that they got.
#[test]
fn identifiers_are_printed_as_digits() {
    let mut b = Builder::new();
    b.literal(R0, 1);
    for _ in 0..9 {
        b.alloc(R1, R0);
        b.literal(R2, 48);
        b.add(R2, R1, R2);
        b.output(R2);
    }
    for id in [3, 8, 5] {
        b.literal(R1, id);
        b.abandon(R1);
    }
    for _ in 0..3 {
        b.alloc(R1, R0);
        b.literal(R2, 48);
        b.add(R2, R1, R2);
        b.output(R2);
    }
    b.halt();
    let path = image(&b.build());
    for engine in ENGINES {
        for ids in ["mixed", "sequential"] {
            let run = rum(&with(engine, &["--ids", ids, arg(&path)])).output().expect("it starts");
            assert_eq!((status(&run), &run.stdout[..]), (0, &b"123456789583"[..]));
        }
    }
}

/// As many allocs as one likes, if what they gave is given back: the identifier stays the same while there are names.
#[test]
fn mapping_and_unmapping_in_loops_gives_the_same_identifier() {
    let mut b = Builder::new();
    let rounds = NAMED_ALLOCS / 2 - 10;
    b.literal(R0, 0); // The sum of the identifiers.
    times(&mut b, rounds, |b| {
        b.literal(R1, 3);
        b.alloc(R2, R1);
        b.alloc(R3, R1);
        b.add(R0, R0, R2);
        b.add(R0, R0, R3);
        b.abandon(R3);
        b.abandon(R2);
    });
    // 2 has to come before 1: the last one given back is the first.
    b.literal(R1, 0);
    b.alloc(R2, R1);
    b.literal(R3, 48);
    b.add(R3, R3, R2);
    b.output(R3);
    b.literal(R3, rounds);
    b.div(R0, R0, R3);
    b.output(R0);
    b.halt();
    let program = b.build();
    for ids in [Ids::Mixed, Ids::Sequential] {
        assert_eq!(outputs(&program, ids), [[b'1', 3]; 2], "{ids:?}");
    }
}

/// Identifiers are offsets in a table, which holds something about each segment.
#[test]
fn identifiers_are_keys_of_a_table() {
    let mut b = Builder::new();
    b.literal(R0, 300);
    b.alloc(R0, R0); // The table has the identifier 1.
    times(&mut b, 250, |b| {
        b.literal(R1, 2);
        b.alloc(R2, R1);
        b.amend(R0, R2, R7);
        b.literal(R1, 1);
        b.amend(R2, R1, R2);
    });
    // The segment with the identifier 101 was made when R7 was 151, and holds its own identifier.
    b.literal(R1, 101);
    b.index(R2, R0, R1);
    b.output(R2);
    b.literal(R3, 1);
    b.index(R2, R1, R3);
    b.output(R2);
    b.halt();
    let program = b.build();
    for ids in [Ids::Mixed, Ids::Sequential] {
        assert_eq!(outputs(&program, ids), [[151, 101]; 2], "{ids:?}");
    }
}

/// A loop reads one large table, for which its code is made, and then another: code for one table is not used for another, and is
/// made again for any.
#[test]
fn a_loop_over_one_table_and_then_another() {
    let mut b = Builder::new();
    for value in [5, 6] {
        b.literal(R0, 300);
        b.alloc(R1, R0);
        b.literal(R2, 299);
        b.literal(R3, value);
        b.amend(R1, R2, R3);
    }
    b.literal(R0, 1); // the first table
    let other = b.label_here();
    times(&mut b, 200, |b| {
        b.literal(R2, 299);
        b.index(R4, R0, R2);
        b.add(R3, R4, R6);
    });
    b.output(R3);
    b.literal(R5, 2);
    b.sub(R7, R0, R5, R4);
    b.literal(R0, 2);
    let done = b.label();
    b.branch(R7, other, done, [R4, R5], R6);
    b.bind(done);
    b.halt();
    let program = b.build();
    for ids in [Ids::Mixed, Ids::Sequential] {
        assert_eq!(outputs(&program, ids), [[5, 6]; 2], "{ids:?}");
    }
}

/// Every segment of a million has a number, and is found by it.
#[test]
fn a_million_segments_are_numbered() {
    let mut b = Builder::new();
    let million = 1_000_000;
    times(&mut b, million, |b| {
        b.literal(R1, 1);
        b.alloc(R2, R1);
        b.literal(R3, 0);
        b.amend(R2, R3, R7);
    });
    b.literal(R0, 0);
    times(&mut b, million, |b| {
        // Identifier i holds one million and one less i.
        b.literal(R3, 0);
        b.index(R2, R7, R3);
        b.add(R2, R2, R7);
        b.literal(R3, million + 1);
        b.sub(R2, R2, R3, R4);
        b.add(R0, R0, R2);
        b.abandon(R7);
    });
    b.output(R0);
    b.literal(R1, 1);
    b.alloc(R2, R1);
    b.output(R2);
    b.halt();
    assert_eq!(outputs(&b.build(), Ids::Sequential), [[0, 1]; 2]);
}

/// The same in little address space, where the table of names grows piece by piece.
#[test]
fn many_segments_are_numbered_in_a_small_space() {
    let mut b = Builder::new();
    times(&mut b, 60_000, |b| {
        b.literal(R1, 1);
        b.alloc(R2, R1);
        b.literal(R3, 0);
        b.amend(R2, R3, R2);
    });
    b.literal(R1, 54_321);
    b.literal(R3, 0);
    b.index(R2, R1, R3);
    b.sub(R2, R2, R1, R4);
    b.output(R2);
    b.halt();
    for options in [Options { engine: rum::EngineKind::Interp, ..Options::default() }, eager()] {
        let space = AddressSpace::Granules(1 << 21);
        let machine = MachineOptions { ids: Ids::Sequential, address_space: space, ..MachineOptions::default() };
        let machine =
            rum::Machine::new(&b.clone().build(), Box::new(Scripted::default()), &machine).expect("a machine");
        let mut vm = Vm::new(machine, &options).expect("an engine");
        assert!(matches!(vm.run(None), Stop::Halt));
        assert_eq!(vm.console_mut::<Scripted>().expect("the console").output, [0]);
    }
}

/// A program that counts on more numbers than there are by default is told of the option; others are not.
#[test]
fn a_fault_names_the_option_where_it_may_help() {
    let counts = |allocs: u32| {
        let mut b = Builder::new();
        times(&mut b, allocs, |b| {
            b.literal(R1, 1);
            b.alloc(R2, R1);
        });
        b.literal(R1, allocs);
        b.literal(R2, 0);
        b.index(R3, R1, R2);
        b.output(R2);
        b.literal(R1, 123_456);
        b.index(R3, R1, R2);
        image(&b.build())
    };
    let (few, many) = (counts(100), counts(NAMED_ALLOCS + 100));
    for engine in ENGINES {
        let told = |path: &Path, ids: &str| {
            let run = rum(&with(engine, &["--ids", ids, arg(path)])).output().expect("it starts");
            let text = String::from_utf8(run.stderr.clone()).expect("text");
            assert_eq!(status(&run), 1, "{text}");
            assert!(text.contains("which was never active"), "{text}");
            (run.stdout.len(), text.contains("--ids sequential"))
        };
        assert_eq!(told(&few, "mixed"), (1, false), "it got all the numbers that it counts on");
        assert_eq!(told(&many, "mixed"), (0, true));
        assert_eq!(told(&many, "sequential"), (1, false));
        assert_eq!(told(&few, "address"), (0, true));
    }
}

/// What is reported says which identifiers there were.
#[test]
fn statistics_tell_the_identifiers() {
    let path = image(&[lit(1, 3), alloc(2, 1), alloc(2, 1), halt()]);
    for (ids, highest) in [("mixed", 2), ("sequential", 2), ("address", 0)] {
        let run = rum(&["--stats=json", "--ids", ids, arg(&path)]).output().expect("it starts");
        let stats: serde_json::Value = serde_json::from_slice(&run.stderr).expect("JSON");
        assert_eq!((&stats["ids"], &stats["ids_max"]), (&ids.into(), &highest.into()));
    }
}
