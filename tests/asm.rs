//! `rum asm` and `rum disasm`: files, messages, exit statuses. The languages are tested in `asm/`.

use crate::support::*;
use rum_testkit::programs::{folder, programs};
use std::fs::{self, OpenOptions};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder with these files, gone when the test is over.
fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("room for it");
    }
    folder
}

/// Runs the command in a folder.
fn rum_in(folder: &Path, args: &[&str]) -> std::process::Output {
    rum(args).current_dir(folder).output().expect("it starts")
}

const ECHO: &str = "r1 := 'H'\noutput r1\nr1 := 'i'\noutput r1\nhalt\n";

#[test]
fn hello_is_built_and_runs() {
    let hello = folder().join("src/hello.ums");
    let there = folder_with(&[]);
    let run = rum_in(there.path(), &["asm", "-o", "hello.um", arg(&hello)]);
    assert_eq!((status(&run), run.stdout.len(), stderr(&run)), (0, 0, ""));
    for engine in ENGINES {
        let run = rum_in(there.path(), &with(engine, &["hello.um"]));
        assert_eq!((status(&run), &run.stdout[..]), (0, &b"Hello, world!\n"[..]));
    }
}

/// Symbols are those of the image beside them, or there are none.
#[test]
fn symbols_of_another_program_do_not_stay() {
    let there =
        folder_with(&[("a.ums", "r1 := 5\nr2 := 0\nr3 := r1 / r2\n"), ("b.ums", "\nr1 := 5\nr3 := r1 / r0\nhalt\n")]);
    let symbols = there.path().join("p.um.sym");
    assert_eq!(status(&rum_in(there.path(), &["asm", "-g", "-o", "p.um", "a.ums"])), 0);
    let run = rum_in(there.path(), &["asm", "-o", "p.um", "a.ums"]);
    assert_eq!((status(&run), stderr(&run)), (0, ""), "they are right still");
    assert!(symbols.exists());
    let run = rum_in(there.path(), &["asm", "-o", "p.um", "b.ums"]);
    assert!(status(&run) == 0 && complaint(&run).starts_with("p.um.sym is removed: "), "{}", stderr(&run));
    assert!(!symbols.exists());
    // What is no symbols file is not ours.
    fs::write(&symbols, "mine").expect("room");
    assert_eq!(status(&rum_in(there.path(), &["asm", "-o", "p.um", "a.ums"])), 0);
    assert_eq!(fs::read_to_string(&symbols).expect("it is left"), "mine");
}

#[test]
fn several_files_make_one_program_in_their_order() {
    for program in programs() {
        let sources = program.source_paths();
        let mut args = vec!["asm"];
        args.extend(sources.iter().map(|path| arg(path)));
        let run = rum(&args).output().expect("it starts");
        assert_eq!((status(&run), stderr(&run)), (0, ""), "{}", program.name);
        assert!(run.stdout == fs::read(program.image_path()).expect("the image"), "{} is stale", program.name);
    }
}

#[test]
fn text_goes_round_through_the_commands() {
    for program in programs() {
        let image = program.image_path();
        for options in [&["disasm"][..], &["disasm", "--no-fold"]] {
            let text = rum(&with(options, &[arg(&image)])).output().expect("it starts");
            assert_eq!((status(&text), stderr(&text)), (0, ""));
            let run = rum(&["asm", "-"]).write_stdin(text.stdout).output().expect("it starts");
            assert_eq!((status(&run), stderr(&run)), (0, ""));
            assert!(run.stdout == fs::read(&image).expect("the image"), "{} with {options:?}", program.name);
        }
    }
}

#[test]
fn all_errors_of_all_files_are_shown_with_their_places() {
    let there =
        folder_with(&[("one.ums", "main:\n    r1 := r9 + 1\n    hlt\n"), ("two.ums", "goto nowhere using r7\n")]);
    let run = rum_in(there.path(), &["asm", "-o", "x.um", "one.ums", "two.ums"]);
    assert_eq!((status(&run), run.stdout.len()), (1, 0));
    for part in [
        "error: this assembler only understands registers r0..r7",
        "--> one.ums:2:11",
        "2 |     r1 := r9 + 1",
        "^^",
        "--> one.ums:3:5",
        "did you mean `halt`?",
        "--> two.ums:1:1",
    ] {
        assert!(stderr(&run).contains(part), "{part} in {}", stderr(&run));
    }
    assert_eq!(stderr(&run).lines().last(), Some("rum: 3 errors, no image was written"));
    assert!(!there.path().join("x.um").exists() && !stderr(&run).contains('\x1b'));
    let run = rum_in(there.path(), &["asm", "--color", "always", "one.ums"]);
    assert!(stderr(&run).contains("\x1b["));
}

