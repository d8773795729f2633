//! `rum run --verify`: the interpreter beside compiled code.

use crate::support::*;
use rum_testkit::programs::programs;

const EAGER: [&str; 4] = ["--hot-threshold", "5", "--compile-threads", "0"];

#[test]
fn our_programs_are_the_same_in_both() {
    for program in programs() {
        let image = program.image_path();
        let input = program.input.clone().unwrap_or_else(|| "40\n".to_owned());
        let args = [&["--verify", "--stats=json", "--max-instructions", "3e6"][..], &EAGER, &[arg(&image)]].concat();
        let run = rum(&args).write_stdin(input.clone()).output().expect("it starts");
        let plain = rum(&["--max-instructions", "3e6", arg(&image)]).write_stdin(input).output().expect("it starts");
        assert_eq!((status(&run), &run.stdout), (status(&plain), &plain.stdout), "{}: {}", program.name, stderr(&run));
        let told = stderr(&run).lines().find(|line| line.contains("rum: verified: ")).expect("it is told");
        assert!(told.ends_with(" of all memory: no difference") && !told.contains(" 0 of all memory"), "{told}");
    }
}

/// A register that is wrong after some exit of compiled code is found, and told with all that one needs.
#[test]
fn a_difference_ends_the_run_and_is_told() {
    let sieve = root().join("umbin/sieve.um");
    let lie = |after: &str| {
        let args = [&["--verify", "--lie-after", after][..], &EAGER, &[arg(&sieve)]].concat();
        rum(&args).output().expect("it starts")
    };
    // One that is written before it is read makes no difference.
    let (after, run) =
        (10..60).map(|after| (after, lie(&after.to_string()))).find(|(_, run)| status(run) == 2).expect("one");
    let text = stderr(&run);
    assert!(complaint(&run).starts_with("compiled code differs from the interpreter between "), "{text}");
    for said in [
        "interpreter",
        "  r",
        "sieve.um",
        &format!("--lie-after {after}"),
        "the program has 264 words",
        "the last 20 of ",
    ] {
        assert!(text.contains(said), "{said:?} in {text}");
    }
    // What the interpreter did is shown, up to where they differ.
    assert!(text.lines().last().expect("a trace").contains("m["), "{text}");
    let run = lie("1000000000");
    assert_eq!((status(&run), complaint(&run).starts_with("verified: ")), (0, true), "{}", stderr(&run));
}

#[test]
fn failures_and_input_are_the_same_in_both() {
    let fault = image(&[vec![input(1), input(2), input(3)], print("x"), vec![div(1, 1, 0)]].concat());
    let run = rum(&["--verify", arg(&fault)]).write_stdin("ab").output().expect("it starts");
    assert_eq!((status(&run), &run.stdout[..]), (1, &b"x"[..]));
    assert!(
        complaint(&run).contains("division of 120 by 0") && stderr(&run).contains("no difference"),
        "{}",
        stderr(&run)
    );
    // A run that goes on, with input that was there before.
    let folder = tempfile::tempdir().expect("a folder");
    let snap = folder.path().join("a.snap");
    rum(&["--save-at", "2", "--save", arg(&snap), arg(&fault)]).write_stdin("abc").assert().code(0);
    let run = rum(&["resume", "--verify", arg(&snap)]).write_stdin("d").output().expect("it starts");
    assert_eq!((status(&run), &run.stdout[..]), (1, &b"x"[..]));
    assert!(stderr(&run).contains("r3 = 99 ") && stderr(&run).contains("no difference"), "{}", stderr(&run));
    rum(&["--verify", "--trace-file", "/dev/null", arg(&fault)]).assert().code(2);
    let run = rum(&["--verify", "--engine", "interp", arg(&fault)]).output().expect("it starts");
    assert_eq!(status(&run), 2);
    assert!(complaint(&run).starts_with("nothing is compiled that could be verified"), "{}", stderr(&run));
}
