//! Sessions: scripts, transcripts, snapshots in files, recordings.

use crate::support::*;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn ours(name: &str) -> String {
    root().join("umbin").join(format!("{name}.um")).display().to_string()
}

/// A file in a folder, as an argument.
fn at(folder: &TempDir, name: &str) -> (PathBuf, String) {
    let path = folder.path().join(name);
    (path.clone(), path.display().to_string())
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_run_is_saved_and_goes_on_in_another_engine() {
    let folder = folder();
    let (_, snap) = at(&folder, "a.snap");
    let image = ours("sieve");
    let whole = rum(&["--engine", "interp", "--stats=json", &image]).output().expect("it starts");
    for (i, count) in ["0", "1", "123_456", "2e6"].into_iter().enumerate() {
        let engine = ENGINES[i % 4];
        let run = rum(&with(engine, &["--save-at", count, "--save", &snap, &image])).output().expect("it starts");
        assert_eq!((status(&run), &run.stdout[..]), (0, &b""[..]), "{}", stderr(&run));
        assert!(complaint(&run).starts_with(&format!("saved in {snap} after ")), "{}", stderr(&run));
        for engine in ENGINES {
            let rest = rum(&[&["resume"], engine, &[&snap, "--stats=json"]].concat()).output().expect("it starts");
            assert_eq!(status(&rest), 0, "{}", stderr(&rest));
            assert_eq!(rest.stdout, whole.stdout);
            assert_eq!(counter(&rest, "instructions"), counter(&whole, "instructions"), "the count goes on");
        }
    }
    // The run that goes on can be saved again, traced and limited.
    let (_, again) = at(&folder, "b.snap");
    rum(&["resume", &snap, "--save-at", "3e6", "--save", &again]).assert().code(0);
    let run = rum(&["resume", &again, "--trace=2", "--max-instructions", "4e6"]).output().expect("it starts");
    assert_eq!(status(&run), 3);
    assert!(stderr(&run).contains("the last 2 of 4,000,000 instructions"), "{}", stderr(&run));
    let numbers: Vec<&str> = stderr(&run).lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(numbers.ends_with(&["3999999", "4000000"]), "{}", stderr(&run));
    let run = rum(&["resume", &snap, "--max-instructions", "5"]).output().expect("it starts");
    let expected = "cannot end after 5 instructions: 2,000,000 were executed already";
    assert_eq!((status(&run), complaint(&run)), (2, expected));
    // What was executed before is no speed of this run, and nothing to be shown of it.
    let run = rum(&["resume", &snap, "--stats=json", "--max-instructions", "2_000_001"]).output().expect("it starts");
    let (rate, ns) = (counter(&run, "instructions_per_second"), counter(&run, "wall_ns"));
    assert_eq!(rate, (1e9 / ns as f64).round() as u64, "one instruction");
    let run = rum(&["resume", &snap, "--trace=3", "--max-instructions", "2_000_001"]).output().expect("it starts");
    assert_eq!(status(&run), 3, "{}", stderr(&run));
    assert!(stderr(&run).contains("the last 1 of 2,000,001 instructions"), "{}", stderr(&run));
}

#[test]
fn a_snapshot_tells_what_it_holds_and_damage_is_noticed() {
    let folder = folder();
    let (path, snap) = at(&folder, "a.snap");
    rum(&["--save-at", "100000", "--save", &snap, &ours("sieve")]).assert().code(0);
    let info = rum(&["snapshot", "info", &snap]).output().expect("it starts");
    let text = String::from_utf8(info.stdout).expect("text");
    assert!(text.contains("executed     100,000 instructions\n") && text.contains("sieve.um, 264 words\n"), "{text}");
    let info = rum(&["snapshot", "info", "--json", &snap]).output().expect("it starts");
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).expect("JSON");
    assert_eq!((info["executed"].as_u64(), info["program_words"].as_u64()), (Some(100_000), Some(264)));
    let good = read(&path);
    assert!(good.len() < 200_000, "zeros and free space take no room: {} bytes", good.len());
    let wrong: [(Vec<u8>, &str); 4] = [
        (good[..good.len() / 2].to_vec(), "damaged: it ends too early"),
        (good.iter().enumerate().map(|(i, &byte)| if i == 5_000 { !byte } else { byte }).collect(), "damaged"),
        (b"rum snapshot\n\x63\0\0\0".to_vec(), "format 99"),
        (b"something else".to_vec(), "no snapshot"),
    ];
    for (bytes, expected) in wrong {
        fs::write(&path, bytes).expect("room");
        for args in [&["resume", &snap][..], &["snapshot", "info", &snap]] {
            let run = rum(args).output().expect("it starts");
            assert_eq!(status(&run), 2);
            assert!(complaint(&run).contains(expected), "{expected}: {}", stderr(&run));
        }
    }
    // Each kind of file is known where another is wanted.
    fs::write(&path, good).expect("room");
    let run = rum(&[&snap]).output().expect("it starts");
    assert!(status(&run) == 2 && complaint(&run).contains("rum resume"), "{}", stderr(&run));
}

