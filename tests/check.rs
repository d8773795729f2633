//! Is a machine right? Those of `tests/machines` are, but for one mistake each.

use crate::support::*;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A machine in C with a mistake, or without.
fn machine(folder: &TempDir, mistake: u32) -> PathBuf {
    let path = folder.path().join(format!("um{mistake}"));
    let made = Command::new("cc")
        .args(["-O1", "-o", arg(&path), &format!("-DMISTAKE={mistake}")])
        .arg(root().join("tests/machines/um.c"))
        .status()
        .expect("there is a C compiler: what builds rum needs one");
    assert!(made.success());
    path
}

#[test]
fn a_machine_with_a_mistake_is_told_which_rule_it_breaks() {
    let folder = tempfile::tempdir().expect("a folder");
    let keep = folder.path().join("keep");
    let rules = [
        (1, "allocation-is-zeroed"),
        (2, "patch-ahead"),
        (3, "conditional-move"),
        (4, "division-unsigned"),
        (5, "memory-is-given-back"),
        (6, "end-of-input"),
        (7, "load-program-keeps-the-segment"),
        (8, "literal-value"),
    ];
    for (mistake, rule) in rules {
        let command = format!("{} {{}}", machine(&folder, mistake).display());
        let args = ["check", &command, "--programs", "20", "--keep", arg(&keep), "--limit", "2s"];
        let run = rum(&args).output().expect("it starts");
        let text = String::from_utf8(run.stdout).expect("text");
        assert_eq!(run.status.code(), Some(1), "{text}");
        let first = text.lines().find(|line| line.starts_with("WRONG ")).expect("something is wrong");
        assert!(first.starts_with(&format!("WRONG {rule}: ")), "mistake {mistake}: {text}");
        for extension in ["um", "0", "1"] {
            assert!(keep.join(format!("{rule}.{extension}")).exists(), "{rule}.{extension}");
        }
        // What was kept is a test that rum passes and the machine does not.
        let program = keep.join(format!("{rule}.um"));
        rum(&["test", arg(&program)]).assert().code(0);
        rum(&["test", arg(&program), "--machine", &command]).assert().code(1);
    }
}

#[test]
fn a_machine_that_is_right_passes() {
    let folder = tempfile::tempdir().expect("a folder");
    for command in [format!("{} {{}}", machine(&folder, 0).display()), format!("{RUM} run")] {
        let run = rum(&["check", &command, "--programs", "40"]).output().expect("it starts");
        let text = String::from_utf8(run.stdout).expect("text");
        assert_eq!(run.status.code(), Some(0), "{text}");
        for expected in [
            "41 of 41 rules kept",
            "40 generated programs: all come to the same",
            "(extrapolated, not measured: ",
            "the machine is right",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }
}

/// Only generated programs show this mistake, and the program is made small.
#[test]
fn what_no_rule_shows_is_found_by_generated_programs() {
    let folder = tempfile::tempdir().expect("a folder");
    let keep = folder.path().join("keep");
    let command = machine(&folder, 9).display().to_string();
    let run = rum(&["check", &command, "--keep", arg(&keep)]).output().expect("it starts");
    let text = String::from_utf8(run.stdout).expect("text");
    assert!(run.status.code() == Some(1) && text.contains("one at least comes to something else"), "{text}");
    let wrong: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("WRONG ")).collect();
    let [wrong] = wrong[..] else { panic!("no rule shows it: {text}") };
    let name = wrong.split(':').next().expect("a name");
    assert!(name.starts_with("generated-"), "{text}");
    // What is shown is what was made small, and it is a test by itself.
    let program = keep.join(format!("{name}.um"));
    let words = std::fs::metadata(&program).expect("it was kept").len() / 4;
    assert!((2..=40).contains(&words), "{words} words");
    rum(&["test", arg(&program)]).assert().code(0);
    rum(&["test", arg(&program), "--machine", &command]).assert().code(1);
}

#[test]
fn crashes_hangs_and_memory_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let keep = folder.path().join("keep");
    for (command, expected) in [
        ("sh -c 'kill -SEGV $$'", "it crashed (segmentation fault, SIGSEGV)"),
        ("sh -c 'while :; do :; done'", "it did not end within 300ms"),
        ("tail /dev/zero", "it used more than 100.0 MiB of memory"),
        ("false", "it ended with status 1"),
    ] {
        let args =
            ["check", command, "--only", "nand", "--keep", arg(&keep), "--limit", "300ms", "--max-memory", "100M"];
        let args =
            if expected.contains("memory") { [&args[..7], &["30s"], &args[8..]].concat() } else { args.to_vec() };
        let run = rum(&args).output().expect("it starts");
        let text = String::from_utf8(run.stdout).expect("text");
        assert!(run.status.code() == Some(1) && text.contains(expected), "{expected}: {text}");
    }
    for (args, expected) in [
        (&["check", "/nowhere/um"][..], "cannot run /nowhere/um: No such file or directory"),
        (&["check", "'"], "is no command"),
        (&["check", "true", "--only", "nothing"], "no rule's name has"),
    ] {
        let run = rum(args).output().expect("it starts");
        assert!(status(&run) == 2 && complaint(&run).contains(expected), "{}", stderr(&run));
    }
}