#[test]
fn an_image_outlives_a_failed_attempt() {
    let there = folder_with(&[("x.um", "old"), ("bad.ums", "hlt"), ("none.ums", "// nothing\n")]);
    for (source, message) in [("bad.ums", "1 error, no image was written"), ("none.ums", "the sources have no words")] {
        let run = rum_in(there.path(), &["asm", "-o", "x.um", source]);
        let last = stderr(&run).lines().last().expect("a message");
        assert!(status(&run) == 1 && last.contains(message), "{last}");
        assert_eq!(fs::read(there.path().join("x.um")).expect("it is there"), b"old");
    }
}

#[test]
fn warnings_do_not_fail() {
    let there = folder_with(&[("odd.ums", "output \"two\nlines\" using r1\nhalt\n")]);
    let run = rum_in(there.path(), &["asm", "-o", "odd.um", "odd.ums"]);
    assert!(status(&run) == 0 && stderr(&run).contains("warning: "), "{}", stderr(&run));
    assert_eq!(rum_in(there.path(), &["odd.um"]).stdout, b"two\nlines");
}

#[test]
fn the_extended_dialect_is_asked_for() {
    let main = ".const LETTER = 'a' + 2\n.include \"more.ums\"\nhalt\n";
    let there = folder_with(&[("main.ums", main), ("more.ums", "r1 := LETTER\noutput r1\n")]);
    let run = rum_in(there.path(), &["asm", "main.ums"]);
    assert!(status(&run) == 1 && stderr(&run).contains("it is part of the extended dialect"), "{}", stderr(&run));
    let run = rum_in(there.path(), &["asm", "--extended", "-o", "main.um", "main.ums"]);
    assert_eq!((status(&run), stderr(&run)), (0, ""));
    assert_eq!(rum_in(there.path(), &["main.um"]).stdout, b"c");
}

#[test]
fn listing_and_symbols_are_written() {
    let there = folder_with(&[("echo.ums", &format!("start: {ECHO}"))]);
    let run = rum_in(there.path(), &["asm", "-g", "--listing", "echo.lst", "-o", "echo.um", "echo.ums"]);
    assert_eq!((status(&run), stderr(&run)), (0, ""));
    let listing = fs::read_to_string(there.path().join("echo.lst")).expect("a listing");
    assert!(listing.contains("       4  70000000      5  halt"), "{listing}");
    let symbols = fs::read(there.path().join("echo.um.sym")).expect("symbols");
    let symbols = rum_asm::Symbols::from_json(&symbols).expect("symbols");
    assert_eq!((symbols.words, &symbols.files[..]), (5, &["echo.ums".to_owned()][..]));
    assert_eq!(symbols.label_at(3).map(|label| label.name.as_str()), Some("start"));
    assert_eq!(symbols.line_at(3).map(|line| line.line), Some(4));
    let run = rum_in(there.path(), &["asm", "-o", "echo.um", "--listing", "-", "echo.ums"]);
    assert_eq!(String::from_utf8_lossy(&run.stdout), listing);
}

#[test]
fn no_source_is_written_over() {
    let there = folder_with(&[("main.ums", ECHO), ("lib.ums", ECHO)]);
    let cases: [(&[&str], &str); 7] = [
        (&["-o", "main.ums", "main.ums"], "main.ums is a source; writing there would destroy it"),
        (&["-o", "./main.ums", "main.ums"], "./main.ums is a source; writing there would destroy it"),
        (&["-o", "main.ums", "lib.ums"], "main.ums has the name of a source; is OUT missing?"),
        (&["-o", "x.um", "--listing", "lib.ums", "lib.ums"], "lib.ums is a source; writing there would destroy it"),
        (&["-o", "x.um", "--listing", "x.um", "lib.ums"], "x.um would be written twice"),
        (&["--listing", "-", "lib.ums"], "image and listing cannot both go to standard output"),
        (&["-g", "-o", "-", "lib.ums"], "symbols stand beside the image: -g needs -o with the name of a file"),
    ];
    for (args, message) in cases {
        let run = rum_in(there.path(), &[&["asm"], args].concat());
        assert_eq!((status(&run), complaint(&run)), (2, message), "{args:?}");
    }
    assert_eq!(fs::read_dir(there.path()).expect("it is there").count(), 2);
    assert!(["main.ums", "lib.ums"].iter().all(|name| fs::read(there.path().join(name)).unwrap() == ECHO.as_bytes()));
}

