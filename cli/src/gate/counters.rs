//! The first layer: counters without noise.
//!
//! A rum reports its own with `--stats=json`; with `--compile-threads 0` nothing in them depends on time. Host
//! instructions of the whole process are counted by callgrind, without `--stats`: what is counted is what users run.
//!
//! Counters of one work say nothing about another one, so it is noted what was run and what came of it.

use super::config::{Config, Engine};
use super::host::Host;
use crate::failure::{Failure, reason};
use crate::files::{self, write_text};
use crate::measure::check::{stats_of, succeeded};
use crate::measure::child::{Measurer, Outcome, input_file};
use crate::measure::contender::Contender;
use crate::measure::program::Program;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The name under which host instructions appear.
pub const HOST_INSTRUCTIONS: &str = "host_instructions";

/// Counters by program, engine and name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Where they were counted.
    pub host: Host,
    /// The engines' command lines.
    pub engines: BTreeMap<String, String>,
    /// What programs had to do.
    pub work: BTreeMap<String, Work>,
    /// The values.
    pub programs: BTreeMap<String, BTreeMap<String, BTreeMap<String, f64>>>,
}

/// What a program had to do: the SHA-256 of its input and of its output, in hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Of the input.
    pub input: String,
    /// Of the output.
    pub output: String,
}

impl Work {
    fn of(program: &Program, outcome: &Outcome) -> Work {
        let sum = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Work { input: sum(&program.input), output: sum(&outcome.output) }
    }
}

impl Counters {
    /// Reads a file that [`Counters::write`] wrote.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Counters, Failure> {
        let text = files::text_of(path)
            .map_err(|error| Failure::host(format!("cannot read {}: {}", path.display(), reason(&error))))?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::host(format!("{} is no file of counters: {error}", path.display())))
    }

    /// Writes a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_value(self).map(|value| format!("{value:#}\n"));
        let text = text.map_err(|error| Failure::host(format!("cannot write counters: {error}")))?;
        write_text(path, &text)
    }
}

/// Counts everything that rules ask for.
///
/// # Errors
/// Something cannot be run, or engines do not put out the same.
pub fn count(
    config: &Config,
    rum: &str,
    valgrind: Option<String>,
    run_limit: Duration,
    tick: &mut dyn FnMut(),
) -> Result<Counters, Failure> {
    let mut measurer = Measurer::new(run_limit)?;
    let with_valgrind = valgrind.is_some();
    let mut counters = Counters { host: Host::here(rum, valgrind), ..Counters::default() };
    let ruled = |engine: &&Engine| config.counters.iter().any(|rule| rule.engine == engine.name);
    for case in &config.programs {
        let program = case.program(None);
        let input = input_file(&program.input)?;
        let mut first = None;
        for engine in config.engines.iter().filter(ruled) {
            let name = &engine.name;
            let contender = config.contender(name, rum)?;
            let outcome = measurer.run(&contender.command_with_stats(&case.image), &input)?;
            succeeded(&program, &contender, &outcome, first.as_ref())?;
            let mut values = BTreeMap::new();
            if contender.is_rum {
                flatten("", &stats_of(&contender, &outcome)?, &mut values);
            }
            tick();
            if with_valgrind && wants_host_instructions(config, name) {
                let count =
                    host_instructions(&contender, &program, &input, first.as_ref().unwrap_or(&outcome), &mut measurer)?;
                values.insert(HOST_INSTRUCTIONS.to_owned(), count);
                tick();
            }
            counters.work.insert(case.name.clone(), Work::of(&program, &outcome));
            // A command as it is written: where the file of rules lies is no matter.
            let text = engine.command.clone().unwrap_or_else(|| contender.text());
            counters.engines.insert(name.clone(), text);
            first.get_or_insert(outcome);
            counters.programs.entry(case.name.clone()).or_default().insert(name.clone(), values);
        }
    }
    Ok(counters)
}

/// Whether a rule asks for host instructions of an engine.
pub fn wants_host_instructions(config: &Config, engine: &str) -> bool {
    let rules = config.counters.iter().filter(|rule| rule.engine == engine);
    rules.flat_map(|rule| &rule.counters).any(|counter| counter == HOST_INSTRUCTIONS)
}

/// What depends on time, on the host, or on nothing that is measured.
const LEFT_OUT: [&str; 3] = ["instructions_per_second", "memory_limit_bytes", "peak_rss_bytes"];

/// Makes one level of all numbers: `exits.check`.
fn flatten(prefix: &str, value: &Value, values: &mut BTreeMap<String, f64>) {
    match value {
        Value::Object(group) => {
            for (key, value) in group.iter().filter(|(key, _)| !key.ends_with("_ns") && !LEFT_OUT.contains(&&***key)) {
                flatten(&if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") }, value, values);
            }
            if prefix.is_empty() {
                // A program that fails at once has executed nothing, and no share of it is compiled.
                let share = |part: &str| {
                    let all = group.get("instructions")?.as_f64()?.max(1.0);
                    Some(group.get(part)?.as_f64()? / all)
                };
                values.extend(share("instructions_compiled").map(|share| ("share_compiled".to_owned(), share)));
            }
        }
        Value::Number(number) => values.extend(number.as_f64().map(|number| (prefix.to_owned(), number))),
        _ => {}
    }
}

/// Counts the host instructions of a run.
fn host_instructions(
    contender: &Contender,
    program: &Program,
    input: &fs::File,
    first: &Outcome,
    measurer: &mut Measurer,
) -> Result<f64, Failure> {
    // An engine may be a script, or start others: all of them count.
    // Code is written to one range of addresses and executed at another: valgrind has to look at it each time.
    let smc = "--smc-check=all";
    let valgrind = ["valgrind", "--tool=callgrind", smc, "--callgrind-out-file=/dev/null", "--trace-children=yes"];
    let valgrind = valgrind.map(str::to_owned);
    let command = [&valgrind[..], &contender.command(&program.image)].concat();
    let outcome = measurer.run(&command, input)?;
    succeeded(program, contender, &outcome, Some(first))?;
    let text = String::from_utf8_lossy(&outcome.messages);
    let counts: Vec<f64> = text
        .lines()
        .filter_map(|line| line.split_once("Collected : "))
        .filter_map(|(_, count)| count.trim().parse().ok())
        .collect();
    if counts.is_empty() {
        let said = text.lines().last().unwrap_or_default();
        return Err(Failure::host(format!(
            "valgrind counts nothing for {} with {}: {said}",
            program.name, contender.name
        )));
    }
    Ok(counts.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_flat_and_times_left_out() {
        let stats = serde_json::json!({
            "instructions": 10, "instructions_compiled": 5, "exits": {"check": 3}, "wall_ns": 7, "fault": null,
            "peak_rss_bytes": 9, "image": "x"
        });
        let mut values = BTreeMap::new();
        flatten("", &stats, &mut values);
        let names: Vec<_> = values.keys().map(String::as_str).collect();
        assert_eq!(names, ["exits.check", "instructions", "instructions_compiled", "share_compiled"]);
        assert_eq!(values["share_compiled"], 0.5);
    }
}
