//! SIGINT and SIGTERM: in a loop, in a wait for input, in a wait for a reader.

use crate::support::*;
use rum_testkit::rng::Rng;
use rustix::process::Signal;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
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

/// How the output of a run is taken that ends at some moment.
#[derive(Clone, Copy, Debug)]
enum Taker {
    Pipe,
    SlowPipe,
    File,
    Terminal,
}

impl Taker {
    /// What the program writes to, and what comes out of it in the end.
    fn connect(self) -> (Stdio, Box<dyn FnOnce() -> Vec<u8> + Send>) {
        match self {
            Taker::File => {
                // On a disk that is busy a write may take longer than any signal is waited for.
                let in_memory = tempfile::NamedTempFile::new_in("/dev/shm");
                let file = in_memory.or_else(|_| tempfile::NamedTempFile::new()).expect("a file");
                let to = file.reopen().expect("it is there").into();
                (to, Box::new(move || std::fs::read(file.path()).expect("it is there")))
            }
            Taker::Pipe | Taker::SlowPipe => {
                let (reader, writer) = std::io::pipe().expect("a pipe");
                let pause = Duration::from_millis(if matches!(self, Taker::SlowPipe) { 4 } else { 0 });
                (writer.into(), taken(reader, pause))
            }
            Taker::Terminal => {
                let (watched, side) = terminal();
                (side.into(), taken(watched, Duration::ZERO))
            }
        }
    }
}

/// Takes what comes, piece by piece, on a thread of its own; gives everything.
fn taken(mut from: impl Read + Send + 'static, pause: Duration) -> Box<dyn FnOnce() -> Vec<u8> + Send> {
    let reader = std::thread::spawn(move || {
        let (mut all, mut piece) = (Vec::new(), [0; 5000]);
        // A terminal that nobody holds any more is an error.
        while let Ok(count @ 1..) = from.read(&mut piece) {
            all.extend_from_slice(&piece[..count]);
            std::thread::sleep(pause);
        }
        all
    });
    Box::new(|| reader.join().expect("it reads"))
}

/// Ends a run of a program that puts the alphabet out again and again after some microseconds. Gives the bytes that came out; each was there, in
/// order, or is told as lost.
fn end_at(path: &Path, taker: Taker, us: u64, signal: Signal) -> usize {
    let (to, out) = taker.connect();
    let mut command = Command::new(RUM);
    command.args(["--timeout", "60s", "--patience", "60ms", "--stats=json", arg(path)]).stdin(Stdio::null());
    let process = command.stdout(to).stderr(Stdio::piped()).spawn().expect("it starts");
    // What it writes to is open in there, too.
    drop(command);
    std::thread::sleep(Duration::from_micros(us));
    send(&process, signal);
    let run =
        std::panic::catch_unwind(|| end_soon(process)).unwrap_or_else(|_| panic!("{taker:?} after {us} us: no end"));
    let bytes = out();
    let wrong = bytes.iter().zip((b'a'..=b'z').cycle()).position(|(&got, expected)| got != expected);
    assert_eq!(wrong, None, "{taker:?} after {us} us: not in order");
    if run.status.code().is_none() {
        assert!(bytes.is_empty(), "{taker:?} after {us} us: the signal came before it was listened to");
        return 0;
    }
    let expected = SIGNALS.iter().find(|known| known.0 == signal).expect("one of them");
    assert_eq!((status(&run), complaint(&run)), (expected.1, expected.2));
    let lost = stderr(&run).lines().find_map(|line| line.strip_prefix("rum: nobody took the last "));
    let lost =
        lost.and_then(|line| line.split(' ').next()).map_or(0, |number| number.replace(',', "").parse().expect("it"));
    // There is nothing to count if it ended before there was a machine.
    let put = if stderr(&run).contains('{') { counter(&run, "output_bytes") } else { 0 };
    assert_eq!(bytes.len() as u64 + lost, put, "{taker:?} after {us} us: {}", stderr(&run));
    bytes.len()
}

/// Every byte that a program has put out is there or told as lost, at whatever moment a signal comes.
#[test]
fn nothing_is_lost_at_a_thousand_moments() {
    let alphabet: String = ('a'..='z').collect();
    let mut program = print(&alphabet);
    program.extend([lit(7, 0), load_program(6, 7)]);
    let path = image(&program);
    let ended = |taker: Taker| {
        let mut rng = Rng::new(taker as u64 + 20_261_201);
        let mut came = 0;
        for round in 0..250 {
            let signal = SIGNALS[round % 2].0;
            came += usize::from(end_at(&path, taker, u64::from(rng.below(25_000)), signal) > 0);
        }
        (taker, came)
    };
    let came = std::thread::scope(|scope| {
        let takers = [Taker::Pipe, Taker::SlowPipe, Taker::File, Taker::Terminal];
        takers.map(|taker| scope.spawn(move || ended(taker))).map(|thread| thread.join().expect("it passes"))
    });
    assert!(came.iter().all(|(_, came)| *came > 100), "{came:?}");
}