#[test]
fn tests_are_found_run_and_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("room");
    write("echo.ums", b".zero r0\n.temps r6, r7\nr1 := input()\noutput r1\nhalt\n");
    write("echo.0", b"x");
    write("echo.1", b"x");
    write("wrong.um", &rum::encode_image(&[print("one\ntwo\n"), vec![halt()]].concat()));
    write("wrong.1", b"one\n2\n");
    write("fails.um", &rum::encode_image(&[div(1, 0, 0)]));
    write("fails.toml", b"fault = \"division-by-zero\"\n");
    write("slow.um", &rum::encode_image(&print_and_spin("")));
    write("slow.1", b"");
    write("slow.toml", b"timeout = \"200ms\"\n");
    write("none.um", b"not looked at");
    let (junit, json) = (folder.path().join("junit.xml"), folder.path().join("tests.json"));
    let args = ["test", arg(folder.path()), "--junit", arg(&junit), "--json", arg(&json)];
    let run = rum(&args).output().expect("it starts");
    let text = String::from_utf8(run.stdout).expect("text");
    assert_eq!(run.status.code(), Some(1), "{text}");
    for expected in [
        "echo ... ok",
        "fails ... ok",
        "wrong ... FAILED: its output differs",
        "- 2\n",
        "+ two\n",
        "slow ... FAILED: it did not end within 200ms",
        "2 passed, 2 failed",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let xml = std::fs::read_to_string(&junit).expect("a report");
    assert!(xml.contains("tests=\"4\"") && xml.contains("failures=\"2\""), "{xml}");
    let results: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).expect("a report")).expect("JSON");
    assert_eq!(results["tests"].as_array().map(Vec::len), Some(4));
    // What is put out can be taken for right.
    let wrong = folder.path().join("wrong.um");
    rum(&["test", arg(&wrong), "--bless"]).assert().code(0);
    rum(&["test", arg(&wrong)]).assert().code(0);
    rum(&["test", arg(&wrong), "--max-instructions", "3"]).assert().code(1);
    let empty = tempfile::tempdir().expect("a folder");
    let run = rum(&["test", arg(empty.path())]).output().expect("it starts");
    assert!(status(&run) == 2 && complaint(&run).starts_with("there are no tests"), "{}", stderr(&run));
}

#[test]
fn the_first_difference_between_machines_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    // r1 := -1; r2 := 2; r3 := r1 / r2; a segment; output
    let program = [
        vec![lit(6, 0), nand(1, 6, 6), lit(2, 2), alloc(4, 2), div(3, 1, 2), amend(4, 6, 2)],
        print("x"),
        vec![halt()],
    ];
    let path = image(&program.concat());
    let right = format!("{} {{}}", machine(&folder, 0).display());
    let run = rum(&["diff", arg(&path), "--machine", &right]).output().expect("it starts");
    let text = String::from_utf8(run.stdout).expect("text");
    assert!(
        run.status.code() == Some(0) && text.starts_with("the same to the end: the program halted after 9"),
        "{text}"
    );
    let wrong = format!("{} {{}}", machine(&folder, 4).display());
    let run = rum(&["diff", arg(&path), "--machine", &wrong]).output().expect("it starts");
    let text = String::from_utf8(run.stdout).expect("text");
    assert_eq!(run.status.code(), Some(1), "{text}");
    assert!(
        text.starts_with(
            "they differ after 5 instructions; the last instruction before that was at pc 4: r3 := r1 / r2"
        ),
        "{text}"
    );
    assert!(text.contains("r3 = 2147483647 (0x7fffffff)") && text.contains("r3 = 0 (0x0)"), "{text}");
    // The same with files: rum writes such traces, too.
    let trace = folder.path().join("trace");
    rum(&[arg(&path), "--trace-file", arg(&trace), "--trace-format", "plain"]).assert().code(0);
    rum(&["diff", arg(&path), arg(&trace)]).assert().code(0);
    rum(&["diff", arg(&trace), arg(&trace)]).assert().code(0);
    let text = std::fs::read_to_string(&trace).expect("a trace");
    let changed = text.replacen(" 2147483647", " 7", 1);
    let other = folder.path().join("other");
    std::fs::write(&other, changed).expect("room");
    let run = rum(&["diff", arg(&trace), arg(&other)]).output().expect("it starts");
    assert_eq!(run.status.code(), Some(1));
    std::fs::write(&other, "0 1 2\n").expect("room");
    let run = rum(&["diff", arg(&path), arg(&other)]).output().expect("it starts");
    assert!(
        status(&run) == 2 && complaint(&run).contains("line 1: a line is the pc and eight registers"),
        "{}",
        stderr(&run)
    );
}
