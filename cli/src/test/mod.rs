//! `rum test`: programs with what they read and must put out, as course repositories have them.
//!
//! `NAME.um` (or `NAME.ums`, which is assembled first) reads `NAME.0` and must put out `NAME.1`; `NAME.toml` says what else is expected. Files:
//! `find.rs` which tests there are, `show.rs` what differs, `export.rs` reports for other programs.

mod export;
mod find;
mod outcome;
mod show;

pub use self::find::Expects;

use self::find::Test;
use self::outcome::Outcome;
use crate::cli::test::TestArgs;
use crate::cli::values::parse_size;
use crate::failure::{Failure, reason, say};
use crate::files::{self, print};
use crate::foreign::{Ended, Foreign, Ran, file_in, on_all};
use crate::human;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Runs tests.
///
/// # Errors
/// There are none, or a file cannot be read or written.
pub fn test(args: &TestArgs) -> Result<u8, Failure> {
    let start = Instant::now();
    let tests = find::tests(&args.paths)?;
    if tests.is_empty() {
        return Err(Failure::host(
            "there are no tests: NAME.um or NAME.ums with NAME.1 beside it, the output that is expected",
        ));
    }
    let folder =
        tempfile::tempdir().map_err(|error| Failure::host(format!("no temporary folder: {}", reason(&error))))?;
    let rum = std::env::current_exe().map_err(|error| Failure::host(reason(&error)))?;
    let results = on_all(tests.len(), |i| {
        let test = &tests[i];
        let result = one(test, args, &rum, folder.path(), i)?;
        let word = match &result.failed {
            None => "ok".to_owned(),
            Some((why, _)) => format!("FAILED: {why}"),
        };
        print(&format!("test {} ... {word} ({})\n", test.name, human::time(result.time.as_nanos() as u64)))?;
        Ok(result)
    })?;
    for result in &results {
        if let Some((why, more)) = &result.failed {
            print(&format!("\n{}: {why}\n{}\n", result.name, more.trim_end()))?;
        }
    }
    if let Some(path) = &args.junit {
        export::junit(&results, start.elapsed(), path)?;
    }
    if let Some(path) = &args.json {
        export::json(&results, path)?;
    }
    let failed = results.iter().filter(|result| result.failed.is_some()).count();
    let time = human::time(start.elapsed().as_nanos() as u64);
    print(&format!(
        "\n{} passed, {} failed ({time})\n",
        human::count((results.len() - failed) as u64),
        human::count(failed as u64)
    ))?;
    Ok(u8::from(failed > 0))
}

/// Runs one test.
fn one(test: &Test, args: &TestArgs, rum: &Path, folder: &Path, number: usize) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let failed =
        |failed: Option<(String, String)>| Ok(Outcome { name: test.name.clone(), failed, time: start.elapsed() });
    let image = match test.image(&file_in(folder, &number.to_string(), "um")) {
        Ok(image) => image,
        Err(errors) => return failed(Some(("it cannot be assembled".to_owned(), errors))),
    };
    let expects = &test.expects;
    let mut foreign = match &args.machine {
        Some(command) => Foreign::parse(command)?,
        None => {
            let mut words =
                vec![shlex::try_quote(&rum.display().to_string()).unwrap_or_default().into_owned(), "run".to_owned()];
            if let Some(max) = expects.max_instructions.or(args.max_instructions) {
                words.extend(["--max-instructions".to_owned(), max.to_string()]);
            }
            if let Some(bytes) = &expects.max_memory {
                words.extend(["--max-memory".to_owned(), bytes.clone()]);
            }
            words.push("{}".to_owned());
            Foreign::parse(&words.join(" "))?
        }
    };
    foreign.limit = expects.timeout.unwrap_or(args.timeout);
    // rum keeps to its limit by itself, and tells.
    foreign.memory_bytes_max = match (&args.machine, &expects.max_memory) {
        (Some(_), Some(size)) => parse_size(size).map_err(|why| Failure::host(format!("{}: {why}", test.name)))?,
        _ => u64::MAX,
    };
    let ran = foreign.run(&image, &test.input)?;
    if args.bless {
        fs::write(&test.expected, &ran.output)
            .map_err(|error| Failure::host(format!("cannot write {}: {}", test.expected.display(), reason(&error))))?;
        say(format_args!("{}: {} written", test.expected.display(), human::number_of(ran.output.len() as u64, "byte")));
    }
    failed(judge(test, &ran, &foreign, args.machine.is_none())?)
}

/// Why a run is not what was expected, if it is not.
fn judge(test: &Test, ran: &Ran, foreign: &Foreign, by_rum: bool) -> Result<Option<(String, String)>, Failure> {
    let said = || {
        let text = String::from_utf8_lossy(&ran.messages);
        if text.trim().is_empty() { String::new() } else { format!("  standard error:\n{}", indented(text.trim_end())) }
    };
    let expected = match files::bytes_of(&test.expected) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && test.expects.is_about_the_end() => None,
        Err(error) => {
            return Err(Failure::host(format!("cannot read {}: {}", test.expected.display(), reason(&error))));
        }
    };
    let end = match (&ran.ended, test.expects.status) {
        (Ended::Status(status), Some(expected)) if *status != expected => {
            Some(format!("it ended with status {status} instead of {expected}"))
        }
        (Ended::Status(_), Some(_)) => None,
        (Ended::Status(0), None) => {
            test.expects.fault.as_ref().map(|fault| format!("it ended without the fault {fault}"))
        }
        (Ended::Status(status), None) => match &test.expects.fault {
            Some(fault) if !by_rum || String::from_utf8_lossy(&ran.messages).contains(&format!("fault {fault}:")) => {
                None
            }
            Some(fault) => Some(format!("it ended otherwise than by the fault {fault}")),
            None => Some(format!("it ended with status {status}")),
        },
        (other, _) => Some(other.text(foreign)),
    };
    let differs = expected.filter(|expected| *expected != ran.output);
    Ok(match (end, differs) {
        (None, None) => None,
        (Some(end), None) => Some((end, said())),
        (None, Some(expected)) => Some(("its output differs".to_owned(), show::difference(&expected, &ran.output))),
        (Some(end), Some(expected)) => {
            Some((format!("{end}, and its output differs"), show::difference(&expected, &ran.output) + &said()))
        }
    })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
