//! Input and output: every byte, the end of input, and when output appears.

use crate::support::*;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Copies input to output; halts at the end of input.
fn cat() -> Vec<rum::Word> {
    vec![
        input(1),
        nand(3, 1, 1),
        lit(2, 8),
        lit(4, 6),
        cmov(2, 4, 3),
        load_program(6, 2),
        output(1),
        load_program(6, 6),
        halt(),
    ]
}

#[test]
fn every_byte_is_data() {
    let path = image(&cat());
    let bytes: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    for engine in ENGINES {
        let run = rum(&with(engine, &[arg(&path)])).write_stdin(bytes.clone()).output().expect("it starts");
        assert_eq!(status(&run), 0, "{}", stderr(&run));
        assert!(run.stdout == bytes, "{} of {} bytes", run.stdout.len(), bytes.len());
    }
}

#[test]
fn the_end_of_input_is_all_ones_every_time() {
    // The complement of what is read, 0 at the end, is made a digit.
    let read = [input(1), nand(1, 1, 1), lit(2, b'0'.into()), add(1, 1, 2), output(1)];
    let path = image(&[&read[..], &read, &read, &[halt()]].concat());
    for engine in ENGINES {
        rum(&with(engine, &[arg(&path)])).write_stdin("").assert().code(0).stdout("000");
    }
}

#[test]
fn output_is_written_before_input_is_waited_for() {
    let path = image(&[print("name? "), vec![input(1), output(1)], print("!"), vec![halt()]].concat());
    for engine in ENGINES {
        let mut process = guest(&with(engine, &[arg(&path)]));
        let mut stdout = process.stdout.take().expect("piped");
        let mut prompt = [0; 6];
        stdout.read_exact(&mut prompt).expect("a prompt");
        assert_eq!(&prompt, b"name? ");
        process.stdin.take().expect("piped").write_all(b"Y").expect("somebody reads");
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).expect("text");
        assert_eq!(rest, "Y!");
        assert_eq!(process.wait().expect("an end").code(), Some(0));
    }
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let path = image(&print_for_ever());
    for engine in ENGINES {
        let mut process = guest(&with(engine, &[arg(&path)]));
        let mut some = [0; 10];
        process.stdout.take().expect("piped").read_exact(&mut some).expect("output");
        let run = process.wait_with_output().expect("an end");
        assert_eq!((status(&run), stderr(&run)), (0, ""));
    }
}

#[test]
fn a_full_disk_is_the_hosts_error() {
    for text in ["a", &"many".repeat(20_000)] {
        let path = image(&[print(text), vec![halt()]].concat());
        let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let run = Command::new(RUM).arg(&*path).stdout(Stdio::from(full)).output().expect("it starts");
        assert_eq!(status(&run), 2);
        assert_eq!(stderr(&run), "rum: cannot write to standard output: No space left on device\n");
    }
}

#[test]
fn input_that_cannot_be_read_is_the_hosts_error() {
    let path = image(&[print("so far"), vec![input(1), halt()]].concat());
    let folder = File::open(root()).expect("a folder");
    let run = Command::new(RUM).arg(&*path).stdin(Stdio::from(folder)).output().expect("it starts");
    assert_eq!((status(&run), &run.stdout[..]), (2, &b"so far"[..]));
    assert_eq!(stderr(&run), "rum: cannot read standard input: Is a directory\n");
}

#[test]
fn standard_output_carries_the_programs_bytes_only() {
    let path = image(&[vec![lit(1, 0)], vec![output(1); 3], vec![lit(1, 255), output(1), halt()]].concat());
    let run = rum(&["--stats", arg(&path)]).output().expect("it starts");
    assert_eq!(run.stdout, [0, 0, 0, 255]);
    assert!(stderr(&run).starts_with("statistics of "));
}

#[test]
fn on_a_terminal_output_appears_while_the_program_goes_on() {
    let path = image(&print_and_spin("working..."));
    for engine in ENGINES {
        // Under load, a run may start late; one out of ten must not.
        let times = (0..10).map(|_| {
            let (mut watched, side) = terminal();
            let mut process = Command::new(RUM)
                .args(with(engine, &["--timeout", "5s", arg(&path)]))
                .stdin(Stdio::null())
                .stdout(Stdio::from(side))
                .spawn()
                .expect("it starts");
            let start = Instant::now();
            let mut text = [0; 10];
            watched.read_exact(&mut text).expect("output");
            let time = start.elapsed();
            process.kill().expect("it runs for ever");
            process.wait().expect("an end");
            assert_eq!(&text, b"working...");
            time
        });
        let best = times.min().expect("ten");
        assert!(best < Duration::from_millis(50), "{engine:?}: {best:?}");
    }
}

#[test]
fn a_terminal_is_no_place_for_an_image_to_come_from() {
    let (_watched, side) = terminal();
    let run = Command::new(RUM).arg("-").stdin(Stdio::from(side)).output().expect("it starts");
    assert_eq!(status(&run), 2);
    assert!(complaint(&run).contains("terminal"), "{}", stderr(&run));
}
