//! `rum bench`: who takes part, what is compared, and what the files look like.

use crate::support::{
    RUM, add, arg, complaint, file, halt, image, lit, output, print, process, root, rum, status, stderr,
};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Runs a bench and reads what `--json` writes.
fn bench(args: &[&str]) -> Value {
    let run = rum(&[&["bench", "--json", "-", "--runs", "2"], args].concat()).output().expect("it starts");
    assert_eq!(status(&run), 0, "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).expect("JSON")
}

fn names(results: &Value) -> Vec<&str> {
    let contenders = results["contenders"].as_array().expect("contenders");
    contenders.iter().map(|contender| contender["name"].as_str().expect("a name")).collect()
}

#[test]
fn everybody_named_takes_part() {
    let hello = image(&[print("hello"), vec![halt()]].concat());
    let plain = bench(&[arg(&hello)]);
    assert_eq!(names(&plain), ["interp", "jit"]);
    let race = &plain["races"][0];
    assert_eq!(race["output_bytes"], 5);
    for entry in race["entries"].as_array().expect("entries") {
        assert_eq!(entry["counters"]["instructions"], 11, "{entry}");
        assert_eq!(entry["runs"].as_array().map(Vec::len), Some(2));
        assert!(entry["wall"]["min_ns"].as_u64() <= entry["wall"]["median_ns"].as_u64());
        assert!(entry["peak_rss_bytes"].as_u64() > Some(1 << 20));
    }
    assert!(race["entries"][0]["ratio"].is_null() && race["entries"][1]["ratio"]["times"].as_f64() > Some(0.0));

    let varied = ["--vary", "hot-threshold=1,1e3", "--vary", "compile-threads=0,1", "--engines", "auto"];
    let expected = [1, 1000].map(|n| [0, 1].map(|t| format!("auto hot-threshold={n} compile-threads={t}"))).concat();
    let expected: Vec<String> = expected.iter().map(|name| name.replace("1000", "1e3")).collect();
    assert_eq!(names(&bench(&[&varied[..], &[arg(&hello)]].concat()))[1..], expected);
    // What an optimisation gains is told against the engine that has it.
    let off = bench(&["--off", "links,lengths", arg(&hello)]);
    assert_eq!(names(&off), ["jit", "interp", "jit no-links", "jit no-lengths"]);
    assert_eq!(names(&bench(&["--off", "all", arg(&hello)])).len(), 2 + rum::Optimisation::ALL.len());
}

#[test]
fn other_commands_race_and_must_put_out_the_same() {
    let hello = image(&[print("hello"), vec![halt()]].concat());
    let same = format!("'{RUM}' --engine interp {{}}");
    let results = bench(&["--against", &same, "--against", "printf hello # {}", arg(&hello)]);
    assert_eq!(names(&results)[2], same);
    // What others execute is not known, but the program is.
    assert!(results["races"][0]["entries"][2]["counters"].is_null());
    assert!(results["races"][0]["entries"][2]["instructions_per_second"].as_f64() > Some(0.0));

    let run = rum(&["bench", "--against", "printf hullo", arg(&hello)]).output().expect("it starts");
    assert_eq!(status(&run), 1);
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("printf hullo puts out something else than the first contender (at byte 1;"), "{said}");
    assert!(run.stdout.is_empty(), "figures in spite of a difference");
    let run = rum(&["bench", "--against", "/no/such/um {}", arg(&hello)]).output().expect("it starts");
    assert_eq!(status(&run), 2);
}

