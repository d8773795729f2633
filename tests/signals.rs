//! SIGINT and SIGTERM: in a loop, in a wait for input, in a wait for a reader.

use crate::support::*;
use rustix::process::Signal;
use std::io::{Read, Write};
use std::process::Child;
use std::time::{Duration, Instant};

const SIGNALS: [(Signal, i32, &str); 2] = [(Signal::INT, 130, "interrupted"), (Signal::TERM, 143, "terminated")];

/// Long enough for a program to get where it goes.
const A_WHILE: Duration = Duration::from_millis(150);

/// Starts a program and waits until it has put its first byte out.
fn started(args: &[&str]) -> Child {
    let mut process = guest(args);
    let mut byte = [0];
    process.stdout.as_mut().expect("piped").read_exact(&mut byte).expect("a first byte");
    process
}

#[test]
fn a_loop_is_left_after_its_output() {
    let path = image(&ready_set_spin());
    for (signal, expected, word) in SIGNALS {
        for engine in ENGINES {
            let mut process = started(&with(engine, &["--stats=json", arg(&path)]));
            process.stdin.as_mut().expect("piped").write_all(b"!").expect("somebody reads");
            std::thread::sleep(A_WHILE);
            send(&process, signal);
            let run = end_soon(process);
            assert_eq!((status(&run), complaint(&run)), (expected, word));
            assert_eq!(run.stdout, b"s", "what was put out is written");
            assert!(counter(&run, "instructions") > 1000, "statistics come all the same");
        }
    }
}

#[test]
fn a_wait_for_input_is_left() {
    let path = image(&ready_set_spin());
    for (signal, expected, word) in SIGNALS {
        let process = started(&[arg(&path)]);
        std::thread::sleep(A_WHILE);
        send(&process, signal);
        let run = end_soon(process);
        assert_eq!((status(&run), stderr(&run)), (expected, format!("rum: {word}\n").as_str()));
    }
}

#[test]
fn a_wait_for_a_reader_is_left() {
    let path = image(&print_for_ever());
    for (signal, expected, word) in SIGNALS {
        let mut process = started(&[arg(&path)]);
        // Nobody reads on, but the pipe stays open.
        let stdout = process.stdout.take();
        std::thread::sleep(A_WHILE);
        send(&process, signal);
        let run = end_soon(process);
        drop(stdout);
        assert_eq!((status(&run), complaint(&run)), (expected, word));
        assert!(stderr(&run).contains("of the output for 1s: lost"), "{}", stderr(&run));
    }
}

#[test]
fn a_slow_reader_gets_everything() {
    let text = "0123456789".repeat(13_000);
    let path = image(&print_and_spin(&text));
    let mut process = started(&[arg(&path)]);
    let mut stdout = process.stdout.take().expect("piped");
    std::thread::sleep(A_WHILE);
    send(&process, Signal::INT);
    let mut rest = Vec::new();
    let mut piece = [0; 20_000];
    loop {
        std::thread::sleep(Duration::from_millis(50));
        match stdout.read(&mut piece).expect("output") {
            0 => break,
            got => rest.extend_from_slice(&piece[..got]),
        }
    }
    assert_eq!(status(&end_soon(process)), 130);
    assert!(rest == text.as_bytes()[1..], "{} of {} bytes", rest.len(), text.len() - 1);
}

#[test]
fn the_second_signal_ends_at_once() {
    let path = image(&print_for_ever());
    let mut process = started(&[arg(&path)]);
    let stdout = process.stdout.take();
    std::thread::sleep(A_WHILE);
    send(&process, Signal::INT);
    std::thread::sleep(A_WHILE);
    let start = Instant::now();
    send(&process, Signal::TERM);
    let run = end_soon(process);
    assert!(start.elapsed() < Duration::from_millis(800), "without waiting for a reader: {:?}", start.elapsed());
    drop(stdout);
    assert_eq!((status(&run), stderr(&run)), (143, ""));
}
