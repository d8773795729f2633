//! What surrounds a run: limits of the system, readers that are slow, stopped or gone, signals, files that never end.

use crate::support::*;
use rum_testkit::shapes::{growth, hostile};
use rustix::process::Signal;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Long enough for a program to get where it goes.
const A_WHILE: Duration = Duration::from_millis(200);

/// Runs rum in a shell that has limited itself so.
fn limited(limit: &str, args: &[&str]) -> Output {
    let script = format!("ulimit {limit}; exec \"$0\" \"$@\"");
    let run = Command::new("sh").args(["-c", &script, RUM]).args(args).stdin(Stdio::null()).output();
    run.expect("a shell")
}

/// With few bytes for data, code is missing, and nothing else: what the program puts out and how it ends are as the interpreter has it.
#[test]
fn where_memory_is_scarce_code_is_missing_and_nothing_else() {
    let path = image(&growth::live_segments(1 << 20, 400_000));
    let mut compiled = 0;
    for kib in [8_000, 20_000, 30_000, 48_000, 56_000, 70_000, 90_000, 120_000, 160_000, 300_000] {
        let limit = format!("-d {kib}");
        let runs = ENGINES.map(|engine| limited(&limit, &with(engine, &["--stats=json", arg(&path)])));
        let [first, others @ ..] = &runs;
        let expected = if kib >= 70_000 { 0 } else { status(first) };
        assert!([0, 3].contains(&expected), "{kib}: {}", stderr(first));
        for run in others {
            assert_eq!((status(run), &run.stdout), (expected, &first.stdout), "{kib}: {}", stderr(run));
            // With less, three quarters of it are more than what the command itself leaves.
            if kib >= 20_000 {
                assert_eq!(counter(run, "instructions"), counter(first, "instructions"), "{kib}");
            }
            compiled += counter(run, "regions_published");
        }
    }
    assert!(compiled > 0);
}

/// Address space is shared: however little there is, hot code is translated, and if not all tiers have room that is told.
#[test]
fn address_space_is_shared_with_code() {
    let path = image(&hostile::ways_round(15, 1_000_000));
    for kib in [100_000, 160_000, 250_000, 500_000, 1_000_000, 2_500_000, 4_500_000, 9_000_000, 20_000_000, 60_000_000]
    {
        for engine in [&["--engine", "jit"], &["--engine", "auto"]] {
            let args = with(engine, &["--stats=json", "--compile-threads", "0", arg(&path)]);
            let run = limited(&format!("-v {kib}"), &args);
            assert_eq!(status(&run), 0, "{kib}: {}", stderr(&run));
            assert!(
                counter(&run, "instructions_compiled") > counter(&run, "instructions") / 2,
                "{kib}: {}",
                stats(&run)
            );
            let refused = stats(&run)["compiler_failures"]["system"].as_u64();
            let has_units = counter(&run, "regions_published") > 0;
            assert!(has_units || refused > Some(0), "{kib}: what is missing is told: {}", stats(&run));
            assert!(has_units || kib < 200_000, "{kib}: {}", stats(&run));
        }
    }
}

#[test]
fn a_small_stack_suffices() {
    for kib in [40, 100, 400] {
        let run = limited(&format!("-s {kib}"), &["--engine", "jit", "--stats", arg(&root().join("umbin/hello.um"))]);
        assert_eq!((status(&run), &run.stdout[..]), (0, &b"Hello, world!\n"[..]), "{kib}: {}", stderr(&run));
        assert_eq!(status(&limited(&format!("-s {kib}"), &["explain", "--help"])), 0);
    }
}

/// A file that becomes too large is an error like others.
#[test]
fn a_file_that_becomes_too_large_is_an_error() {
    let path = image(&print_for_ever());
    let folder = tempfile::tempdir().expect("a folder");
    let script = "ulimit -f 100; exec \"$0\" \"$1\" > \"$2\"";
    let out = folder.path().join("out");
    let run = Command::new("sh").args(["-c", script, RUM, arg(&path), arg(&out)]).output().expect("a shell");
    assert_eq!((status(&run), stderr(&run)), (2, "rum: cannot write to standard output: File too large\n"));
}

/// So it is for commands that run no program. Nothing is left that could be taken for a whole file.
#[test]
fn what_writes_files_says_that_one_is_too_large() {
    let folder = tempfile::tempdir().expect("a folder");
    let [source, made] = ["big.ums", "big.um"].map(|name| folder.path().join(name));
    std::fs::write(&source, "halt\n".repeat(2000)).expect("room");
    let run = limited("-f 1", &["asm", "-o", arg(&made), arg(&source)]);
    assert_eq!(
        (status(&run), stderr(&run)),
        (2, format!("rum: cannot write to {}: File too large\n", arg(&made)).as_str())
    );
    assert!(!made.exists());
    let script = "ulimit -f 1; exec \"$0\" man run > \"$1\"";
    let run = Command::new("sh").args(["-c", script, RUM, arg(&made)]).output().expect("a shell");
    assert_eq!((status(&run), stderr(&run)), (2, "rum: cannot write to standard output: File too large\n"));
}

