//! Files that are no program, and programs that come in odd ways.

use crate::support::*;
use rum::encode_image;
use std::process::{Command, Stdio};

/// Runs a file and gives rum's one line about it.
fn refused(bytes: &[u8]) -> String {
    let path = file(bytes);
    let run = rum(&[arg(&path)]).output().expect("it starts");
    assert_eq!(status(&run), 2);
    assert_eq!((run.stdout.len(), stderr(&run).lines().count()), (0, 1), "{}", stderr(&run));
    let line = complaint(&run);
    assert!(line.contains(arg(&path)), "the file is named: {line}");
    line.to_owned()
}

#[test]
fn files_of_odd_size_are_described() {
    assert!(refused(b"").contains("the image is empty"));
    assert!(refused(b"Hello").contains("has 5 bytes, which is not a multiple of 4"));
    assert!(refused(b"#!/bin/sh\n").contains("looks like text"));
    assert!(refused(&[0x1f, 0x8b, 8, 0, 0]).contains("gzip"));
    assert!(refused(b"PK\x03\x04\x01").contains("zip"));
    assert!(refused(&[0xd2, 0, 0, 0xef, 0xbf, 0xbd, 0]).contains("text mode"));
    assert!(refused(&[0xd2, 0, 0, 13, 10, 0]).contains("text mode"));
    assert!(refused(&[0xd2, 0, 0]).contains("cut short"));
}

#[test]
fn a_size_is_judged_over_the_whole_file() {
    let mut bytes = encode_image(&vec![halt(); 100_000]);
    bytes.push(0);
    assert!(refused(&bytes).contains("has 400001 bytes"));
}

#[test]
fn files_that_run_but_look_wrong_are_remarked_upon() {
    let swapped: Vec<u8> =
        (0..8).map(|i| lit(1, i)).chain([halt()]).flat_map(|word| word.swap_bytes().to_be_bytes()).collect();
    let run = rum(&[arg(&file(&swapped))]).output().expect("it starts");
    assert_eq!(status(&run), 1);
    assert!(stderr(&run).contains("little-endian"), "{}", stderr(&run));
}

#[test]
fn names_that_lead_nowhere_are_named() {
    let cases = [
        ("no-such-program.um", "cannot open image no-such-program.um: No such file or directory"),
        ("nosuch", "cannot open image nosuch: No such file or directory (and it is no command either; see rum --help)"),
        ("./run", "cannot open image ./run: No such file or directory"),
        ("Cargo.toml/x.um", "cannot open image Cargo.toml/x.um: Not a directory"),
        ("src", "src is a directory: name a program image"),
    ];
    for (name, message) in cases {
        let run = rum(&[name]).current_dir(root()).output().expect("it starts");
        assert_eq!((status(&run), complaint(&run)), (2, message));
    }
}

#[test]
fn an_image_comes_from_a_pipe_or_from_standard_input() {
    let mut program = print("piped ");
    // Input ends at once: it was the image.
    program.extend([input(2), lit(3, b'1'.into()), add(2, 2, 3), lit(4, 1), add(2, 2, 4), output(2), halt()]);
    let bytes = encode_image(&program);
    for name in ["-", "/dev/stdin"] {
        rum(&[name]).write_stdin(bytes.clone()).assert().code(0).stdout("piped 1").stderr("");
        // A redirected file, which must not be read anew as the program's input.
        let path = file(&bytes);
        let redirected = std::fs::File::open(&path).expect("the file");
        let run = Command::new(RUM).arg(name).stdin(Stdio::from(redirected)).output().expect("it starts");
        assert_eq!((status(&run), &run.stdout[..]), (0, &b"piped 1"[..]));
    }
    let run = rum(&["-"]).write_stdin("odd").output().expect("it starts");
    assert_eq!(status(&run), 2);
    assert!(complaint(&run).starts_with("standard input is no program image: the image has 3 bytes"));
}

#[test]
fn an_image_can_be_a_named_pipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pipe.um");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    let process = guest(&[arg(&path)]);
    std::fs::write(&path, encode_image(&[print("through"), vec![halt()]].concat())).expect("somebody reads");
    let run = process.wait_with_output().expect("an end");
    assert_eq!((status(&run), &run.stdout[..]), (0, &b"through"[..]));
}

#[test]
fn a_word_with_a_slash_or_a_dot_is_an_image() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["run", "man.um", "plain"] {
        std::fs::write(folder.path().join(name), encode_image(&[print(name), vec![halt()]].concat())).expect("room");
    }
    for (args, text) in
        [(&["./run"][..], "run"), (&["run", "run"], "run"), (&["man.um"], "man.um"), (&["plain"], "plain")]
    {
        rum(args).current_dir(folder.path()).assert().code(0).stdout(text);
    }
}
