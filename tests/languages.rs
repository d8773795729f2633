//! `benches/compare-languages` works: at sizes that mean nothing, it measures, compares what is printed, and writes its
//! table and its figures.

use crate::support::{RUM, root, status, stderr};
use std::fs;
use std::process::Command;

/// Whether Python is here in a version that has what the script uses.
fn has_python() -> bool {
    let found = Command::new("python3").args(["-c", "import tomllib"]).output();
    found.is_ok_and(|run| run.status.success())
}

#[test]
fn languages_are_compared() {
    if !has_python() {
        println!("skipped: no Python 3.11 or newer is installed");
        return;
    }
    let script = root().join("benches/compare-languages");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = Command::new("python3")
        .arg("-B")
        .arg(&script)
        .args(["--small", "--runs", "2", "--rum", RUM, "arrays", "count", "--out"])
        .arg(folder.path())
        .output()
        .expect("it starts");
    assert_eq!(status(&run), 0, "{}", stderr(&run));
    let table = String::from_utf8(run.stdout).expect("text");
    assert_eq!(table.lines().count(), 2 + 4, "{table}");
    assert_eq!(table, fs::read_to_string(folder.path().join("summary.md")).expect("the table"));
    let raw = fs::read(folder.path().join("raw.json")).expect("the figures");
    let raw: serde_json::Value = serde_json::from_slice(&raw).expect("JSON");
    let results = raw["results"].as_array().expect("a list");
    for (result, name) in results.iter().zip(["count", "sieve", "matmul", "sort"]) {
        assert!(result["program"] == name && result["instructions"]["python_size"].as_u64() > Some(100), "{result}");
        for contender in result["measured"].as_array().expect("a list") {
            assert_eq!(contender["runs"].as_array().expect("a list").len(), 2);
        }
        let best = result["best"]["wall"].as_object().expect("an object");
        assert!(
            ["interp@python_size", "jit@figure_size", "cpython@python_size"].iter().all(|key| best.contains_key(*key))
        );
    }
}

#[test]
fn mistakes_are_named() {
    if !has_python() {
        println!("skipped: no Python 3.11 or newer is installed");
        return;
    }
    let script = root().join("benches/compare-languages");
    for (args, message) in [
        (&["--rum", RUM, "nosuch"][..], "nosuch is neither a program"),
        (&["--rum", "none", "count"], "there is no none"),
    ] {
        let run = Command::new("python3").arg("-B").arg(&script).args(args).output().expect("it starts");
        assert!(status(&run) != 0 && stderr(&run).contains(message), "{}", stderr(&run));
    }
}