/// A terminal that somebody has stopped, or whose other side nobody reads, ends no wait: signals and time limits do.
#[test]
fn a_terminal_that_takes_nothing_is_left() {
    let path = image(&print_for_ever());
    for (more, signal, expected) in [
        (&["--timeout", "400ms"][..], None, (3, "time limit of 400ms reached (--timeout raises it)")),
        (&[], Some(Signal::INT), (130, "interrupted")),
        (&[], Some(Signal::TERM), (143, "terminated")),
        (&[], Some(Signal::HUP), (129, "hung up")),
        (&[], Some(Signal::QUIT), (131, "quit")),
    ] {
        let (watched, side) = terminal();
        let process = Command::new(RUM)
            .args([&["--patience", "100ms"], more, &[arg(&path)]].concat())
            .stdin(Stdio::null())
            .stdout(side)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        std::thread::sleep(A_WHILE);
        if let Some(signal) = signal {
            send(&process, signal);
        }
        let run = end_soon(process);
        drop(watched);
        assert_eq!((status(&run), complaint(&run)), expected);
        let lost = stderr(&run).lines().nth(1).expect("something is lost");
        assert!(lost.contains("of the output for 100ms: lost (--patience waits longer)"), "{lost}");
    }
}

/// What a reader does not take is told, to the byte, and who waits longer loses less.
#[test]
fn what_nobody_took_is_told() {
    const PIPE_BYTES: usize = 1 << 16;
    let path = image(&print_and_spin(&"0123456789".repeat(10_000)));
    let run_with = |patience: &str, idle: Duration| {
        let args = ["--patience", patience, "--timeout", "200ms", arg(&path)];
        let mut process =
            Command::new(RUM).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it");
        let mut stdout = process.stdout.take().expect("piped");
        std::thread::sleep(idle);
        let mut got = Vec::new();
        stdout.read_to_end(&mut got).expect("output");
        (got.len(), end_soon(process))
    };
    let (got, run) = run_with("100ms", Duration::from_millis(1500));
    assert_eq!((got, status(&run)), (PIPE_BYTES, 3));
    let lost = "rum: nobody took the last 34,464 bytes of the output for 100ms: lost (--patience waits longer)";
    assert_eq!(stderr(&run).lines().nth(1), Some(lost));
    let (got, run) = run_with("30s", Duration::from_millis(1500));
    assert_eq!((got, stderr(&run).lines().count()), (100_000, 1), "{}", stderr(&run));
}

/// That its reader has gone is no excuse for what a program does afterwards.
#[test]
fn a_reader_that_is_gone_hides_no_failure() {
    let fault = image(&[print("x"), vec![div(1, 1, 0)]].concat());
    let spin = image(&print_and_spin("x"));
    let halt_after = image(&[print("x"), vec![halt()]].concat());
    let gone = |args: &[&str], signal: Option<Signal>| {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let process = Command::new(RUM).args(args).stdout(writer).stderr(Stdio::piped()).spawn().expect("it starts");
        std::thread::sleep(if signal.is_some() { A_WHILE } else { Duration::ZERO });
        signal.into_iter().for_each(|signal| send(&process, signal));
        end_soon(process)
    };
    for engine in ENGINES {
        let run = gone(&with(engine, &[arg(&fault)]), None);
        assert_eq!((status(&run), complaint(&run).contains("division of 120 by 0")), (1, true), "{}", stderr(&run));
        assert_eq!(status(&gone(&with(engine, &["--max-instructions", "1000", arg(&spin)]), None)), 3);
        assert_eq!(status(&gone(&with(engine, &["--timeout", "100ms", arg(&spin)]), None)), 3);
        assert_eq!(status(&gone(&with(engine, &[arg(&spin)]), Some(Signal::TERM))), 143);
        let run = gone(&with(engine, &[arg(&halt_after)]), None);
        assert_eq!((status(&run), stderr(&run)), (0, ""));
    }
}