#[test]
fn inputs_are_fed_and_counted_runs_compared() {
    // Reads a byte and puts out the one after it.
    let next = image(&[0xb000_0002, lit(1, 1), add(3, 2, 1), output(3), halt()]);
    let input = file(b"a");
    let results = bench(&["--input", arg(&input), "--warmup", "1", "--against", "printf b #", arg(&next)]);
    assert_eq!(results["races"][0]["entries"][2]["runs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_fails_is_told() {
    let quiet = image(&[halt()]);
    let run =
        |against: &str| rum(&["bench", arg(&quiet), "--runs", "1", "--against", against]).output().expect("it starts");
    let told = run("false {}");
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(status(&told) == 0 && text.contains("NOT ENDED WELL: false {}: "), "{text}");
    assert!(text.contains(" (?) ") && text.contains("one run cannot tell jit from interp"), "{text}");
    let refused = run("sh -c 'exit 127' {}");
    assert!(status(&refused) == 1 && stderr(&refused).contains("ends with exit status 127"), "{}", stderr(&refused));
}

#[test]
fn runs_that_take_too_long_are_ended() {
    let quiet = image(&[halt()]);
    let args = ["bench", arg(&quiet), "--runs", "1", "--run-limit", "200ms", "--against", "sh -c 'exec sleep 100' {}"];
    let run = rum(&args).output().expect("it starts");
    assert!(status(&run) == 2 && stderr(&run).contains("takes more than 200ms"), "{}", stderr(&run));
}

#[test]
fn images_may_have_any_name() {
    let folder = TempDir::new().expect("a folder");
    for name in ["gate", "-x.um", "a b.um"] {
        fs::copy(image(&[halt()]), folder.path().join(name)).expect("a copy");
        let run = rum(&["bench", "--runs", "1", "--", name]).current_dir(&folder).output().expect("it starts");
        assert_eq!(status(&run), 0, "{name}: {}", stderr(&run));
    }
}

#[test]
fn programs_of_the_collection_are_found_from_below() {
    let mut command = rum(&["bench", "--only", "sieve,objects", "--size", "small", "--runs", "1", "--json", "-"]);
    let run = command.current_dir(root().join("umbin/src")).output().expect("it starts");
    let results: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let races = results["races"].as_array().expect("races");
    let programs: Vec<_> = races.iter().map(|race| race["program"].as_str().expect("a name")).collect();
    assert_eq!(programs, ["closure", "mono", "mega", "sieve"]);
    // And elsewhere rum brings them with it.
    let nowhere = TempDir::new().expect("a folder");
    let args = ["bench", "--only", "sieve", "--size", "small", "--runs", "1", "--json", "-"];
    let run = rum(&args).current_dir(&nowhere).output().expect("it starts");
    assert_eq!(status(&run), 0, "{}", stderr(&run));
    let results: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(results["races"][0]["program"], "sieve");
}

/// One that crashes is told with its signal, and the others go on.
#[test]
fn who_crashes_does_not_end_the_bench() {
    let hello = image(&[print("hello"), vec![halt()]].concat());
    let folder = TempDir::new().expect("a folder");
    let page = folder.path().join("page.html");
    let args = ["bench", "--runs", "3", "--html", arg(&page), "--against", "sh -c 'kill -SEGV $$' {}", arg(&hello)];
    let run = rum(&args).output().expect("it starts");
    let text = String::from_utf8_lossy(&run.stdout);
    assert_eq!(status(&run), 0, "{}", stderr(&run));
    assert!(text.contains("killed by SIGSEGV") && text.contains("; by CPU time "), "{text}");
    assert!(fs::read_to_string(&page).expect("a page").contains("killed by SIGSEGV"));
}

#[test]
fn runs_are_held_against_earlier_ones() {
    let hello = image(&[print("hello"), vec![halt()]].concat());
    let folder = TempDir::new().expect("a folder");
    let saved = folder.path().join("saved.json");
    let first = rum(&["bench", "--runs", "3", "--json", arg(&saved), arg(&hello)]).output().expect("it starts");
    assert_eq!(status(&first), 0, "{}", stderr(&first));
    let args = ["bench", "--runs", "3", "--compare", arg(&saved), "--vary", "hot-threshold=7", arg(&hello)];
    let second = rum(&args).output().expect("it starts");
    let said = stderr(&second);
    assert!(said.contains("against the run of 20") && said.contains(", jit: "), "{said}");
    assert!(said.contains("jit hot-threshold=7: was not in that run"), "{said}");
    let wrong = rum(&["bench", "--compare", arg(&hello), arg(&hello)]).output().expect("it starts");
    assert!(status(&wrong) == 2 && stderr(&wrong).contains("is no saved run"), "{}", stderr(&wrong));
}

#[test]
fn wrong_usage_is_explained() {
    for (args, text) in [
        (&["--vary", "engine=jit"][..], "can be varied"),
        (&["--off", "speed"][..], "the optimisations are baseline"),
        (&["--export", "excel", "x"][..], "no format excel"),
        (&["--json", "-", "--csv", "-"][..], "two things cannot both go to -"),
        (&["--only", "fib", "--html", "no/such/folder/page.html"][..], "cannot write no/such/folder/page.html"),
        (&["--engines", "jit,jit"][..], "jit would take part twice"),
        (&["--vary", "hot-threshold=1", "--vary", "hot-threshold=2"][..], "hot-threshold is varied twice"),
        (&["--only", "nonsense"][..], "no program or group nonsense"),
        (&["nothing.um"][..], "nothing.um is no file"),
    ] {
        let run = rum(&[&["bench"], args].concat()).current_dir(root()).output().expect("it starts");
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(status(&run) == 2 && said.contains(text), "{args:?}: {said}");
    }
}

/// Holds a document against the schema of a format.
fn valid(format: &str, document: &Value) {
    let schema = schema(format);
    let errors = schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path()));
    let errors: Vec<String> = errors.collect();
    assert!(errors.is_empty(), "{format}: {errors:?}");
}

fn schema(format: &str) -> jsonschema::Validator {
    let path = root().join(format!("tests/schemas/{format}.json"));
    let text = fs::read_to_string(path).expect("a schema");
    jsonschema::validator_for(&serde_json::from_str(&text).expect("JSON")).expect("a schema")
}

#[test]
fn schemas_refuse_what_is_of_another_format() {
    let documents = [
        ("github-action-benchmark", serde_json::json!([{"name": "x", "unit": "ms", "value": 1.5}])),
        ("bencher", serde_json::json!({"x": {"latency": {"value": 1.5}}})),
        (
            "hyperfine",
            serde_json::json!({"results": [{
                "command": "x", "mean": 1.0, "stddev": null, "median": 1.0, "user": 1.0, "system": 0.0, "min": 1.0,
                "max": 1.0, "times": [1.0], "exit_codes": [0]
            }]}),
        ),
    ];
    for (format, _) in &documents {
        for (other, document) in &documents {
            assert_eq!(schema(format).is_valid(document), format == other, "{other} by the schema of {format}");
        }
        assert!(!schema(format).is_valid(&serde_json::json!([])) && !schema(format).is_valid(&serde_json::json!({})));
    }
}

