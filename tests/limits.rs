//! Limits on memory, instructions and time: exact where they can be, and reported, never a crash.

use crate::support::*;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A number as people are told it.
fn thousands(number: u64) -> String {
    match (number / 1_000_000, number / 1000 % 1000, number % 1000) {
        (0, 0, rest) => rest.to_string(),
        (0, thousands, rest) => format!("{thousands},{rest:03}"),
        (millions, thousands, rest) => format!("{millions},{thousands:03},{rest:03}"),
    }
}

#[test]
fn exactly_as_many_instructions_are_executed() {
    // After the first instruction, four go round; the second of them puts a byte out.
    let program = [lit(1, b'x'.into()), lit(7, 1), output(1), lit(6, 0), load_program(6, 7)];
    let path = image(&program);
    for engine in ENGINES {
        for limit in [0, 1, 2, 3, 7, 1000, 99_999, 100_000, 100_001] {
            let max = limit.to_string();
            let args = with(engine, &["--stats=json", "--max-instructions", &max, arg(&path)]);
            let run = rum(&args).output().expect("it starts");
            assert_eq!(status(&run), 3);
            let told = thousands(limit);
            assert_eq!(complaint(&run), format!("instruction limit of {told} reached (--max-instructions raises it)"));
            assert_eq!(counter(&run, "instructions"), limit, "{engine:?}");
            let outputs = (0..limit).filter(|instruction| instruction % 4 == 2).count();
            assert_eq!(run.stdout.len(), outputs, "{engine:?}, {limit}");
            assert_eq!(stats(&run)["end"], "instructions");
        }
    }
}

#[test]
fn a_program_may_halt_with_its_last_instruction() {
    let path = image(&[print("ab"), vec![halt()]].concat());
    for engine in ENGINES {
        let args = |max| with(engine, &["--max-instructions", max, arg(&path)]);
        rum(&args("5")).assert().code(0).stdout("ab").stderr("");
        rum(&args("4")).assert().code(3).stdout("ab");
        rum(&args("3")).assert().code(3).stdout("a");
        rum(&args("1e3")).assert().code(0).stdout("ab");
    }
}

#[test]
fn a_fault_at_the_limit_is_not_reached() {
    let path = image(&[lit(1, 1), div(1, 1, 0)]);
    rum(&["--max-instructions", "1", arg(&path)]).assert().code(3);
    rum(&["--max-instructions", "2", arg(&path)]).assert().code(1);
}

/// Allocates segments of `words` words for ever.
pub fn allocate_for_ever(words: u32) -> Vec<rum::Word> {
    let mut program = print("before");
    let start = u32::try_from(program.len()).expect("short");
    program.extend([lit(2, words), lit(7, start + 2), alloc(3, 2), load_program(6, 7)]);
    program
}

#[test]
fn memory_is_limited_and_that_is_reported() {
    const SLACK_BYTES: u64 = 24 << 20;
    for words in [0, 1, 3, 100, 253, 254, 5000, 3_000_000] {
        let path = image(&allocate_for_ever(words));
        let mut counts = Vec::new();
        for engine in ENGINES {
            let args = with(engine, &["--stats=json", "--max-memory", "64M", arg(&path)]);
            let run = rum(&args).output().expect("it starts");
            assert_eq!((status(&run), &run.stdout[..]), (3, &b"before"[..]));
            let told = if words == 1 { "1 word".to_owned() } else { format!("{} words", thousands(words.into())) };
            let message =
                format!("memory limit of 64.0 MiB reached: no room for a segment of {told} (--max-memory raises it)");
            assert_eq!(complaint(&run), message);
            assert_eq!(stats(&run)["end"], "memory");
            let used = counter(&run, "memory_used_bytes");
            assert!(used <= 64 << 20, "{words}: {used}");
            let peak = counter(&run, "peak_rss_bytes");
            assert!(peak <= (64 << 20) + SLACK_BYTES, "{words}: {peak} bytes resident");
            counts.push(counter(&run, "instructions"));
        }
        assert!(counts.windows(2).all(|pair| pair[0] == pair[1]), "the same in every engine: {counts:?}");
    }
}

/// What rum notes about a program that is executed everywhere is a part of the limit on memory, whatever the program's size.
#[test]
fn tables_beside_the_program_are_limited() {
    const WORDS: u32 = 6_000_000;
    let path = image(&rum_testkit::shapes::hostile::straight_line(WORDS, 3));
    let mut counts = Vec::new();
    for engine in ENGINES {
        let args = with(engine, &["--stats=json", "--max-memory", "64M", arg(&path)]);
        let run = rum(&args).output().expect("it starts");
        assert_eq!(status(&run), 0, "{}", stderr(&run));
        let tables = counter(&run, "tables_bytes");
        assert!((8 << 20..=16 << 20).contains(&tables), "{tables} bytes of tables");
        let most = u64::from(WORDS) * 5 + (16 << 20) + (24 << 20);
        let peak = counter(&run, "peak_rss_bytes");
        assert!(peak <= most, "{peak} bytes resident, at most {most} expected");
        counts.push(counter(&run, "instructions"));
    }
    assert!(counts.windows(2).all(|pair| pair[0] == pair[1]), "the same in every engine: {counts:?}");
}

#[test]
fn a_segment_may_be_larger_than_everything_there_is() {
    // All ones: 16 GiB of words.
    let path = image(&[nand(1, 0, 0), alloc(2, 1), halt()]);
    for engine in ENGINES {
        let run = rum(&with(engine, &["--max-memory", "1G", arg(&path)])).output().expect("it starts");
        assert_eq!(status(&run), 3);
        assert!(complaint(&run).contains("no room for a segment of 4,294,967,295 words"));
    }
}