#[test]
fn nothing_is_saved_before_its_time() {
    let folder = folder();
    let (path, snap) = at(&folder, "a.snap");
    let run = rum(&["--save-at", "1e12", "--save", &snap, &ours("hello")]).output().expect("it starts");
    assert_eq!((status(&run), path.exists()), (0, false));
    assert!(complaint(&run).starts_with("nothing was saved: the run ended after "), "{}", stderr(&run));
    let run = rum(&["--save-at", "1", "--save", "/nowhere/a.snap", &ours("hello")]).output().expect("it starts");
    assert_eq!(status(&run), 2);
    assert_eq!(complaint(&run), "cannot save to /nowhere/a.snap: No such file or directory");
}

#[test]
fn a_session_is_saved_where_it_asks_for_input() {
    let folder = folder();
    let (_, snap) = at(&folder, "calc.snap");
    let (script, script_arg) = at(&folder, "script");
    fs::write(&script, "1+1\n2+").expect("room");
    let run = rum(&["--input-script", &script_arg, "--save-at", "input", "--save", &snap, &ours("calc")]);
    let run = { run }.output().expect("it starts");
    assert_eq!((status(&run), &run.stdout[..]), (0, &b"2\n"[..]), "{}", stderr(&run));
    for rest in ["3\n", "40\n5*5\n"] {
        let expected = if rest == "3\n" { "5\n" } else { "42\n25\n" };
        rum(&["resume", &snap]).write_stdin(rest).assert().code(0).stdout(expected);
    }
    // What was there and not read is not lost.
    let run = rum(&["--save-at", "30", "--save", &snap, &ours("cat")])
        .write_stdin("abcdefghijk")
        .output()
        .expect("it starts");
    let rest = rum(&["resume", &snap]).write_stdin("lm").output().expect("it starts");
    assert_eq!([run.stdout, rest.stdout].concat(), b"abcdefghijklm");
}

#[test]
fn scripts_are_echoed_and_transcribed() {
    let folder = folder();
    let (script, script_arg) = at(&folder, "script");
    let (transcript, transcript_arg) = at(&folder, "transcript");
    fs::write(&script, "1+1\n").expect("room");
    let args = ["--input-script", &script_arg, "--echo", "--transcript", &transcript_arg, &ours("calc")];
    rum(&args).write_stdin("2*3\n").assert().code(0).stdout("1+1\n2\n2*3\n6\n");
    assert_eq!(String::from_utf8(read(&transcript)).expect("text"), "1+1\n2\n2*3\n6\n");
    rum(&[&args[..2], &args[5..]].concat()).write_stdin("2*3\n").assert().code(0).stdout("2\n6\n");
}

#[test]
fn output_is_shown_from_a_place_on() {
    let path = image(&[print("banner: body\n"), vec![halt()]].concat());
    for (mark, expected) in [("banner: ", "body\n"), ("4", "er: body\n"), ("0", "banner: body\n"), ("y\\n", "")] {
        rum(&["--output-from", mark, arg(&path)]).assert().code(0).stdout(expected);
    }
    let run = rum(&["--output-from", "nowhere", arg(&path)]).output().expect("it starts");
    assert_eq!((status(&run), &run.stdout[..]), (0, &b""[..]));
    assert!(complaint(&run).contains("never came by"), "{}", stderr(&run));
}

