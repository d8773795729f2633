//! Where a program spends its time: by looking now and then, and by counting.

use crate::support::*;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A program of umbin/, assembled from its sources with symbols.
fn assembled(folder: &Path, name: &str, sources: &[&str]) -> PathBuf {
    let image = folder.join(format!("{name}.um"));
    let sources: Vec<PathBuf> = sources.iter().map(|source| root().join(format!("umbin/src/{source}.ums"))).collect();
    let files: Vec<&str> = sources.iter().map(|source| arg(source)).collect();
    rum(&[&["asm", "-g", "-o", arg(&image)], &files[..]].concat()).assert().success();
    image
}

/// A profile as JSON, and the run that it comes from.
fn profiled(args: &[&str], input: &str) -> (Value, Output) {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("profile.json");
    let run = rum(&[&["profile", "--json", arg(&json)], args].concat()).write_stdin(input).output().expect("it starts");
    let text = std::fs::read_to_string(&json).unwrap_or_else(|error| panic!("{error}: {}", stderr(&run)));
    (serde_json::from_str(&text).expect("JSON"), run)
}

/// What is known of a procedure.
fn procedure<'a>(profile: &'a Value, name: &str) -> &'a Value {
    let all = profile["procedures"].as_array().expect("a list");
    all.iter().find(|procedure| procedure["name"] == name).unwrap_or_else(|| panic!("no {name} in {profile:#}"))
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// Ackermann's function, and how often it was called with what it calls: at the end, and otherwise.
fn ackermann(m: u64, n: u64, calls: &mut [u64; 2]) -> u64 {
    match (m, n) {
        (0, _) => n + 1,
        (_, 0) => {
            calls[0] += 1;
            ackermann(m - 1, 1, calls)
        }
        _ => {
            calls[1] += 1;
            let inner = ackermann(m, n - 1, calls);
            calls[0] += 1;
            ackermann(m - 1, inner, calls)
        }
    }
}

/// Recursion counts once, and a call at the end of a procedure is one.
#[test]
fn calls_of_what_calls_itself_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = assembled(folder.path(), "ackermann", &["rt_start", "rt_io", "ackermann"]);
    let (profile, run) = profiled(&["--exact", arg(&image)], "5\n");
    let mut calls = [0; 2];
    let value = ackermann(3, 5, &mut calls);
    assert_eq!(String::from_utf8_lossy(&run.stdout), format!("{value}\n"));
    let total = number(&profile, "total");
    let [start, main, own] = ["start", "main", "ackermann"].map(|name| procedure(&profile, name));
    assert_eq!([number(own, "tail_calls"), number(own, "calls")], [calls[0], calls[1] + 1]);
    assert_eq!(number(own, "inclusive"), number(own, "own"), "it calls nothing but itself");
    assert_eq!(number(main, "inclusive"), total - number(start, "own"));
    assert_eq!(number(start, "inclusive"), total);
    assert_eq!(own["callers"][0][0], "ackermann");
    assert_eq!(own["callers"][1], serde_json::json!(["main", 1]));
    let parts = profile["procedures"].as_array().expect("a list").iter().map(|procedure| number(procedure, "own"));
    assert_eq!(parts.sum::<u64>(), total);
    let parts = profile["blocks"].as_array().expect("a list").iter().map(|block| number(block, "own"));
    assert_eq!(parts.sum::<u64>(), total);
    assert!(own["place"].as_str().is_some_and(|place| place.ends_with("ackermann.ums:19 in ackermann")), "{own}");
}

#[test]
fn what_goes_on_by_jumps_is_one_call() {
    const ROUNDS: u64 = 300;
    let folder = tempfile::tempdir().expect("a folder");
    let image = assembled(folder.path(), "fibtail", &["rt_start", "rt_io", "fibtail"]);
    let (profile, _) = profiled(&["--exact", arg(&image)], &format!("{ROUNDS}\n"));
    let [fib, main] = ["fib", "main"].map(|name| procedure(&profile, name));
    assert_eq!([number(fib, "calls"), number(fib, "tail_calls")], [ROUNDS, 0]);
    assert_eq!(number(fib, "inclusive"), number(fib, "own"));
    // Seven instructions for each number between two of the sequence, and more around.
    let steps: u64 = (1..=ROUNDS).map(|round| round % 16 + 30).sum();
    assert!(number(fib, "own") > 11 * steps, "{fib}");
    assert!(number(main, "inclusive") > number(main, "own") + number(fib, "own"));
}

