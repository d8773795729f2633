//! What a run has to report: a table for people, one JSON object for machines. `docs/stats.md` explains every key.

use crate::cli::values::StatsFormat;
use crate::config::{RunConfig, Stats};
use crate::end::End;
use crate::human;
use rum::{Vm, Word};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

/// The counters of a run. A `Map` keeps its keys in alphabetical order.
#[derive(Debug)]
pub struct Report {
    values: Map<String, Value>,
    /// The keys that come from the engines, which have no place of their own in the table.
    engine_keys: Vec<String>,
}

impl Report {
    /// Collects everything of a run that has begun after so many instructions. Walks over all live segments.
    pub fn new(config: &RunConfig, end: &End, wall: Duration, begun: u64, vm: &Vm) -> Report {
        let machine = vm.machine();
        // Declared once, in the engines' crate; whatever is added there is reported.
        let Ok(Value::Object(mut values)) = serde_json::to_value(vm.stats()) else {
            unreachable!("statistics are a struct of numbers and names");
        };
        let engine_keys = values.keys().filter(|key| *key != "instructions").cloned().collect();
        let instructions = values.get("instructions").and_then(Value::as_u64).unwrap_or_default();
        let in_this_run = instructions.saturating_sub(begun);
        let own = [
            ("cpu_ns", cpu_time().map_or(Value::Null, |time| json!(nanoseconds(time)))),
            ("end", json!(end.name())),
            ("compiles", json!(vm.has_jit())),
            ("engine", json!(config.engine.name())),
            ("exit_status", json!(end.status())),
            ("fault", if let End::Fault(fault) = end { json!(fault.kind.name()) } else { Value::Null }),
            ("ids", json!(machine.ids().name())),
            ("ids_max", json!(machine.names_max())),
            ("image", json!(config.name)),
            ("instructions_per_second", json!((in_this_run as f64 / wall.as_secs_f64()).round() as u64)),
            ("memory_limit_bytes", json!(machine.memory_bytes_max())),
            ("memory_used_bytes", json!(machine.memory_bytes())),
            ("output_bytes", json!(machine.output_bytes())),
            ("peak_rss_bytes", json!(config.stats.as_ref().and_then(Stats::peak_rss_bytes))),
            ("pc", json!(machine.pc())),
            ("program_words", json!(machine.segment(0).map_or(0, <[Word]>::len))),
            ("segments_live", json!(machine.active_segments().count())),
            ("registers", json!(machine.registers())),
            ("wall_ns", json!(nanoseconds(wall))),
        ];
        values.extend(own.into_iter().map(|(key, value)| (key.to_owned(), value)));
        Report { values, engine_keys }
    }

    /// Writes the report.
    ///
    /// # Errors
    /// The sink's.
    pub fn write(&self, format: StatsFormat, sink: &mut dyn io::Write) -> io::Result<()> {
        let text = match format {
            StatsFormat::Text => self.text(),
            StatsFormat::Json => format!("{}\n", Value::Object(self.values.clone())),
        };
        sink.write_all(text.as_bytes())?;
        sink.flush()
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.values.get(key).and_then(Value::as_u64)
    }

    fn word(&self, key: &str) -> &str {
        self.values.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn text(&self) -> String {
        let show = |key: &str, how: fn(u64) -> String| self.number(key).map_or_else(|| "unknown".to_owned(), how);
        let rate = self.number("instructions_per_second").unwrap_or_default() as f64 / 1e6;
        let memory =
            format!("{} of {}", show("memory_used_bytes", human::bytes), show("memory_limit_bytes", human::bytes));
        let compiles = match self.values["compiles"] {
            Value::Bool(true) => "with compiled code",
            _ => "without compiled code",
        };
        let mut rows = vec![
            ("engine".to_owned(), format!("{} ({compiles})", self.word("engine"))),
            ("end".to_owned(), format!("{} (exit status {})", self.word("end"), show("exit_status", human::count))),
            ("instructions".to_owned(), show("instructions", human::count)),
            ("wall time".to_owned(), show("wall_ns", human::time)),
            ("CPU time".to_owned(), show("cpu_ns", human::time)),
            ("speed".to_owned(), format!("{rate:.1} million instructions per second")),
            ("peak memory".to_owned(), show("peak_rss_bytes", human::bytes)),
            ("guest memory".to_owned(), memory),
            ("live segments".to_owned(), show("segments_live", human::count)),
            (
                "identifiers".to_owned(),
                format!("{}, numbered up to {}", self.word("ids"), show("ids_max", human::count)),
            ),
            ("program".to_owned(), show("program_words", |words| human::number_of(words, "word"))),
            ("output".to_owned(), show("output_bytes", human::bytes)),
        ];
        for key in &self.engine_keys {
            rows_of(key, &self.values[key], &mut rows);
        }
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let mut text = format!("statistics of {}\n", self.word("image"));
        for (name, value) in rows {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {name:width$}  {value}");
        }
        text
    }
}

/// The rows of one counter, or of a group of counters, in the table for people.
fn rows_of(key: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let (name, human): (&str, fn(u64) -> String) = match key {
        _ if key.ends_with("_ns") => (&key[..key.len() - 3], human::time),
        _ if key.ends_with("_bytes") => (&key[..key.len() - 6], human::bytes),
        _ => (key, human::count),
    };
    let text = match value {
        Value::Object(group) => {
            group.iter().for_each(|(inner, value)| rows_of(&format!("{key}: {inner}"), value, rows));
            return;
        }
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(number), _) => human(number),
            (None, Some(number)) => format!("{number:.4}"),
            (None, None) => number.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Null => "no".to_owned(),
        other => other.to_string(),
    };
    rows.push((name.replace('_', " "), text));
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// CPU time of all threads of the process so far.
#[cfg(unix)]
fn cpu_time() -> Option<Duration> {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime)).ok()
}

#[cfg(not(unix))]
fn cpu_time() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_the_engines_get_rows() {
        let mut rows = Vec::new();
        let stats = json!({"compile_ns": 2_000_000, "exits": {"division": 3}, "share": 0.5, "code_bytes": 2048});
        for (key, value) in stats.as_object().expect("an object") {
            rows_of(key, value, &mut rows);
        }
        let rows: Vec<_> = rows.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [("code", "2.0 KiB"), ("compile", "2.00 ms"), ("exits: division", "3"), ("share", "0.5000")];
        assert_eq!(rows, expected);
    }
}
