//! `rum gate`: the exit status says whether performance got worse, and is never a silent pass.

use crate::support::{RUM, arg, root, rum, status};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

/// Rules about one short program.
const RULES: &str = r#"
baseline = "baseline.json"
rounds_min = 3
rounds_max = 6

[[engine]]
name = "jit"
args = ["--engine", "jit", "--compile-threads", "0", "--hot-threshold", "20"]

[[engine]]
name = "interp"
args = ["--engine", "interp"]

[[program]]
name = "fib"
image = "fib.um"
input = "12\n"

[[counter]]
engine = "jit"
counters = ["code_bytes", "exits.*"]
worse = "more"
tolerance = 0.02
reason = "code"

[[counter]]
engine = "jit"
counters = ["optimisations.*"]
worse = "less"
reason = "optimisations"

[[counter]]
engine = "interp"
counters = ["instructions"]
worse = "different"
reason = "meaning"
"#;

/// A folder with rules, their program and a baseline.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(rules: &str) -> Place {
        let folder = TempDir::new().expect("a folder");
        fs::copy(root().join("umbin/fib.um"), folder.path().join("fib.um")).expect("a copy");
        fs::write(folder.path().join("gate.toml"), rules).expect("room");
        Place { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn gate(&self, args: &[&str]) -> Output {
        let config = self.path("gate.toml");
        let options = ["--no-valgrind", "--config", arg(&config)];
        rum(&[&["gate"], args, &options].concat()).output().expect("it starts")
    }

    fn blessed(rules: &str) -> Place {
        let place = Place::new(rules);
        let run = place.gate(&["run", "--bless"]);
        assert_eq!(status(&run), 0, "{}", String::from_utf8_lossy(&run.stderr));
        place
    }

    fn baseline(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path("baseline.json")).expect("a file")).expect("JSON")
    }

    /// A command that is this rum with more arguments.
    fn other_rum(&self, name: &str, script: &str) -> String {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n").replace("RUM", &format!("'{RUM}'"))).expect("room");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permission");
        arg(&path).to_owned()
    }
}

fn said(run: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr))
}

#[test]
fn nothing_changed_is_a_pass() {
    let place = Place::blessed(RULES);
    let report = place.path("report.md");
    let run = place.gate(&["run", "--markdown", arg(&report)]);
    assert_eq!(status(&run), 0, "{}", said(&run));
    let text = fs::read_to_string(report).expect("a report");
    assert!(text.starts_with("## performance gate: pass"), "{text}");
    assert_eq!(text.as_bytes(), run.stdout);
}

#[test]
fn counters_that_got_worse_are_a_regression() {
    let place = Place::blessed(RULES);
    let mut baseline = place.baseline();
    let counters = &mut baseline["programs"]["fib"]["jit"];
    let bytes = counters["code_bytes"].as_f64().expect("code");
    assert!(bytes > 0.0, "nothing is compiled");
    counters["code_bytes"] = json!(bytes / 1.03);
    fs::write(place.path("baseline.json"), baseline.to_string()).expect("room");
    let run = place.gate(&["run"]);
    assert_eq!(status(&run), 1, "{}", said(&run));
    assert!(said(&run).contains("| fib | jit | code_bytes |") && said(&run).contains("+3.0"), "{}", said(&run));
}

#[test]
fn a_lost_optimisation_is_a_regression() {
    let place = Place::new(RULES);
    let worse = place.other_rum("worse", "exec RUM --no-numbering \"$@\"");
    let run = place.gate(&["compare", RUM, &worse]);
    assert_eq!(status(&run), 1, "{}", said(&run));
    assert!(said(&run).contains("optimisations.numbering"), "{}", said(&run));
    // What got better is told, and is no regression.
    let rules = RULES.replace("tolerance = 0.02", "tolerance = 0.9");
    let run = Place::new(&rules).gate(&["compare", &worse, RUM]);
    assert_eq!(status(&run), 0, "{}", said(&run));
    assert!(said(&run).contains("Moved, within what is allowed"), "{}", said(&run));
}

#[test]
fn who_has_no_baseline_hears_how_to_make_one() {
    let run = Place::new(RULES).gate(&["run"]);
    assert_eq!(status(&run), 2);
    assert!(said(&run).contains("there is no baseline yet at "), "{}", said(&run));
    assert!(said(&run).contains("rum gate run --bless makes it"), "{}", said(&run));
}