#[test]
fn output_is_limited_to_the_byte() {
    let path = image(&print_for_ever());
    for engine in ENGINES {
        for size in ["1", "70000"] {
            let run = rum(&with(engine, &["--max-output", size, arg(&path)])).output().expect("it starts");
            assert_eq!((status(&run), run.stdout.len().to_string()), (3, size.to_owned()));
            assert!(complaint(&run).starts_with("output limit of "), "{}", stderr(&run));
        }
    }
}

#[test]
fn a_text_is_no_image() {
    let text = file(b"This is a text, and its size is a multiple of four...");
    let text = { text };
    let run = rum(&[arg(&text)]).output().expect("it starts");
    assert!(status(&run) == 2 && complaint(&run).contains("looks like text"), "{}", stderr(&run));
    let text = file(b"This is a text, and its size is a multiple of 4!");
    let run = rum(&[arg(&text)]).output().expect("it starts");
    assert!(status(&run) == 2 && complaint(&run).contains("it is a text"), "{}", stderr(&run));
}

#[test]
fn a_recorded_run_is_repeated() {
    let folder = folder();
    let (path, rec) = at(&folder, "a.rec");
    rum(&["--record", &rec, &ours("calc")]).write_stdin("1+2\n3*4\n").assert().code(0).stdout("3\n12\n");
    for engine in ENGINES {
        let run = rum(&[&["replay"], engine, &[&rec]].concat()).output().expect("it starts");
        assert_eq!((status(&run), &run.stdout[..]), (0, &b"3\n12\n"[..]), "{}", stderr(&run));
        assert!(
            complaint(&run).starts_with("as recorded: ") && complaint(&run).ends_with(", halt"),
            "{}",
            stderr(&run)
        );
    }
    // However it ended.
    let ends = [
        (vec![lit(1, b'x'.into()), output(1), div(1, 1, 0)], 1, ", fault"),
        ([print("x"), vec![nand(1, 0, 0), alloc(2, 1)]].concat(), 3, ", memory"),
        ([print("xy"), vec![halt()]].concat(), 3, ", output"),
    ];
    for (program, expected, end) in ends {
        let image = image(&program);
        let limits = ["--max-output", "1", "--max-memory", "1G"];
        let run = rum(&[&["--record", &rec][..], &limits, &[arg(&image)]].concat()).output().expect("it starts");
        assert_eq!(status(&run), expected, "{}", stderr(&run));
        for engine in ENGINES {
            let run = rum(&[&["replay"], engine, &[&rec]].concat()).output().expect("it starts");
            assert_eq!((status(&run), &run.stdout[..]), (0, &b"x"[..]), "{}", stderr(&run));
            assert!(complaint(&run).starts_with("as recorded: ") && complaint(&run).ends_with(end), "{}", stderr(&run));
        }
    }
    rum(&["--record", &rec, &ours("calc")]).write_stdin("1+2\n3*4\n").assert().code(0);
    let (_, snap) = at(&folder, "a.snap");
    let run = rum(&["replay", &rec, "--to", "500", "--save", &snap]).output().expect("it starts");
    assert!(status(&run) == 0 && complaint(&run).starts_with("after 500 instructions, at pc "), "{}", stderr(&run));
    let info = rum(&["snapshot", "info", "--json", &snap]).output().expect("it starts");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&info.stdout).expect("JSON")["executed"], 500);
    // A recording that breaks off is good up to there; one that is damaged is not.
    let good = read(&path);
    fs::write(&path, &good[..good.len() - 5]).expect("room");
    let run = rum(&["replay", &rec]).output().expect("it starts");
    assert!(status(&run) == 0 && complaint(&run).contains("as recorded, up to"), "{}", stderr(&run));
    let middle = good.len() / 2;
    let bad: Vec<u8> = good.iter().enumerate().map(|(i, &b)| if i == middle { !b } else { b }).collect();
    fs::write(&path, bad).expect("room");
    let run = rum(&["replay", &rec]).output().expect("it starts");
    assert!(status(&run) == 2 && complaint(&run).contains("damaged"), "{}", stderr(&run));
}

