//! What became of a program's code, and why.

use crate::support::*;
use std::path::PathBuf;

/// A program that goes round and round, with symbols, and its image.
fn looping(folder: &tempfile::TempDir) -> PathBuf {
    let source = folder.path().join("round.ums");
    let text = ".zero r0\n.temps r6, r7\n        r1 := 3000000\nround:\n        r2 := r2 + r1\n        m[r0][r3] := r2\n        r1 := r1 + -1\n\
                if (r1 != 0) goto round\n        halt\nnever:\n        output r1\n        halt\n";
    std::fs::write(&source, text).expect("a folder");
    let image = folder.path().join("round.um");
    rum(&["asm", "-g", "-o", arg(&image), arg(&source)]).assert().success();
    image
}

fn explained(args: &[&str]) -> String {
    let run = rum(&[&["explain", "--compile-threads", "0"], args].concat()).output().expect("it starts");
    assert_eq!(status(&run), 0, "{}", stderr(&run));
    stderr(&run).to_owned()
}

#[test]
fn each_block_says_how_it_is_executed_and_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = looping(&folder);
    let text = explained(&["--top", "1", arg(&image)]);
    assert!(text.contains("round  ") && text.contains("optimised, executed 3,000,000 times"), "{text}");
    assert!(text.contains("in all of the unit r0, r3, r4 and r5 are 0: checked where it is entered"), "{text}");
    assert!(text.contains("no code of its own: a constant, folded into what uses it"), "{text}");
    assert!(text.contains("more block"), "{text}");
    // What it is worth to whoever reads it: the code, beside each instruction.
    let code = explained(&["--at", "round", arg(&image)]);
    for expected in ["CLIF", "host", "iadd", "r2 := r2 + r1"] {
        assert!(code.contains(expected), "{expected}: {code}");
    }
    let never = explained(&["--at", "never", arg(&image)]);
    assert!(never.contains("interpreted, executed 0 times") && never.contains("it was never executed"), "{never}");
    let interpreted = explained(&["--engine", "interp", "--top", "1", arg(&image)]);
    assert!(interpreted.contains("the interpreter was asked for"), "{interpreted}");
    let blocks = explained(&["--hot-threshold", "2e9", "--at", "round", arg(&image)]);
    assert!(blocks.contains("baseline, executed") && blocks.contains("translated by itself"), "{blocks}");
}

/// A loop that patches one of its own words two hundred thousand times.
#[test]
fn what_costs_time_is_told_with_what_to_do() {
    // Each round 9 becomes a literal of another number, made from the word at 15.
    let mut program = vec![lit(1, 200_000), nand(7, 0, 0), lit(2, 9), lit(3, 15), index(3, 0, 3), add(3, 3, 1)];
    program.extend([amend(0, 2, 3), add(4, 4, 5), add(4, 4, 4), lit(5, 0), add(1, 1, 7), lit(6, 16)]);
    program.extend([lit(2, 2), cmov(6, 2, 1), load_program(0, 6), lit(5, 0), halt()]);
    let run = rum(&["explain", "--compile-threads", "0", arg(&image(&program))]).output().expect("it starts");
    let text = stderr(&run);
    assert_eq!(status(&run), 0, "{text}");
    assert!(text.contains("The word at 9 is patched again and again and was executed 200,000 times"), "{text}");
    assert!(text.contains("patched again and again: its word is read each time"), "{text}");
}

#[test]
fn what_cannot_be_explained_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = looping(&folder);
    for (at, complaint) in
        [("nowhere", "there is no label nowhere"), ("99", "there is no word 99: the program has 13 words")]
    {
        let run = rum(&["explain", "--at", at, arg(&path)]).output().expect("it starts");
        let said = stderr(&run);
        assert!(status(&run) == 2 && said.contains(complaint), "{said}");
    }
    // A fault is told as ever, and what came before it is explained.
    let run = rum(&["explain", arg(&image(&[lit(1, 3), div(1, 1, 0)]))]).output().expect("it starts");
    assert!(status(&run) == 1 && stderr(&run).contains("division-by-zero"), "{}", stderr(&run));
    assert!(stderr(&run).contains("what became of the code of"), "{}", stderr(&run));
}

#[test]
fn pages_need_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = looping(&folder);
    let page = folder.path().join("page.html");
    for command in [&["explain"][..], &["profile"], &["profile", "--exact"]] {
        let args = [command, &["--compile-threads", "0", "--html", arg(&page), arg(&image)]].concat();
        rum(&args).assert().success();
        let text = std::fs::read_to_string(&page).expect("a page");
        assert!(text.starts_with("<!DOCTYPE html>") && text.trim_end().ends_with("</html>"), "{command:?}");
        assert!(text.contains("prefers-color-scheme: dark") && text.contains("round"), "{command:?}");
        for outside in ["http:", "https:", "<script", "src=", "@import", "url("] {
            assert!(!text.contains(outside), "{command:?}: {outside}");
        }
        // Whether samples fall into so short a run is a matter of luck.
        assert!(text.contains("badge optimised") || command == ["profile"], "{command:?}");
    }
}