#[test]
fn what_cannot_be_measured_is_no_pass() {
    let place = Place::blessed(RULES);
    let mut baseline = place.baseline();
    baseline["programs"]["fib"]["jit"].as_object_mut().expect("counters").remove("code_bytes");
    fs::write(place.path("baseline.json"), baseline.to_string()).expect("room");
    let run = place.gate(&["run"]);
    assert_eq!(status(&run), 2, "{}", said(&run));
    assert!(said(&run).contains("could not tell") && said(&run).contains("not measured before"), "{}", said(&run));

    fs::write(place.path("baseline.json"), "[]").expect("room");
    assert_eq!(status(&place.gate(&["run"])), 2);
    fs::remove_file(place.path("baseline.json")).expect("it is there");
    assert_eq!(status(&place.gate(&["run"])), 2);

    // An engine that fails is no regression either: nothing was measured.
    let broken = place.other_rum("broken", "echo nonsense");
    assert_eq!(status(&place.gate(&["compare", RUM, &broken])), 2);

    let required = format!("host_required = true\n{}", RULES.replace("\"code_bytes\"", "\"host_instructions\""));
    let run = Place::blessed(&required).gate(&["run"]);
    assert_eq!(status(&run), 2, "{}", said(&run));
    let run = Place::blessed(&required.replace("true", "false")).gate(&["run"]);
    assert_eq!(status(&run), 0, "{}", said(&run));
    let note = "Not measured: host_instructions (1), for there is no valgrind";
    assert!(said(&run).contains(note), "a silent pass: {}", said(&run));

    // Figures from another processor say nothing about what depends on it.
    let place = Place::blessed(&RULES.replace("reason = \"code\"", "depends_on = \"processor\"\nreason = \"code\""));
    let mut baseline = place.baseline();
    baseline["host"]["processor"] = json!("an abacus");
    baseline["programs"]["fib"]["jit"]["code_bytes"] = json!(1);
    fs::write(place.path("baseline.json"), baseline.to_string()).expect("room");
    let run = place.gate(&["run"]);
    assert_eq!(status(&run), 0, "{}", said(&run));
    assert!(said(&run).contains("Not measured: code_bytes (1), for \"an abacus\" before"), "{}", said(&run));
}

#[test]
fn rules_on_times_need_somebody_who_races() {
    let rules = race_rules("2.0");
    for (from, to, text) in [
        ("engines = [\"interp\"]", "engines = [\"jit\"]", "no rule on times compares who runs in a race on fib"),
        ("engines = [\"interp\"]", "engines = [\"typo\"]", "engine typo"),
        ("program = \"fib\"", "program = \"gone\"", "program gone"),
    ] {
        assert!(rules.contains(from), "{from}");
        let run = Place::new(&rules.replace(from, to)).gate(&["compare", RUM, RUM]);
        assert!(status(&run) == 2 && said(&run).contains(text), "{text}: {}", said(&run));
    }
    let (rules, _) = rules.split_once("[[race]]").expect("a race");
    let rules = format!("{rules}{}", ratio_rule("2.0"));
    let run = Place::new(&rules).gate(&["compare", RUM, RUM]);
    let text = "there is no race for the rule that compares interp with base";
    assert!(status(&run) == 2 && said(&run).contains(text), "{}", said(&run));
    for (from, to, text) in [
        ("to = \"base\"", "to = \"interp\"", "a rule compares interp with itself"),
        ("args = [\"--engine\", \"interp\"]", "command = \"um {}\"", "interp is a command"),
    ] {
        let run = Place::new(&race_rules("2.0").replace(from, to)).gate(&["compare", RUM, RUM]);
        assert!(status(&run) == 2 && said(&run).contains(text), "{text}: {}", said(&run));
    }
    // With nothing left to look at there is nothing to tell, and no report says "pass".
    let place = Place::new(&race_rules("nan"));
    assert_eq!(status(&place.gate(&["compare", RUM, RUM])), 2);
    let (rules, _) = RULES.split_once("[[counter]]").expect("rules on counters");
    let place = Place::new(&format!("{rules}{RACE}{}", ratio_rule("1.0")));
    let run = place.gate(&["compare", RUM, RUM, "--no-times"]);
    assert!(status(&run) == 2 && said(&run).contains("could not tell (nothing was measured)"), "{}", said(&run));
}

