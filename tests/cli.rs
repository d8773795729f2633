//! The command line itself: help, mistakes, pages, statistics.

use crate::support::*;
use rum::Optimisation;

#[test]
fn help_names_everything() {
    for args in [&["--help"][..], &["-h"], &["run", "--help"], &["help", "run"]] {
        let run = rum(args).output().expect("it starts");
        let text = String::from_utf8(run.stdout).expect("text");
        let mut words =
            vec!["--engine", "--stats", "--max-memory", "--max-instructions", "--timeout", "--hot-threshold"];
        words.extend(["--compile-threads", "--code-budget", "Exit status", "130"]);
        for word in words {
            assert!(text.contains(word), "{args:?} lacks {word}");
        }
        for optimisation in Optimisation::ALL {
            assert!(text.contains(&format!("--no-{}", optimisation.name())));
        }
        assert!(!text.contains("completions") && text.lines().all(|line| line.len() <= 120));
    }
    rum(&["--help"]).assert().code(0).stderr("");
}

#[test]
fn help_names_the_commands() {
    for (args, words) in [
        (&["--help"][..], &["asm", "disasm", "run"][..]),
        (&["asm", "--help"], &["--output", "--extended", "-g", "--listing", "--color", "Exit status"]),
        (&["disasm", "-h"], &["--umdump", "--no-fold", "--color"]),
    ] {
        let run = rum(args).output().expect("it starts");
        let text = String::from_utf8(run.stdout).expect("text");
        for word in words {
            assert!(text.contains(word), "{args:?} lacks {word}");
        }
    }
}

#[test]
fn nothing_to_do_shows_the_help() {
    let run = rum(&[]).output().expect("it starts");
    assert_eq!(status(&run), 2);
    assert!(stderr(&run).contains("Usage: rum"));
}