/// The limit is part of what a machine is: it stays, or the run does not go on.
#[test]
fn a_snapshot_of_a_larger_machine_than_is_allowed_is_refused() {
    let folder = folder();
    let (_, snap) = at(&folder, "a.snap");
    rum(&["--max-memory", "64M", "--save-at", "input", "--save", &snap, &ours("calc")]).assert().code(0);
    let run = rum(&["resume", "--max-memory", "63M", &snap]).output().expect("it starts");
    assert!(status(&run) == 2 && complaint(&run).contains("--max-memory"), "{}", stderr(&run));
    rum(&["resume", "--max-memory", "64M", &snap]).write_stdin("1+2\n").assert().code(0).stdout("3\n");
}

/// Which identifiers segments get is part of a machine, too.
#[test]
fn identifiers_are_settled_when_a_run_is_started() {
    let folder = folder();
    let [(_, snap), (_, recording)] = ["a.snap", "a.rec"].map(|name| at(&folder, name));
    rum(&["--record", &recording, &ours("hello")]).assert().code(0);
    rum(&["--save-at", "5", "--save", &snap, &ours("hello")]).assert().code(0);
    for args in [["resume", &snap], ["replay", &recording]] {
        let run = rum(&[&args[..], &["--ids", "sequential"]].concat()).output().expect("it starts");
        assert!(status(&run) == 2 && complaint(&run).contains("has mixed identifiers"), "{}", stderr(&run));
        rum(&[&args[..], &["--ids", "mixed"]].concat()).assert().code(0);
    }
}

/// What a command reads is not written over.
#[test]
fn no_file_is_read_and_written() {
    let folder = folder();
    let made = ["p.um", "a.snap", "a.rec", "in"].map(|name| at(&folder, name));
    let [(_, image), (_, snap), (_, recording), (_, script)] = &made;
    fs::copy(ours("calc"), image).expect("room");
    fs::write(script, "1+1\n").expect("room");
    rum(&["--record", recording, image]).write_stdin("").assert().code(0);
    rum(&["--save-at", "5", "--save", snap, image]).write_stdin("").assert().code(0);
    let before = made.each_ref().map(|(path, _)| read(path));
    let cases: [(&[&str], &str); 10] = [
        (&["--save", image, "--save-at", "3", image], "is the program itself"),
        (&["--transcript", image, image], "is the program itself"),
        (&["profile", "--html", image, image], "is the program itself"),
        (&["profile", "--json", image, image], "is the program itself"),
        (&["explain", "--html", image, image], "is the program itself"),
        (&["bench", "--runs", "1", "--json", image, image], "is the program itself"),
        (&["resume", "--record", snap, snap], "is the snapshot itself"),
        (&["replay", recording, "--to", "20", "--save", recording], "is the recording itself"),
        (&["--input-script", script, "--transcript", script, image], "is the input itself"),
        (&["--trace-file", "OUT", "--transcript", "OUT", image], "would be written twice"),
    ];
    let (_, out) = at(&folder, "out");
    for (args, expected) in cases {
        let args: Vec<&str> = args.iter().map(|&arg| if arg == "OUT" { &out } else { arg }).collect();
        let run = rum(&args).output().expect("it starts");
        assert!(status(&run) == 2 && stderr(&run).contains(expected), "{args:?}: {}", stderr(&run));
        assert!(before == made.each_ref().map(|(path, _)| read(path)), "{args:?}");
    }
    // A snapshot may be saved where it came from.
    rum(&["resume", snap, "--save-at", "6", "--save", snap]).assert().code(0);
}

/// A limit that just suffices does so for what goes on, too, and is reached at the same instruction.
#[test]
fn a_snapshot_takes_no_more_memory_than_the_run_that_was_saved() {
    let folder = folder();
    let (_, snap) = at(&folder, "a.snap");
    let image = ours("fib");
    let whole = rum(&["--max-memory", "1M", "--stats=json", &image]).output().expect("it starts");
    rum(&["--max-memory", "1M", "--save-at", "1000", "--save", &snap, &image]).assert().code(0);
    let rest = rum(&["resume", "--stats=json", &snap]).output().expect("it starts");
    assert_eq!((status(&rest), &rest.stdout), (0, &whole.stdout), "{}", stderr(&rest));
    assert_eq!(counter(&rest, "memory_used_bytes"), counter(&whole, "memory_used_bytes"));
}

