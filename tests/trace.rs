//! What each instruction did: before the end, and in a file; the same whatever executes it.

use crate::faults::cases;
use crate::support::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Symbols for a program of so many words: word `n` is line `n + 1` of `case.ums`, all of it in `go`.
fn symbols(folder: &Path, words: usize) -> PathBuf {
    let lines: Vec<Value> = (0..words).map(|word| json!({"offset": word, "file": 0, "line": word + 1})).collect();
    let label = json!({"name": "go", "offset": 0, "file": 0, "line": 1});
    let text =
        json!({"version": 1, "words": words, "files": ["case.ums"], "sections": [], "labels": [label], "lines": lines});
    let path = folder.join(format!("{words}.sym"));
    std::fs::write(&path, text.to_string()).expect("room");
    path
}

/// Lines of JSON.
fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Each kind of fault with the line of the source, and what was executed before it.
#[test]
fn before_each_fault_is_what_led_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for case in cases() {
        let (path, symbols) = (image(&case.program), symbols(folder.path(), case.program.len()));
        for engine in ENGINES {
            let args = with(engine, &["--trace=2", "--symbols", arg(&symbols), arg(&path)]);
            let run = rum(&args).output().expect("it starts");
            assert_eq!(status(&run), 1, "{}", case.kind);
            let lines: Vec<&str> = stderr(&run).lines().collect();
            let (title, shown) = (lines[3], &lines[5..]);
            let total = case.instructions + 1;
            assert_eq!(shown.len() as u64, total.min(2), "{lines:#?}");
            assert!(title.starts_with(if total > 2 { "the last 2 of" } else { "" }), "{title}");
            assert!(title.contains(&format!("{total} instruction")), "{title}");
            let last = shown.last().expect("a line");
            assert!(last.contains("not executed: ") && last.trim_start().starts_with(&total.to_string()), "{last}");
            if case.kind != "pc-outside" {
                let pc = total - 1;
                assert!(lines[0].contains(&format!("at case.ums:{} in go, pc {pc}", pc + 1)), "{}", lines[0]);
                assert!(last.ends_with(&format!("case.ums:{} in go", pc + 1)), "{last}");
            }
        }
    }
}

/// What a program did that does everything: changes itself, reads to its end and beyond, has segments, loads another program.
#[test]
fn a_trace_is_the_same_in_every_engine() {
    const ROUNDS: u32 = 300;
    let loaded = [lit(1, 65), output(1), halt()];
    let mut program = vec![
        lit(1, ROUNDS),
        nand(7, 0, 0),
        // The loop: a segment, a word of it, a byte of input, a word of the program.
        lit(2, 3),
        alloc(3, 2),
        amend(3, 0, 1),
        index(4, 3, 0),
        abandon(3),
        input(5),
        lit(6, 11),
        index(4, 0, 6),
        amend(0, 6, 4),
        lit(4, 7),
        add(1, 1, 7),
        lit(5, 2),
        lit(6, 17),
        cmov(6, 5, 1),
        load_program(0, 6),
        lit(2, loaded.len() as u32),
        alloc(3, 2),
    ];
    for (offset, _) in loaded.iter().enumerate() {
        let from = 19 + 6 * loaded.len() + 2 + offset;
        program.extend([
            lit(4, from as u32),
            index(4, 0, 4),
            lit(5, offset as u32),
            amend(3, 5, 4),
            lit(4, 0),
            lit(5, 0),
        ]);
    }
    program.extend([lit(4, 0), load_program(3, 4)]);
    program.extend(loaded);
    let path = image(&program);
    let place = tempfile::tempdir().expect("a folder");
    let all = place.path().join("all");
    let traced = |engine: &[&str], more: &[&str]| {
        let args = with(engine, &[more, &["--trace-format", "json", arg(&path)]].concat());
        let run = rum(&args).write_stdin(vec![b'x'; 200]).output().expect("it starts");
        assert_eq!((status(&run), &*run.stdout), (0, &b"A"[..]), "{}", stderr(&run));
        json_lines(stderr(&run))
    };
    traced(ENGINES[0], &["--trace-file", arg(&all)]);
    let whole = json_lines(&std::fs::read_to_string(&all).expect("a trace"));
    let what = |key: &str| whole.iter().filter(|record| record.get(key).is_some()).count();
    assert_eq!(
        [what("alloc"), what("abandon"), what("program"), what("halt")],
        [ROUNDS as usize + 1, ROUNDS as usize, 1, 1]
    );
    assert_eq!(what("input"), ROUNDS as usize);
    assert_eq!(whole.iter().filter(|record| record.get("input") == Some(&Value::Null)).count(), ROUNDS as usize - 200);
    assert_eq!(whole.iter().filter(|record| record["output"] == 65).count(), 1);
    assert!(whole.iter().zip(1..).all(|(record, number)| record["number"] == number), "nothing is left out");
    let count = whole.len();
    for engine in ENGINES {
        assert_eq!(traced(engine, &["--trace=1000"]), whole[count - 1000..], "{engine:?}");
        assert_eq!(traced(engine, &["--trace=1000000"]), whole, "{engine:?}");
        let part = place.path().join("part");
        let nothing = traced(engine, &["--trace-file", arg(&part), "--trace-range", "2000..2500"]);
        assert!(nothing.is_empty());
        assert_eq!(json_lines(&std::fs::read_to_string(&part).expect("a trace")), whole[1999..2499], "{engine:?}");
    }
}

#[test]
fn what_was_executed_up_to_a_limit_is_shown() {
    let path = image(&spin(0));
    for engine in ENGINES {
        let run =
            rum(&with(engine, &["--trace=3", "--max-instructions", "1e6", arg(&path)])).output().expect("it starts");
        assert_eq!(status(&run), 3);
        let lines: Vec<&str> = stderr(&run).lines().collect();
        assert_eq!(lines[1], "the last 3 of 1,000,000 instructions:");
        assert_eq!(lines.len(), 6, "{lines:#?}");
        assert!(lines[5].trim_start().starts_with("1000000 "), "{lines:#?}");
        // A file ends there, too.
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("trace");
        let args =
            ["--trace-file", arg(&file), "--trace-range", "999999..2e6", "--max-instructions", "1e6", arg(&path)];
        assert_eq!(status(&rum(&with(engine, &args)).output().expect("it starts")), 3);
        assert_eq!(std::fs::read_to_string(&file).expect("a trace").lines().count(), 3, "a head and two instructions");
    }
}

#[test]
fn a_trace_does_not_replace_the_program() {
    let program = image(&[halt()]);
    let before = std::fs::read(&program).expect("a program");
    let run = rum(&["--trace-file", arg(&program), arg(&program)]).output().expect("it starts");
    assert!(status(&run) == 2 && complaint(&run).contains("is the program itself"), "{}", complaint(&run));
    assert_eq!(std::fs::read(&program).expect("a program"), before);
    let run = rum(&["--trace-range", "5..5", "--trace-file", "x", arg(&program)]).output().expect("it starts");
    assert!(status(&run) == 2 && stderr(&run).contains("FROM being below TO"), "{}", stderr(&run));
}
