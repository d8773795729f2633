//! `run --sandbox`: programs run as ever, on every engine; the filter is on, on every thread; what cannot be combined with it is refused.
//! That what is not allowed kills is tested in `shut_in.rs`.
#![cfg(target_os = "linux")]

use crate::support::*;
use rum_testkit::programs::programs;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Long enough for a program to get where it goes.
const A_WHILE: Duration = Duration::from_millis(50);

/// Each engine, and both compilers from the first executions on, by a thread and at once.
const WAYS: [&[&str]; 5] = [
    &["--engine", "interp"],
    &["--engine", "jit"],
    &["--engine", "jit", "--baseline-threshold", "1", "--hot-threshold", "20"],
    &["--engine", "jit", "--hot-threshold", "1", "--compile-threads", "0"],
    &["--engine", "jit", "--hot-threshold", "1", "--no-baseline", "--code-budget", "64K"],
];

#[test]
fn programs_run_as_ever() {
    let mut compiled = [0; WAYS.len()];
    for program in programs() {
        let input = match program.small {
            Some(size) => format!("{size}\n"),
            None => program.input.clone().unwrap_or_default(),
        };
        let path = program.image_path();
        let run = |args: &[&str]| {
            let run = rum(&[args, &["--stats=json", arg(&path)]].concat()).write_stdin(input.clone()).output();
            let run = run.expect("it starts");
            assert_eq!((status(&run), stats(&run)["end"].as_str()), (0, Some("halt")), "{} {args:?}", program.name);
            run
        };
        let free = run(&[]);
        for (way, compiled) in WAYS.into_iter().zip(&mut compiled) {
            let shut = run(&with(way, &["--sandbox"]));
            assert!(shut.stdout == free.stdout, "{} {way:?}", program.name);
            assert_eq!(counter(&shut, "instructions"), counter(&free, "instructions"), "{} {way:?}", program.name);
            *compiled += counter(&shut, "baseline_blocks") + counter(&shut, "regions_published");
            assert!(stats(&shut)["gave_up"].is_null() && counter(&shut, "peak_rss_bytes") > 0);
        }
    }
    assert!(compiled[0] == 0 && compiled[1..].iter().all(|&pieces| pieces > 100), "{compiled:?}");
}

/// A program that has put its first byte out, and waits for one.
fn waiting(args: &[&str]) -> Child {
    let path = image(&ready_set_spin());
    let mut process = guest(&[args, &["--sandbox", arg(&path)]].concat());
    let mut byte = [0];
    process.stdout.as_mut().expect("piped").read_exact(&mut byte).expect("a first byte");
    process
}

#[test]
fn the_filter_is_on_for_every_thread() {
    let mut process = waiting(&["--engine", "jit"]);
    let look = || {
        let mut names = Vec::new();
        for task in fs::read_dir(format!("/proc/{}/task", process.id())).expect("its threads") {
            let status = fs::read_to_string(task.expect("a thread").path().join("status")).expect("it is alive");
            let of = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim();
            assert_eq!((of("Seccomp:"), of("NoNewPrivs:")), ("2", "1"), "{status}");
            names.push(of("Name:").to_owned());
        }
        names.sort();
        names
    };
    // A thread gives itself its name, when it comes to that.
    let start = Instant::now();
    while look() != ["rum", "rum-compile", "timeout"] {
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", look());
        std::thread::sleep(Duration::from_millis(10));
    }
    process.kill().expect("it runs");
    process.wait().expect("an end");
}

#[test]
fn nothing_is_open_that_rum_has_not_opened() {
    let path = image(&ready_set_spin());
    let line = format!("exec 7</etc/passwd; exec {RUM} --timeout 60s --sandbox {}", arg(&path));
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = shell.spawn().expect("a shell");
    process.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("a first byte");
    let link = |entry: std::io::Result<fs::DirEntry>| fs::read_link(entry.expect("a descriptor").path()).ok();
    let open: Vec<_> = fs::read_dir(format!("/proc/{}/fd", process.id())).expect("it runs").filter_map(link).collect();
    assert!(open.iter().all(|name| name.to_string_lossy().starts_with("pipe:")), "{open:?}");
    assert_eq!(open.len(), 6, "three, standard output once more, and both ends of the control's pipe: {open:?}");
    process.kill().expect("it runs");
    process.wait().expect("an end");
}

#[test]
fn a_run_is_ended_from_outside_as_ever() {
    for engine in ENGINES {
        let mut process = waiting(engine);
        process.stdin.as_mut().expect("piped").write_all(b"!").expect("somebody reads");
        std::thread::sleep(A_WHILE);
        kill_process(Pid::from_child(&process), Signal::INT).expect("it runs");
        let run = end_soon(process);
        assert_eq!((status(&run), complaint(&run)), (130, "interrupted"), "{engine:?}");
    }
    let path = image(&spin(0));
    for engine in ENGINES {
        let run = rum(&with(engine, &["--sandbox", "--timeout", "100ms", arg(&path)])).output().expect("it starts");
        assert_eq!((status(&run), complaint(&run)), (3, "time limit of 100ms reached (--timeout raises it)"));
    }
}