/// A race of the interpreter.
const RACE: &str = r#"
[[race]]
program = "fib"
input = "31\n"
engines = ["interp"]
"#;

/// The interpreter's time is so much longer than that of the base at most.
fn ratio_rule(tolerance: &str) -> String {
    let rule = "[[ratio]]\nengine = \"interp\"\nto = \"base\"\ntime = \"wall\"\nreason = \"time\"\n";
    format!("{rule}tolerance = {tolerance}\n")
}

/// All rules, with one on times and a race for it.
fn race_rules(tolerance: &str) -> String {
    format!("{RULES}{RACE}{}", ratio_rule(tolerance))
}

/// What cannot tell anything is no gate.
#[test]
fn rules_that_can_never_fail_are_refused() {
    let short = race_rules("2.0").replace("input = \"31\\n\"", "input = \"5\\n\"");
    let run = Place::new(&short).gate(&["compare", RUM, RUM]);
    let text = "the race on fib between interp and base is over in ";
    assert!(status(&run) == 2 && said(&run).contains(text), "{}", said(&run));
    let empty = RULES.replace("worse = \"less\"", "worse = \"less\"\ntolerance = 1.0");
    let run = Place::new(&empty).gate(&["run", "--bless"]);
    assert!(status(&run) == 2 && said(&run).contains("a rule about jit can never fail"), "{}", said(&run));
}

#[test]
fn pure_latency_is_found_by_racing() {
    let place = Place::new(&race_rules("2.0"));
    let slow = place.other_rum("slow", "sleep 3; exec RUM \"$@\"");
    let run = place.gate(&["compare", RUM, &slow]);
    assert_eq!(status(&run), 1, "{}", said(&run));
    assert!(said(&run).contains("| fib (31) | interp | wall time by that of base"), "{}", said(&run));
    let run = place.gate(&["compare", &slow, RUM]);
    assert_eq!(status(&run), 0, "{}", said(&run));
    let run = place.gate(&["compare", RUM, &slow, "--no-times"]);
    assert!(status(&run) == 0 && said(&run).contains("Not measured: times, as asked"), "{}", said(&run));
}

/// Rules about a command of its own, `./mine` beside them.
fn rules_of_a_machine() -> String {
    let rules = RULES.split("[[counter]]").next().expect("a beginning");
    let machine = "[[engine]]\nname = \"mine\"\ncommand = \"./mine {}\"\n";
    let counter =
        "[[counter]]\nengine = \"mine\"\ncounters = [\"host_instructions\"]\nworse = \"more\"\nreason = \"work\"\n";
    format!("{rules}{machine}{counter}")
}

#[test]
fn what_fails_is_not_measured() {
    let place = Place::new(&rules_of_a_machine());
    place.other_rum("mine", "exec RUM --engine interp \"$@\"");
    let run = place.gate(&["run", "--bless"]);
    assert_eq!(status(&run), 0, "{}", said(&run));
    // It is the same command wherever the rules are read from.
    let run = rum(&["gate", "run"]).current_dir(&place.folder).output().expect("it starts");
    assert!(!said(&run).contains("arguments"), "{}", said(&run));
    // Two binaries have no part in it, and then nothing is left to tell.
    let run = place.gate(&["compare", RUM, RUM]);
    assert!(status(&run) == 2 && said(&run).contains("Not measured: mine, a command"), "{}", said(&run));
    place.other_rum("mine", "echo no such image >&2; exit 1");
    let run = place.gate(&["run"]);
    assert!(status(&run) == 2, "{}", said(&run));
    assert!(
        said(&run).contains("mine ends with exit status 1") && said(&run).contains("no such image"),
        "{}",
        said(&run)
    );
}

#[test]
fn crashes_under_callgrind_are_not_counted() {
    if std::process::Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("skipped: there is no valgrind");
        return;
    }
    let place = Place::new(&RULES.replace("\"code_bytes\"", "\"host_instructions\""));
    // As it should be where it is asked for statistics, and quicker where it is counted.
    let crash = place.other_rum("crash", "case \"$*\" in *--stats*|*--version*) exec RUM \"$@\";; esac; exit 1");
    let config = place.path("gate.toml");
    let run = rum(&["gate", "compare", RUM, &crash, "--config", arg(&config)]).output().expect("it starts");
    assert_eq!(status(&run), 2, "{}", said(&run));
}