#[test]
fn a_program_larger_than_the_limit_is_not_started() {
    let path = image(&vec![halt(); 10_000]);
    let run = rum(&["--max-memory", "16K", arg(&path)]).output().expect("it starts");
    assert_eq!(status(&run), 3);
    let message = format!("{} does not fit into the memory limit of 16.0 KiB (--max-memory raises it)", arg(&path));
    assert_eq!(complaint(&run), message);
    rum(&["--max-memory", "1M", arg(&path)]).assert().code(0);
}

#[test]
fn copies_of_programs_count_as_memory() {
    // A program of 4 million words, made from a segment, while that segment stays: twice 16 MiB.
    let path = image(&[lit(1, 4 << 20), alloc(2, 1), load_program(2, 0)]);
    rum(&["--max-memory", "24M", arg(&path)]).assert().code(3);
    // Word 0 of the new program is a conditional move that does nothing, as is every other: it runs off its end.
    let run = rum(&["--max-memory", "40M", arg(&path)]).output().expect("it starts");
    assert!(complaint(&run).starts_with("fault pc-outside: pc outside segment 0, which has 4194304 words"));
}

#[test]
fn memory_that_is_given_back_can_be_used_again() {
    for words in [1, 100, 3_000_000] {
        // A hundred thousand rounds for small segments, a hundred for large ones.
        let rounds = if words < 254 { 100_000 } else { 100 };
        let program = [
            lit(1, rounds),
            nand(5, 0, 0),
            lit(2, words),
            alloc(3, 2),
            abandon(3),
            add(1, 1, 5),
            lit(7, 10),
            lit(4, 2),
            cmov(7, 4, 1),
            load_program(6, 7),
            halt(),
        ];
        let path = image(&program);
        for engine in ENGINES {
            rum(&with(engine, &["--max-memory", "20M", arg(&path)])).assert().code(0).stderr("");
        }
    }
}

/// Runs something that never ends by itself, with a time limit of 200 ms.
fn out_of_time(mut command: std::process::Command) -> std::process::Output {
    let start = Instant::now();
    let run = end_soon(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts"));
    let time = start.elapsed();
    assert_eq!((status(&run), complaint(&run)), (3, "time limit of 200ms reached (--timeout raises it)"));
    assert!(time >= Duration::from_millis(200), "{time:?}");
    run
}

#[test]
fn time_is_up_in_a_loop() {
    let path = image(&print_and_spin("looping"));
    for engine in ENGINES {
        let mut command = std::process::Command::new(RUM);
        command.args(with(engine, &["--timeout", "200ms", arg(&path)]));
        assert_eq!(out_of_time(command).stdout, b"looping");
    }
}

#[test]
fn time_is_up_while_waiting_for_input() {
    let path = image(&[print("waiting"), vec![input(1), halt()]].concat());
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let mut command = std::process::Command::new(RUM);
    command.args(["--timeout", "200ms", arg(&path)]).stdin(reader);
    assert_eq!(out_of_time(command).stdout, b"waiting");
}

#[test]
fn time_is_up_while_waiting_for_the_image() {
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let mut command = std::process::Command::new(RUM);
    command.args(["--timeout", "200ms", "-"]).stdin(reader);
    assert_eq!(out_of_time(command).stdout, b"");
}

#[test]
fn time_is_up_while_nobody_reads() {
    let path = image(&print_for_ever());
    let (_reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = std::process::Command::new(RUM);
    command.args(["--timeout", "200ms", arg(&path)]).stdout(writer).stderr(Stdio::piped());
    let run = end_soon(command.spawn().expect("it starts"));
    assert_eq!((status(&run), complaint(&run)), (3, "time limit of 200ms reached (--timeout raises it)"));
}

#[test]
fn small_address_spaces_suffice() {
    let path = image(&[print("small"), vec![halt()]].concat());
    let limited = |kib: u32, path: &std::path::Path| {
        let script = format!("ulimit -v {kib}; exec \"$0\" \"$1\"");
        std::process::Command::new("sh").args(["-c", &script, RUM, arg(path)]).output().expect("a shell")
    };
    for kib in [3_000_000, 1_000_000, 300_000, 100_000] {
        let run = limited(kib, &path);
        assert_eq!((status(&run), &run.stdout[..]), (0, &b"small"[..]), "{kib}: {}", stderr(&run));
        let run = limited(kib, &image(&allocate_for_ever(1000)));
        assert_eq!((status(&run), &run.stdout[..]), (3, &b"before"[..]), "{kib}: {}", stderr(&run));
        assert!(complaint(&run).contains("no room for a segment of 1,000 words"), "{}", stderr(&run));
    }
    let run = limited(40_000, &path);
    assert_eq!(status(&run), 2);
    assert!(complaint(&run).contains("ulimit -v"), "{}", stderr(&run));
}

/// 8 MiB are what a release may take. The binary under test is half as large again, by its assertions and because it is built quickly, and
/// so is what of it is read: that takes it a little above. How quick starting is the gate counts, in instructions of the host.
#[test]
fn hello_is_small() {
    let path = root().join("umbin/hello.um");
    for (engine, peak_max) in [("interp", 9 << 20), ("auto", 10 << 20)] {
        let run = rum(&["--engine", engine, "--stats=json", arg(&path)]).output().expect("it starts");
        assert_eq!(status(&run), 0);
        assert!(counter(&run, "peak_rss_bytes") <= peak_max, "{}", stats(&run));
    }
}