#[test]
fn failures_are_told_as_ever() {
    let memory = image(&[lit(1, 1 << 20), alloc(2, 1), lit(7, 1), load_program(6, 7)]);
    let division = image(&[lit(1, 5), div(2, 1, 0)]);
    for engine in ENGINES {
        for (path, args, expected) in [(&memory, &["--max-memory", "64M"][..], 3), (&division, &[], 1)] {
            let run = |sandbox: &[&str]| {
                let run = rum(&[engine, args, sandbox, &[arg(path)]].concat()).output().expect("it starts");
                (status(&run), stderr(&run).to_owned())
            };
            assert_eq!(run(&["--sandbox"]), run(&[]), "{engine:?}");
            assert_eq!(run(&["--sandbox"]).0, expected);
        }
    }
}

/// Where memory is scarce, the engine looks before it compiles how much there is.
#[test]
fn little_memory_suffices() {
    let program = programs().into_iter().find(|program| program.name == "sieve").expect("it is on the list");
    let script = "ulimit -v 4000000; ulimit -d 2000000; exec \"$0\" --sandbox --stats=json --hot-threshold 1 \"$1\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, RUM, arg(&program.image_path())]).stdin(Stdio::null());
    let run = shell.output().expect("a shell");
    assert_eq!((status(&run), &run.stdout[..]), (0, program.expected().as_bytes()), "{}", stderr(&run));
    assert!(counter(&run, "regions_published") > 0);
}

/// Files that a run writes to are opened before; so are symbols, which a fault may ask for.
#[test]
fn files_are_opened_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = |name: &str| arg(&folder.path().join(name)).to_owned();
    let (source, program) = (name("a.ums"), name("a.um"));
    fs::write(&source, ".temps r7\nmain:\n output \"x\"\n r1 := 7\n r2 := r1 / r0\n").expect("room");
    rum(&["asm", "-g", "-o", &program, &source]).assert().success();
    let [stats, transcript, record, trace] = ["stats", "transcript", "record", "trace"].map(name);
    let files = ["--stats-file", &stats, "--transcript", &transcript, "--record", &record, "--trace-file", &trace];
    let run = rum(&[&["--sandbox"], &files[..], &[&program]].concat()).output().expect("it starts");
    assert_eq!(status(&run), 1, "{}", stderr(&run));
    assert!(complaint(&run).contains("a.ums:5 in main"), "{}", stderr(&run));
    for file in [&stats, &transcript, &record, &trace] {
        assert!(fs::metadata(file).expect("it was made").len() > 0, "{file}");
    }
    rum(&["replay", &record]).assert().success();
    let saved = name("a.snap");
    rum(&["--save-at", "1", "--save", &saved, &program]).assert().success();
    let run = rum(&["resume", "--sandbox", &saved]).output().expect("it starts");
    assert_eq!((status(&run), &run.stdout[..]), (1, &b"x"[..]), "{}", stderr(&run));
}

/// The terminal edits lines itself then.
#[test]
fn on_a_terminal_lines_are_read_and_output_appears() {
    for way in WAYS {
        let (mut watched, side) = terminal();
        let other = || Stdio::from(side.try_clone().expect("a descriptor"));
        let cat = root().join("umbin/cat.um");
        let args = with(way, &["--sandbox", "--timeout", "60s", arg(&cat)]);
        let process = Command::new(RUM).args(args).stdin(other()).stdout(other()).stderr(other()).spawn();
        let mut process = process.expect("it starts");
        let mut told = |typed: &[u8], expected: &str| {
            watched.write_all(typed).expect("a terminal");
            let mut text = vec![0; expected.len()];
            watched.read_exact(&mut text).expect("output");
            assert_eq!(String::from_utf8_lossy(&text), expected, "{way:?}");
        };
        // What is typed is shown, a letter is taken back, and the line comes back as it is then.
        told(b"ab\x7fc\n", "ab\u{8} \u{8}c\r\nac\r\n");
        told(b"d\n", "d\r\nd\r\n");
        // The end of input.
        told(b"\x04", "");
        assert_eq!(process.wait().expect("an end").code(), Some(0), "{way:?}");
    }
}

#[test]
fn what_wants_more_later_is_refused() {
    let path = image(&[halt()]);
    let options =
        ["--verify", "--cache", "--cache-dir=x", "--save-at=1", "--save=x", "--trace", "--perf-map", "--jitdump"];
    for option in options {
        let run = rum(&["--sandbox", option, arg(&path)]).output().expect("it starts");
        let line = stderr(&run).lines().next().unwrap_or_default();
        let name = option.split('=').next().expect("a name");
        assert!(status(&run) == 2 && line.contains("--sandbox") && line.contains(name), "{option}: {line}");
    }
    let run = rum(&["--sandbox", arg(&path)]).env("RUM_CACHE", "1").output().expect("it starts");
    assert_eq!(status(&run), 2);
    assert!(complaint(&run).contains("--sandbox") && complaint(&run).contains("RUM_CACHE"), "{}", stderr(&run));
    rum(&["--sandbox", arg(&path)]).env("RUM_CACHE", "0").assert().success();
}