#[test]
fn segments_are_counted_where_they_are_made() {
    // Ten segments of three words, of which one is given back; one of seven.
    let mut program = vec![lit(1, 3), lit(2, 10), nand(7, 0, 0)];
    program.extend([alloc(3, 1), add(2, 2, 7), lit(4, 3), lit(5, 9), cmov(5, 4, 2), load_program(0, 5)]);
    program.extend([abandon(3), lit(1, 7), alloc(3, 1), halt()]);
    let path = image(&program);
    let (profile, _) = profiled(&["--exact", arg(&path)], "");
    let made: Vec<[u64; 5]> = profile["allocations"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|site| ["pc", "segments", "words", "live_segments", "live_words"].map(|key| number(site, key)))
        .collect();
    assert_eq!(made, [[3, 10, 30, 9, 27], [11, 1, 7, 1, 7]]);
}

/// Looking now and then changes nothing, and finds procedures by their names.
#[test]
fn samples_fall_into_procedures() {
    let folder = tempfile::tempdir().expect("a folder");
    let sources = [
        "rt_start",
        "rt_io",
        "rt_random",
        "mixed",
        "lib_fib",
        "lib_list",
        "lib_counter",
        "lib_shapes",
        "lib_sieve",
        "lib_sort",
        "lib_build",
        "lib_string",
        "lib_symtab",
    ];
    let image = assembled(folder.path(), "mixed", &sources);
    let plain = rum(&[arg(&image)]).write_stdin("4000\n").output().expect("it starts");
    let files = ["collapsed", "svg"].map(|name| folder.path().join(name));
    for engine in [&["--engine", "interp"], &["--engine", "jit"]] {
        let args = with(engine, &["--collapsed", arg(&files[0]), "--svg", arg(&files[1]), arg(&image)]);
        let (profile, run) = profiled(&args, "4000\n");
        assert_eq!((status(&run), &run.stdout), (0, &plain.stdout));
        assert!(stderr(&run).starts_with("profile of ") && stderr(&run).contains(" samples, one each 997 µs"));
        let total = number(&profile, "total");
        assert!(total > 20, "{total}");
        let known = ["partition", "sieve", "string_hash", "fib", "symtab_lookup"];
        let names: Vec<&str> =
            profile["procedures"].as_array().expect("a list").iter().filter_map(|row| row["name"].as_str()).collect();
        assert!(known.iter().filter(|name| names.contains(name)).count() >= 3, "{names:?}");
        let collapsed = std::fs::read_to_string(&files[0]).expect("stacks");
        let counts = collapsed.lines().filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
        assert_eq!(counts.sum::<u64>(), total);
        let svg = std::fs::read_to_string(&files[1]).expect("a picture");
        assert!(svg.contains("<svg") && svg.trim_end().ends_with("</svg>") && svg.contains("samples"));
    }
}

/// The loop that sweeps for the collector takes three tenths of sandmark's time. Which of its jumps it is met at depends on how it was compiled.
#[test]
fn the_sweep_of_sandmark_is_found() {
    let Some(folder) = shared("the_sweep_of_sandmark_is_found") else { return };
    let (profile, run) = profiled(&[arg(&folder.join("umbin/sandmark.umz"))], "");
    assert_eq!(status(&run), 0, "{}", stderr(&run));
    let blocks = profile["blocks"].as_array().expect("a list").iter();
    let sweep = blocks.filter(|block| (4504..=4520).contains(&number(block, "from"))).map(|block| number(block, "own"));
    let (sweep, total) = (sweep.sum::<u64>(), number(&profile, "total"));
    assert!(total > 100 && sweep > total / 10, "{sweep} of {total}");
}