#[test]
fn other_work_is_not_compared() {
    let place = Place::blessed(RULES);
    for (from, to, what) in [("12\\n", "1\\n", "| input |"), ("\"20\"]", "\"30\"]", "| arguments |")] {
        assert!(RULES.contains(from), "{from}");
        fs::write(place.path("gate.toml"), RULES.replace(from, to)).expect("room");
        let run = place.gate(&["run"]);
        assert!(said(&run).contains(what) && status(&run) != 0, "{}", said(&run));
    }
    let place = Place::new(&RULES.replace("\"different\"", "\"more\""));
    let wrong = place.other_rum("wrong", "RUM \"$@\" | tr 0-9 1-90");
    let run = place.gate(&["compare", RUM, &wrong]);
    assert!(status(&run) == 2 && said(&run).contains("| output |"), "{}", said(&run));
}

#[test]
fn engines_that_hang_end_the_gate() {
    let place = Place::new(&rules_of_a_machine());
    place.other_rum("mine", "exec sleep 100");
    let run = place.gate(&["run", "--bless", "--run-limit", "300ms"]);
    assert!(status(&run) == 2 && said(&run).contains("takes more than 300ms"), "{}", said(&run));
}

#[test]
fn the_rules_in_the_manual_work() {
    let text = fs::read_to_string(root().join("docs/gating.md")).expect("a manual");
    let rules = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("rules");
    let place = Place::new(rules);
    fs::rename(place.path("fib.um"), place.path("adventure.um")).expect("a file");
    place.other_rum("um", "exec RUM --engine interp \"$@\"");
    for args in [&["run", "--bless"][..], &["run", "--no-times"]] {
        let run = place.gate(args);
        assert_eq!(status(&run), 0, "{}", said(&run));
    }
}

#[test]
fn stored_counters_can_be_compared() {
    let place = Place::blessed(RULES);
    let stored = place.path("baseline.json");
    let stored = arg(&stored);
    for (base, head) in [(stored, stored), (stored, RUM), (RUM, stored)] {
        let run = place.gate(&["compare", base, head]);
        assert_eq!(status(&run), 0, "{base} {head}: {}", said(&run));
    }
}

#[test]
fn rules_that_say_nothing_are_refused() {
    for (from, to, text) in [
        ("reason = \"code\"", "reason = \" \"", "every rule needs a reason"),
        ("engine = \"interp\"\n", "engine = \"typo\"\n", "engine typo"),
        ("rounds_max = 6", "rounds_max = 5", "rounds_max at least twice"),
        ("rounds_min = 3", "rounds_min = 4294967295", "rounds_max at least twice"),
        ("tolerance = 0.02", "tolerence = 0.02", "tolerence"),
        ("image = \"fib.um\"", "image = \"gone.um\"", "there is no image"),
        ("args = [\"--engine\", \"interp\"]", "", "either args or command"),
        ("args = [\"--engine\", \"interp\"]", "command = \"'um\"", "\"'um\" is not a command"),
        ("name = \"interp\"", "name = \"jit\"", "jit is there twice"),
        ("tolerance = 0.02", "tolerance = nan", "numbers that are not negative"),
        ("tolerance = 0.02", "slack = -1.0", "numbers that are not negative"),
    ] {
        let place = Place::new(&RULES.replace(from, to));
        let run = place.gate(&["run"]);
        assert!(status(&run) == 2 && said(&run).contains(text), "{to}: {}", said(&run));
    }
    // A rule about a counter that there is not cannot be kept.
    let place = Place::blessed(&RULES.replace("\"code_bytes\"", "\"code_bites\""));
    assert_eq!(status(&place.gate(&["run"])), 2);
}

#[test]
fn the_rules_of_the_project_fit_its_baseline() {
    let config: toml::Table = fs::read_to_string(root().join("gate.toml")).expect("rules").parse().expect("TOML");
    let path = root().join(config["baseline"].as_str().expect("a path"));
    let baseline: Value = serde_json::from_str(&fs::read_to_string(Path::new(&path)).expect("a file")).expect("JSON");
    for program in config["program"].as_array().expect("programs") {
        let counters = &baseline["programs"][program["name"].as_str().expect("a name")];
        assert!(
            counters["jit"]["host_instructions"].as_f64() > Some(1e6),
            "{program}: bless it with valgrind installed"
        );
        assert!(counters["jit"]["regions_published"].as_f64() > Some(0.0), "{program}: nothing is compiled");
    }
}