#[test]
fn a_recorded_fault_comes_again() {
    let folder = folder();
    let (_, rec) = at(&folder, "a.rec");
    rum(&["--record", &rec, arg(&image(&[lit(1, 5), output(1), div(2, 1, 0)]))]).assert().code(1);
    for engine in ENGINES {
        let run = rum(&[&["replay"], engine, &[&rec]].concat()).output().expect("it starts");
        assert_eq!((status(&run), complaint(&run)), (0, "as recorded: 2 instructions, 1 byte of output, fault"));
    }
}

/// A run at a terminal, and the side of somebody who sits there.
fn at_terminal(args: &[&str]) -> (Child, fs::File) {
    let (watched, side) = terminal();
    let another = || Stdio::from(side.try_clone().expect("another handle"));
    let run = Command::new(RUM)
        .args(args)
        .env("TERM", "xterm")
        .stdin(another())
        .stdout(another())
        .stderr(another())
        .spawn()
        .expect("it starts");
    (run, watched)
}

/// Types.
fn say(mut terminal: &fs::File, bytes: &[u8]) {
    terminal.write_all(bytes).expect("somebody reads");
}

/// Waits until a terminal has shown a text, and after that lines are edited again.
fn wait_for(watched: &mut fs::File, seen: &mut Vec<u8>, text: &str) {
    let start = Instant::now();
    let is_there = |seen: &[u8]| {
        let seen = String::from_utf8_lossy(seen).into_owned();
        seen.find(text).is_some_and(|at| seen[at..].contains("\u{1b}[?2004h"))
    };
    while !is_there(seen) {
        assert!(start.elapsed() < Duration::from_secs(60), "no {text:?} in {:?}", String::from_utf8_lossy(seen));
        let mut piece = [0; 4096];
        let count = watched.read(&mut piece).expect("it is there");
        seen.extend_from_slice(&piece[..count]);
    }
}

/// A session at a terminal: a line that is corrected, a pasted pair of lines, a key that saves, an interrupt that gives up a line, the end
/// of input; recorded, and repeated byte for byte.
#[test]
fn a_session_at_a_terminal_is_recorded_and_repeated() {
    let folder = folder();
    let (_, rec) = at(&folder, "a.rec");
    let (_, snap) = at(&folder, "a.snap");
    let (mut process, mut watched) =
        at_terminal(&["--timeout", "60s", "--record", &rec, "--save", &snap, &ours("calc")]);
    let mut seen = Vec::new();
    wait_for(&mut watched, &mut seen, "");
    say(&watched, b"20+39\x7f2\r");
    wait_for(&mut watched, &mut seen, "52");
    say(&watched, b"\x1b[200~100+11\n200+22\x1b[201~\r");
    wait_for(&mut watched, &mut seen, "222");
    say(&watched, b"never\x03");
    wait_for(&mut watched, &mut seen, "press ^C again");
    say(&watched, b"\x1b[15~"); // F5
    wait_for(&mut watched, &mut seen, "saved in ");
    say(&watched, b"7*7\r");
    wait_for(&mut watched, &mut seen, "49");
    say(&watched, b"\x04");
    assert_eq!(process.wait().expect("an end").code(), Some(0));
    let run = rum(&["replay", &rec]).output().expect("it starts");
    assert_eq!((status(&run), &run.stdout[..]), (0, &b"52\n111\n222\n49\n"[..]), "{}", stderr(&run));
    rum(&["resume", &snap]).write_stdin("5+5\n").assert().code(0).stdout("10\n");
}