/// By counting it is the three blocks at the top.
#[test]
fn the_sweep_of_sandmark_is_counted_first() {
    let Some(folder) = shared("the_sweep_of_sandmark_is_counted_first") else { return };
    let (profile, run) = profiled(&["--exact", arg(&folder.join("umbin/sandmark.umz"))], "");
    assert_eq!(status(&run), 0, "{}", stderr(&run));
    assert_eq!(number(&profile, "total"), 5_556_001_579, "what the manifest says");
    let blocks = profile["blocks"].as_array().expect("a list");
    let mut first: Vec<[u64; 2]> =
        blocks[..3].iter().map(|block| ["from", "to"].map(|key| number(block, key))).collect();
    first.sort_unstable();
    assert_eq!(first, [[4504, 4508], [4509, 4512], [4513, 4520]]);
}

/// What perf is told: pieces of code that do not overlap, with labels of the program; and what it makes of that, where it is installed.
#[test]
#[cfg(target_os = "linux")]
fn perf_knows_labels() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = assembled(folder.path(), "sieve", &["rt_start", "rt_io", "sieve", "lib_sieve"]);
    let mut process = process(&["--perf-map", "--compile-threads", "0", arg(&image)]);
    let map = PathBuf::from(format!("/tmp/perf-{}.map", process.id()));
    drop(process.stdin.take());
    assert!(process.wait().expect("an end").success());
    let text = std::fs::read_to_string(&map).expect("a map");
    std::fs::remove_file(&map).expect("it is ours");
    let mut pieces: Vec<(u64, u64, &str)> = text
        .lines()
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            let mut number = || u64::from_str_radix(parts.next().expect("a number"), 16).expect("a number");
            (number(), number(), parts.next().expect("a name"))
        })
        .collect();
    pieces.sort_unstable();
    assert!(pieces.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0), "{text}");
    assert!(pieces.iter().all(|&(_, bytes, _)| bytes > 0), "{text}");
    for kind in ["[block]", "[unit]"] {
        assert!(pieces.iter().any(|(.., name)| name.starts_with("sieve_") && name.ends_with(kind)), "{kind}: {text}");
    }
    let [data, pid] = ["perf.data", "pid"].map(|name| folder.path().join(name));
    let mut perf = std::process::Command::new("perf");
    perf.args(["record", "-q", "-e", "cpu-clock", "-o", arg(&data), "sh", "-c", "echo $$ >\"$0\"; exec \"$@\""]);
    perf.args([arg(&pid), RUM, "--perf-map", "--compile-threads", "0", arg(&image)]);
    let Ok(true) = perf.stdin(std::process::Stdio::null()).output().map(|run| run.status.success()) else {
        eprintln!("perf_knows_labels: perf is not installed, or may not be used; what it shows is not tested");
        return;
    };
    let report =
        std::process::Command::new("perf").args(["report", "--stdio", "-i", arg(&data)]).output().expect("perf");
    let report = String::from_utf8_lossy(&report.stdout);
    let pid = std::fs::read_to_string(&pid).expect("a number");
    std::fs::remove_file(format!("/tmp/perf-{}.map", pid.trim())).expect("it is ours");
    assert!(report.contains("sieve_") && report.contains("[unit]"), "{report}");
}

#[test]
fn ends_are_told_as_ever() {
    let path = image(&print_and_spin("so"));
    for exact in [&[][..], &["--exact"]] {
        let run = rum(&[&["profile", "--max-instructions", "1e6"], exact, &[arg(&path)]].concat());
        let run = { run }.output().expect("it starts");
        assert_eq!((status(&run), &*run.stdout), (3, &b"so"[..]));
        assert_eq!(complaint(&run), "instruction limit of 1,000,000 reached (--max-instructions raises it)");
        assert!(stderr(&run).contains("\nprofile of "), "{}", stderr(&run));
    }
    let (profile, run) = profiled(&["--exact", arg(&image(&[div(1, 0, 0)]))], "");
    assert_eq!((status(&run), number(&profile, "total")), (1, 0));
    // Of nothing there is no picture.
    let run = rum(&["profile", "--exact", "--svg", "never", arg(&image(&[div(1, 0, 0)]))]).output().expect("it starts");
    assert!(status(&run) == 2 && stderr(&run).contains("no flame graph: nothing was met"), "{}", stderr(&run));
}