/// What whoever started the process has it ignore, as `nohup` does, it ignores.
#[test]
fn ignored_signals_stay_ignored() {
    let path = image(&ready_set_spin());
    let script = "trap '' HUP INT; exec \"$0\" --timeout 20s \"$1\"";
    let mut process = Command::new("sh")
        .args(["-c", script, RUM, arg(&path)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut byte = [0];
    process.stdout.as_mut().expect("piped").read_exact(&mut byte).expect("a first byte");
    send(&process, Signal::HUP);
    send(&process, Signal::INT);
    std::thread::sleep(A_WHILE);
    assert!(process.try_wait().expect("a child").is_none(), "it goes on");
    send(&process, Signal::TERM);
    assert_eq!(status(&end_soon(process)), 143);
}

#[test]
fn time_is_up_while_nobody_writes_the_image() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let mut command = Command::new(RUM);
    command.args(["--timeout", "200ms", arg(&pipe)]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = end_soon(command.spawn().expect("it starts"));
    assert_eq!((status(&run), complaint(&run)), (3, "time limit of 200ms reached (--timeout raises it)"));
}

#[test]
fn output_that_is_closed_is_told_at_once() {
    let hello = root().join("umbin/hello.um");
    for args in [&[arg(&hello)][..], &["disasm", arg(&hello)], &["man"]] {
        let mut command = Command::new("sh");
        let run = command.args(["-c", "exec \"$0\" \"$@\" >&-", RUM]).args(args).output().expect("a shell");
        assert_eq!(status(&run), 2);
        assert!(complaint(&run).starts_with("standard output is closed: "), "{}", stderr(&run));
    }
}

#[test]
fn names_of_files_say_nothing_to_a_terminal() {
    let run = rum(&["no\u{1b}[2Jsuch\nfile\u{9b}"]).output().expect("it starts");
    assert_eq!(status(&run), 2);
    assert!(complaint(&run).starts_with("cannot open image no\\u{1b}[2Jsuch\\nfile\\u{9b}: "), "{}", stderr(&run));
}

/// Devices without an end are not read for ever.
#[test]
fn what_has_no_end_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("a.ums");
    std::fs::write(&source, ".include \"/dev/zero\"\n").expect("room");
    let out = folder.path().join("a.um");
    let hello = root().join("umbin/hello.um");
    for (args, said) in [
        (&["disasm", "/dev/zero"][..], "cannot read /dev/zero: it has more than 1 GiB"),
        (&["asm", "/dev/zero", "-o", arg(&out)], "cannot read /dev/zero: it has more than 1 GiB"),
        (&["--input-script", "/dev/zero", arg(&hello)], "cannot read the script /dev/zero: it has more than 1 GiB"),
        (&["diff", "--input", "/dev/zero", arg(&hello), arg(&hello)], "cannot read /dev/zero: it has more than 1 GiB"),
        (&["resume", "/dev/zero"], "cannot resume /dev/zero: it is no snapshot"),
    ] {
        let run = rum(args).output().expect("it starts");
        assert!(status(&run) == 2 && complaint(&run).starts_with(said), "{args:?}: {}", stderr(&run));
    }
    let run = rum(&["asm", "--extended", arg(&source), "-o", arg(&out)]).output().expect("it starts");
    assert!(
        status(&run) == 1 && stderr(&run).contains("cannot read `/dev/zero`: it has more than 1 GiB"),
        "{}",
        stderr(&run)
    );
    assert!(!Path::exists(&out));
}

#[test]
fn there_is_no_space_of_less_than_nothing() {
    let source = file(b".space -1\nhalt\n");
    let run = rum(&["asm", arg(&source), "-o", "/dev/null"]).output().expect("it starts");
    assert!(status(&run) == 1 && stderr(&run).contains("there is no space of -1 words"), "{}", stderr(&run));
}

/// A program has at most 2^30 words: it is not the limit on memory that keeps a larger segment from being one.
#[test]
fn a_program_that_is_too_large_is_told_apart() {
    // r1 := 2^30 + 1, by 2^15 * 2^15.
    let square = rum::isa::Instruction::Mul {
        a: rum::isa::Reg::from_bits(1),
        b: rum::isa::Reg::from_bits(1),
        c: rum::isa::Reg::from_bits(1),
    };
    let program = [lit(1, 1 << 15), square.encode(), lit(2, 1), add(1, 1, 2), alloc(3, 1), load_program(3, 0)];
    let path = image(&program);
    for engine in ENGINES {
        let run = rum(&with(engine, &["--max-memory", "64G", arg(&path)])).output().expect("it starts");
        assert_eq!(status(&run), 3);
        let said = "a segment of 1,073,741,825 words was loaded as the program, which has at most ";
        assert!(complaint(&run).starts_with(said), "{}", stderr(&run));
    }
}

/// What is left behind by a command that is ended, and by the processes that it started.
#[test]
fn what_was_started_ends_with_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().join("alive");
    let program = root().join("umbin/hello.um");
    // A machine that starts another process, which notes that it lives.
    let machine = format!("sh -c '(while :; do date > {0}; sleep 0.05; done) & wait' {{}}", arg(&mark));
    for args in [
        &["bench", "--engines", "interp", "--against", &machine, "--runs", "3", arg(&program)][..],
        &["check", &machine],
        &["test", "--machine", &machine, arg(&program)],
    ] {
        let mut command = Command::new(RUM);
        let process = command.args(args).stdout(File::create("/dev/null").expect("it")).stderr(Stdio::piped());
        let process = process.process_group(0).spawn().expect("it starts");
        let start = Instant::now();
        while !mark.exists() {
            assert!(start.elapsed() < Duration::from_secs(20), "{args:?} starts nothing");
            std::thread::sleep(Duration::from_millis(10));
        }
        send(&process, Signal::TERM);
        end_soon(process);
        std::thread::sleep(Duration::from_millis(300));
        let _ = std::fs::remove_file(&mark);
        std::thread::sleep(Duration::from_millis(300));
        assert!(!mark.exists(), "{args:?} leaves processes behind");
    }
}