#[test]
fn mistakes_are_explained() {
    let cases: [(&[&str], &str); 17] = [
        (&["--engin", "interp", "x.um"], "a similar argument exists: '--engine'"),
        (&["--engine", "fast", "x.um"], "[possible values: interp, jit, auto]"),
        (&["--stats=xml", "x.um"], "[possible values: text, json]"),
        (&["--max-memory", "lots", "x.um"], "such as 512M"),
        (&["--max-instructions", "1.5", "x.um"], "a count is a whole number"),
        (&["--max-instructions", "1e20", "x.um"], "a count is at most 18446744073709551615"),
        (&["--timeout", "5", "x.um"], "such as 60s"),
        (&["--hot-threshold", "0", "x.um"], "at least 1"),
        (&["--hot-threshold", "1e10", "x.um"], "at most 4294967295"),
        (&["--compile-threads", "65", "x.um"], "0 to 64 threads"),
        (&["--code-budget", "-1", "x.um"], "unexpected argument '-1'"),
        (&["a.um", "b.um"], "unexpected argument 'b.um'"),
        (&["asm"], "<FILES>"),
        (&["asm", "-g", "x.ums"], "--output <OUT>"),
        (&["disasm", "--color", "red", "x.um"], "[possible values: auto, always, never]"),
        (&["--engine", "interp"], "<IMAGE>"),
        (&["--engine", "interp", "run", "x.um"], "arguments of the command run stand behind its name"),
    ];
    for (args, message) in cases {
        let run = rum(args).output().expect("it starts");
        assert_eq!((status(&run), run.stdout.len()), (2, 0), "{args:?}");
        assert!(stderr(&run).contains(message), "{args:?}: {}", stderr(&run));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_an_error() {
    for args in [&["--help"][..], &["--version"], &["help", "run"], &["man"], &["completions", "bash"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("the device");
        let run = std::process::Command::new(RUM).args(args).stdout(full).output().expect("it starts");
        let expected = "rum: cannot write to standard output: No space left on device\n";
        assert_eq!((status(&run), stderr(&run)), (2, expected), "{args:?}");
    }
}

#[test]
fn pages_and_completions_come_from_the_command_itself() {
    let run = rum(&["man"]).output().expect("it starts");
    let page = String::from_utf8(run.stdout).expect("text");
    assert!(page.contains(".TH rum 1") && page.contains("max\\-instructions") && page.contains("Exit status"));
    let run = rum(&["man", "run"]).output().expect("it starts");
    assert!(String::from_utf8(run.stdout).expect("text").contains(".TH rum-run 1"));
    for (command, word) in [("asm", "\\-\\-listing"), ("disasm", "\\-\\-umdump")] {
        let run = rum(&["man", command]).output().expect("it starts");
        let page = String::from_utf8(run.stdout).expect("text");
        assert!(page.contains(&format!(".TH rum-{command} 1")) && page.contains(word), "{page}");
    }
    let run = rum(&["man", "rung"]).output().expect("it starts");
    assert_eq!((status(&run), complaint(&run)), (2, "there is no command rung; see rum --help"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = rum(&["completions", shell]).output().expect("it starts");
        assert_eq!(status(&run), 0);
        let script = String::from_utf8(run.stdout).expect("text");
        for word in ["max-memory", "asm", "disasm", "extended", "umdump"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
}

#[test]
fn the_binary_under_test_checks_its_assertions() {
    let run = rum(&["--version"]).output().expect("it starts");
    let text = String::from_utf8_lossy(&run.stdout);
    let start = format!("rum {} (rustc ", env!("CARGO_PKG_VERSION"));
    assert!(status(&run) == 0 && text.starts_with(&start) && text.ends_with(", with assertions)\n"), "{text}");
}

#[test]
fn statistics_for_machines_are_one_object_with_sorted_keys() {
    let path = image(&[print("four"), vec![halt()]].concat());
    let run = rum(&["--stats=json", arg(&path)]).output().expect("it starts");
    assert_eq!(stderr(&run).lines().count(), 1);
    let stats = stats(&run);
    let keys: Vec<_> = stderr(&run).split('"').filter(|part| stats.get(part).is_some()).collect();
    assert!(keys.is_sorted(), "{keys:?}");
    for (key, value) in [("instructions", 9), ("output_bytes", 4), ("exit_status", 0), ("segments_live", 0), ("pc", 8)]
    {
        assert_eq!(stats[key], value, "{key}");
    }
    assert_eq!((&stats["end"], &stats["fault"]), (&"halt".into(), &serde_json::Value::Null));
    for key in ["wall_ns", "cpu_ns", "peak_rss_bytes", "memory_used_bytes", "memory_limit_bytes", "program_words"] {
        assert!(stats[key].as_u64().is_some_and(|value| value > 0), "{key} in {stats}");
    }
}

#[test]
fn statistics_go_to_a_file_apart_from_messages() {
    let program = image(&[print("four"), vec![halt()]].concat());
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("report");
    let run = rum(&["--stats-file", arg(&path), arg(&program)]).output().expect("it starts");
    assert_eq!((run.stdout.as_slice(), stderr(&run)), (&b"four"[..], ""));
    let text = std::fs::read_to_string(&path).expect("a report");
    let stats: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(stats["output_bytes"], 4);
    let run = rum(&["--stats=text", "--stats-file", arg(&path), arg(&program)]).output().expect("it starts");
    assert_eq!(stderr(&run), "");
    assert!(std::fs::read_to_string(&path).expect("a report").starts_with("statistics of "));
    // Who cannot have the file hears that before the program runs.
    let run =
        rum(&["--stats-file", arg(&place.path().join("none/report")), arg(&program)]).output().expect("it starts");
    assert!(status(&run) != 0 && run.stdout.is_empty());
    assert!(complaint(&run).starts_with("cannot write "), "{}", complaint(&run));
    // The program stays as it is, by whatever name it is meant.
    let [own, link] = ["own.um", "link"].map(|name| place.path().join(name));
    let bytes = std::fs::copy(&program, &own).expect("a copy");
    std::fs::hard_link(&own, &link).expect("a second name");
    for name in [&own, &link] {
        let run = rum(&["--stats-file", arg(&link), arg(name)]).output().expect("it starts");
        assert!(status(&run) != 0 && complaint(&run).contains("is the program itself"), "{}", complaint(&run));
        assert_eq!(std::fs::metadata(&own).expect("the program").len(), bytes);
    }
}

#[test]
fn every_statistic_is_documented() {
    let path = image(&[halt()]);
    let run = rum(&["--stats=json", arg(&path)]).output().expect("it starts");
    let text = std::fs::read_to_string(root().join("docs/stats.md")).expect("the documentation");
    for key in stats(&run).as_object().expect("an object").keys() {
        assert!(text.contains(&format!("`{key}`")), "docs/stats.md does not explain {key}");
    }
}

#[test]
fn statistics_for_people_have_units() {
    let path = image(&[print("four"), vec![halt()]].concat());
    let run = rum(&["--stats", arg(&path)]).output().expect("it starts");
    let text = stderr(&run);
    for row in ["instructions", "wall time", "CPU time", "speed", "peak memory", "live segments", "output"] {
        assert!(text.lines().any(|line| line.trim_start().starts_with(row)), "{row} in {text}");
    }
    assert!(text.contains("million instructions per second") && text.contains("MiB"));
}

#[test]
fn statistics_that_cannot_be_written_are_an_error() {
    let path = image(&[halt()]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let run = std::process::Command::new(RUM)
        .args(["--stats", arg(&path)])
        .stderr(std::process::Stdio::from(full))
        .output()
        .expect("it starts");
    assert_eq!(status(&run), 2);
}

#[test]
fn live_segments_are_counted() {
    let path = image(&[lit(1, 3), alloc(2, 1), alloc(3, 1), alloc(4, 0), abandon(2), halt()]);
    for engine in ENGINES {
        let run = rum(&with(engine, &["--stats=json", arg(&path)])).output().expect("it starts");
        assert_eq!(counter(&run, "segments_live"), 2);
    }
}