#[test]
fn what_cannot_be_read_or_written_is_named() {
    let there = folder_with(&[("main.ums", ECHO), ("cut.um", "12345")]);
    let cases: [(&[&str], &str); 8] = [
        (&["asm", "none.ums"], "cannot read none.ums: No such file or directory"),
        (&["asm", "."], "cannot read .: Is a directory"),
        (&["asm", "-o", "no/x.um", "main.ums"], "cannot write to no/x.um: No such file or directory"),
        (&["asm", "-o", "/dev/full", "main.ums"], "cannot write to /dev/full: No space left on device"),
        (&["asm", "-o", "x.um", "--listing", "no/x", "main.ums"], "cannot write to no/x: No such file or directory"),
        (&["disasm", "none.um"], "cannot read none.um: No such file or directory"),
        (&["disasm", "cut.um"], "cut.um is no program image: the image has 5 bytes"),
        (&["disasm", "-"], "standard input is no program image: the image is empty"),
    ];
    for (args, message) in cases {
        let run = rum_in(there.path(), args);
        assert_eq!((status(&run), run.stdout.len()), (2, 0), "{args:?}");
        assert!(complaint(&run).starts_with(message), "{args:?}: {}", stderr(&run));
    }
}

#[test]
fn full_disks_are_noticed_and_gone_readers_are_not() {
    let umum = folder().join("umum.um");
    let hello = folder().join("src/hello.ums");
    for args in [&["disasm", arg(&umum)][..], &["disasm", "--umdump", arg(&umum)], &["asm", arg(&hello)]] {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let run = Command::new(RUM).args(args).stdout(full).stderr(Stdio::piped()).output().expect("it starts");
        let message = "cannot write to standard output: No space left on device";
        assert_eq!((status(&run), complaint(&run)), (2, message), "{args:?}");
        let mut process =
            Command::new(RUM).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        drop(process.stdout.take());
        assert_eq!(process.wait().expect("an end").code(), Some(0), "{args:?}");
    }
}

#[test]
fn terminals_get_colours_and_no_images() {
    let (mut watched, terminal) = terminal();
    let side = || Stdio::from(terminal.try_clone().expect("a descriptor"));
    let hello = folder().join("src/hello.ums");
    let run = Command::new(RUM).args(["asm", arg(&hello)]).stdout(side()).stderr(Stdio::piped()).output();
    let run = run.expect("it starts");
    let message = "an image is nothing for a terminal: name a file with -o, or use a pipe";
    assert_eq!((status(&run), complaint(&run)), (2, message));
    let image = folder().join("hello.um");
    let mut lines = |term: &str, no_color: &str| {
        let mut command = Command::new(RUM);
        command.args(["disasm", arg(&image)]).env("TERM", term).env("NO_COLOR", no_color).stdin(side()).stdout(side());
        assert!(command.status().expect("it starts").success());
        let mut text = Vec::new();
        let mut piece = [0; 1024];
        while !String::from_utf8_lossy(&text).contains("// 28") {
            let got = watched.read(&mut piece).expect("text");
            text.extend(&piece[..got]);
        }
        // The rest of the last line, so that nothing is left for the next run.
        while text.last() != Some(&b'\n') {
            let got = watched.read(&mut piece).expect("text");
            text.extend(&piece[..got]);
        }
        text
    };
    assert!(lines("xterm", "").contains(&0x1b));
    assert!(!lines("dumb", "").contains(&0x1b));
    assert!(!lines("xterm", "1").contains(&0x1b));
    let run = Command::new(RUM).args(["disasm", "-"]).stdin(side()).stderr(Stdio::piped()).output().expect("it starts");
    assert!(status(&run) == 2 && complaint(&run).contains("that is a terminal"));
}

#[test]
fn umdump_has_the_courses_lines() {
    let path = image(&[lit(1, 2), halt()]);
    rum(&["disasm", "--umdump", arg(&path)])
        .assert()
        .code(0)
        .stdout("     0: [0xd2000002] r1 := 2;\n     1: [0x70000000] halt;\n");
    let run = rum(&["disasm", "--umdump", "--no-fold", arg(&path)]).output().expect("it starts");
    assert!(status(&run) == 2 && stderr(&run).contains("cannot be used with"));
}

#[test]
fn colour_can_be_wanted() {
    let path = image(&[lit(1, 2), halt()]);
    let colored = rum(&["disasm", "--color", "always", arg(&path)]).output().expect("it starts").stdout;
    let plain = rum(&["disasm", "--color", "never", arg(&path)]).output().expect("it starts").stdout;
    assert!(colored.contains(&0x1b) && !plain.contains(&0x1b));
}