/// Ninety million live words are saved in no time that anybody would notice, and come back.
#[test]
fn much_memory_is_saved() {
    // r2 := 2^20 - 1 words 86 times, a word of each is changed; then one byte is read.
    let (words, count) = (1_048_575, 86);
    let program = [
        vec![lit(1, count), lit(2, words), lit(7, 0), nand(7, 7, 7)],
        vec![alloc(3, 2), lit(4, 1_000_000), amend(3, 4, 1), add(1, 1, 7), lit(5, 10), lit(6, 4), cmov(5, 6, 1)],
        vec![load_program(0, 5)],
    ];
    let mut program = program.concat();
    program[8] = lit(5, 12);
    program.extend([input(1), output(1), halt()]);
    let path = image(&program);
    let folder = folder();
    let (_, snap) = at(&folder, "a.snap");
    let run = rum(&["--save-at", "input", "--save", &snap, arg(&path)]).output().expect("it starts");
    assert_eq!(status(&run), 0, "{}", stderr(&run));
    let info = rum(&["snapshot", "info", "--json", &snap]).output().expect("it starts");
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).expect("JSON");
    assert_eq!(info["segment_words"].as_u64(), Some(u64::from(words) * u64::from(count)));
    assert!(info["bytes"].as_u64() < Some(2_000_000), "{info}");
    rum(&["resume", &snap]).write_stdin("x").assert().code(0).stdout("x");
}

/// A key goes back to what another key has saved; but not where what was read is kept to be read again.
#[test]
fn a_key_goes_back_unless_the_run_is_repeated() {
    for (more, expected) in [
        (&[][..], "back to what was saved in "),
        (&["--verify"], "does not go back"),
        (&["--trace"], "does not go back"),
    ] {
        let folder = folder();
        let (_, snap) = at(&folder, "a.snap");
        let (mut process, mut watched) =
            at_terminal(&[&["--timeout", "100s", "--save", &snap], more, &[&ours("calc")]].concat());
        let mut seen = Vec::new();
        say(&watched, b"1+1\r");
        wait_for(&mut watched, &mut seen, "2\r\n");
        say(&watched, b"\x1b[15~"); // F5
        wait_for(&mut watched, &mut seen, "saved in ");
        say(&watched, b"\x1b[20~"); // F9
        wait_for(&mut watched, &mut seen, expected);
        say(&watched, b"3*3\r");
        wait_for(&mut watched, &mut seen, "9\r\n");
        say(&watched, b"\x04");
        let mut rest = Vec::new();
        let _ = watched.read_to_end(&mut rest);
        assert_eq!(process.wait().expect("an end").code(), Some(0), "{}", String::from_utf8_lossy(&rest));
    }
}

/// The same with the contest's UMIX: a guest logs in, pastes two commands, gives up a line, and interrupts the session in the end.
#[test]
fn a_umix_session_is_recorded_and_repeated() {
    let Some(shared) = shared("a_umix_session_is_recorded_and_repeated") else { return };
    let image = shared.join("umbin/umix.um");
    let folder = folder();
    let (_, rec) = at(&folder, "a.rec");
    let (_, snap) = at(&folder, "a.snap");
    let (transcript, transcript_arg) = at(&folder, "transcript");
    let args = ["--timeout", "100s", "--record", &rec, "--save", &snap, "--transcript", &transcript_arg, arg(&image)];
    let (mut process, mut watched) = at_terminal(&args);
    let mut seen = Vec::new();
    wait_for(&mut watched, &mut seen, ";login: ");
    say(&watched, b"guess\x7ft\r");
    wait_for(&mut watched, &mut seen, "logged in as guest");
    say(&watched, b"\x1b[200~ls\nhelp ls\x1b[201~\r");
    wait_for(&mut watched, &mut seen, "usage : ls");
    say(&watched, b"never\x03");
    wait_for(&mut watched, &mut seen, "press ^C again");
    say(&watched, b"\x03");
    assert_eq!(process.wait().expect("an end").code(), Some(130));
    for engine in ENGINES {
        let run = rum(&[&["replay"], engine, &[&rec]].concat()).output().expect("it starts");
        assert!(status(&run) == 0 && complaint(&run).ends_with(", interrupt"), "{}", stderr(&run));
        // What the program read stands between what it put out.
        let text = String::from_utf8(read(&transcript)).expect("text");
        let output = ["guest\n", "ls\n", "help ls\n"].iter().fold(text, |text, line| text.replacen(line, "", 1));
        assert_eq!(String::from_utf8_lossy(&run.stdout), output);
    }
    // The interrupt has saved where it was.
    let run = rum(&["resume", &snap]).write_stdin("help ls\n").output().expect("it starts");
    assert!(String::from_utf8_lossy(&run.stdout).contains("usage : ls"), "{}", String::from_utf8_lossy(&run.stdout));
}