#[test]
fn files_are_what_their_readers_expect() {
    let hello = image(&[print("hello"), vec![halt()]].concat());
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let files = ["page", "csv", "md", "gab", "bmf", "hf"].map(path);
    let [page, csv, md, gab, bmf, hf] = &files;
    let run = rum(&[
        "bench",
        "--runs",
        "3",
        "--html",
        page,
        "--csv",
        csv,
        "--markdown",
        md,
        "--export",
        "github-action-benchmark",
        gab,
        "--export",
        "bencher",
        bmf,
        "--export",
        "hyperfine",
        hf,
        arg(&hello),
    ])
    .output()
    .expect("it starts");
    assert_eq!(status(&run), 0, "{}", complaint(&run));
    assert!(String::from_utf8_lossy(&run.stdout).contains("times as fast"), "no table");
    let text = |path: &str| fs::read_to_string(Path::new(path)).expect("a file");
    let json = |path: &str| serde_json::from_str::<Value>(&text(path)).expect("JSON");

    for (format, path) in [("github-action-benchmark", gab), ("bencher", bmf), ("hyperfine", hf)] {
        valid(format, &json(path));
    }
    // Schemas cannot say what numbers mean.
    for entry in json(gab).as_array().expect("an array") {
        assert!(entry["unit"] == "ms" && entry["value"].as_f64() > Some(0.0), "{entry}");
    }
    let metrics = json(bmf);
    assert_eq!(metrics.as_object().map(|names| names.len()), Some(2));
    for (measure, metric) in
        metrics.as_object().into_iter().flatten().flat_map(|(_, m)| m.as_object().expect("measures"))
    {
        let value = metric["value"].as_f64().expect("a value");
        assert!(metric["lower_value"].as_f64().is_none_or(|low| low <= value), "{measure}: {metric}");
        assert!(metric["upper_value"].as_f64().is_none_or(|high| high >= value), "{measure}: {metric}");
    }
    for result in json(hf)["results"].as_array().expect("results") {
        let times: Vec<f64> = serde_json::from_value(result["times"].clone()).expect("times");
        let mean = times.iter().sum::<f64>() / 3.0;
        assert!(times.len() == 3 && (result["mean"].as_f64().expect("a mean") - mean).abs() < 1e-9);
        assert!(result["min"].as_f64() <= result["median"].as_f64() && result["max"].as_f64() >= Some(mean));
        assert_eq!(result["exit_codes"], serde_json::json!([0, 0, 0]));
    }
    assert_eq!(text(csv).lines().count(), 3);
    assert_eq!(text(md).lines().filter(|line| line.starts_with('|')).count(), 4);
    let page = text(page);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("prefers-color-scheme: dark"));
    // Nothing is fetched: the page is whole by itself.
    assert!(!page.contains("src=") && !page.contains("href=") && !page.contains("url("), "the page loads something");
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(page.contains("Bars begin at 0") && !page.contains("%\" style=\"left:-"), "an axis from 0");
}

/// Whether a process exists that was started here, waiting a little for its end.
fn is_alive(pid: &str) -> bool {
    let stat = format!("/proc/{pid}/stat");
    for _ in 0..200 {
        // One that has ended and that nothing has waited for is a zombie.
        let text = std::fs::read_to_string(&stat).unwrap_or_default();
        if text.is_empty() || text.contains(") Z ") {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    true
}

/// A limit, or the end of the bench, ends what a contender has started, and not only the contender.
#[test]
fn what_contenders_start_ends_with_them() {
    let quiet = image(&[halt()]);
    let pids = file(b"");
    let against = format!("sh -c 'sleep 100 & echo $! >{}; wait' {{}}", arg(&pids));
    let args = ["bench", arg(&quiet), "--runs", "1", "--engines", "interp", "--against", &against];
    let run = rum(&[&args[..], &["--run-limit", "500ms"]].concat()).output().expect("it starts");
    assert_eq!(status(&run), 2, "{}", stderr(&run));
    let pid = std::fs::read_to_string(&pids).expect("text");
    assert!(!pid.trim().is_empty() && !is_alive(pid.trim()), "process {pid} goes on after the limit");

    std::fs::write(&pids, "").expect("room");
    let mut bench = process(&args);
    let pid = loop {
        let pid = std::fs::read_to_string(&pids).expect("text");
        if pid.ends_with('\n') {
            break pid;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    rustix::process::kill_process(rustix::process::Pid::from_child(&bench), rustix::process::Signal::TERM)
        .expect("it runs");
    let status = bench.wait().expect("an end");
    assert!(!status.success());
    // It was ended before the bench ended itself; the system takes a moment.
    let start = std::time::Instant::now();
    while is_alive(pid.trim()) {
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "process {pid} goes on without the bench");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
