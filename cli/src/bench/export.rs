//! Figures for machines: our own JSON and CSV, and what CI services read.
//!
//! - github-action-benchmark, tool `customSmallerIsBetter`: an array of `{name, unit, value, range, extra}`;
//! - Bencher Metric Format: benchmark name, then measure, then `{value, lower_value, upper_value}`;
//! - hyperfine's `--export-json`: `{"results": [{command, mean, ...}]}`, times in seconds.

use super::race::Entry;
use super::results::Results;
use crate::failure::Failure;
use crate::measure::child::Sample;
use serde_json::{Map, Value, json};
use std::ffi::OsString;

/// A format of another tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `customSmallerIsBetter` of github-action-benchmark.
    GithubActionBenchmark,
    /// Bencher Metric Format.
    Bencher,
    /// As hyperfine exports.
    Hyperfine,
}

/// Sorts out pairs of format and file.
///
/// # Errors
/// There is no such format.
pub fn parse(words: &[OsString]) -> Result<Vec<(Format, &OsString)>, Failure> {
    let pairs = words.chunks_exact(2).map(|pair| {
        let format = match pair[0].to_str() {
            Some("github-action-benchmark") => Format::GithubActionBenchmark,
            Some("bencher") => Format::Bencher,
            Some("hyperfine") => Format::Hyperfine,
            _ => {
                return Err(Failure::host(format!(
                    "there is no format {} to export to: github-action-benchmark, bencher or hyperfine",
                    pair[0].display()
                )));
            }
        };
        Ok((format, &pair[1]))
    });
    pairs.collect()
}

/// Everything.
pub fn json(results: &Results) -> String {
    let value = serde_json::to_value(results).unwrap_or_else(|_| unreachable!("numbers, names and lists"));
    format!("{value:#}\n")
}

/// One line for each program and contender. Times are in nanoseconds.
///
/// # Errors
/// The text cannot be made, which does not happen.
pub fn csv(results: &Results) -> Result<String, Failure> {
    let cannot = |error: &dyn std::fmt::Display| Failure::host(format!("cannot make CSV: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record([
            "program",
            "group",
            "contender",
            "runs",
            "wall_min_ns",
            "wall_median_ns",
            "wall_max_ns",
            "wall_spread",
            "cpu_min_ns",
            "cpu_median_ns",
            "ratio_wall",
            "ratio_wall_low",
            "ratio_wall_high",
            "ratio_cpu",
            "ratio_cpu_low",
            "ratio_cpu_high",
            "instructions",
            "instructions_per_second",
            "compile_ns",
            "share_compiled",
            "code_bytes",
            "peak_rss_bytes",
        ])
        .map_err(|error| cannot(&error))?;
    for race in &results.races {
        for entry in &race.entries {
            let counters = entry.counters.as_ref();
            let number =
                |value: Option<f64>, digits: usize| value.map_or_else(String::new, |v| format!("{v:.digits$}"));
            let count = |value: Option<u64>| value.map_or_else(String::new, |v| v.to_string());
            writer
                .write_record([
                    race.program.clone(),
                    race.group.clone(),
                    entry.contender.clone(),
                    entry.runs.len().to_string(),
                    entry.wall.min_ns.to_string(),
                    entry.wall.median_ns.to_string(),
                    entry.wall.max_ns.to_string(),
                    format!("{:.5}", entry.wall.spread),
                    entry.cpu.min_ns.to_string(),
                    entry.cpu.median_ns.to_string(),
                    number(entry.ratio.map(|ratio| ratio.times), 4),
                    number(entry.ratio.and_then(|ratio| ratio.interval).map(|[low, _]| low), 4),
                    number(entry.ratio.and_then(|ratio| ratio.interval).map(|[_, high]| high), 4),
                    number(entry.ratio_cpu.map(|ratio| ratio.times), 4),
                    number(entry.ratio_cpu.and_then(|ratio| ratio.interval).map(|[low, _]| low), 4),
                    number(entry.ratio_cpu.and_then(|ratio| ratio.interval).map(|[_, high]| high), 4),
                    count(counters.map(|counters| counters.instructions)),
                    number(entry.instructions_per_second, 0),
                    count(counters.map(|counters| counters.compile_ns)),
                    number(counters.map(|counters| counters.share_compiled), 6),
                    count(counters.map(|counters| counters.code_bytes)),
                    entry.peak_rss_bytes.to_string(),
                ])
                .map_err(|error| cannot(&error))?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| cannot(&error))?;
    String::from_utf8(bytes).map_err(|error| cannot(&error))
}

/// What another tool reads.
pub fn export(results: &Results, format: Format) -> String {
    let value = match format {
        Format::GithubActionBenchmark => github(results),
        Format::Bencher => bencher(results),
        Format::Hyperfine => hyperfine(results),
    };
    format!("{value:#}\n")
}

/// Every program with every contender.
fn entries(results: &Results) -> impl Iterator<Item = (String, &Entry)> {
    results
        .races
        .iter()
        .flat_map(|race| race.entries.iter().map(|entry| (format!("{}/{}", race.program, entry.contender), entry)))
        .filter(|(_, entry)| entry.failed.is_none())
}

fn github(results: &Results) -> Value {
    let one = |(name, entry): (String, &Entry)| {
        let ms = |ns: u64| ns as f64 / 1e6;
        let half = (ms(entry.wall.high_ns) - ms(entry.wall.low_ns)) / 2.0;
        let counters = entry.counters.as_ref();
        let extra = format!(
            "min {:.3} ms, CPU {:.3} ms, {} runs, compiling {:.3} ms",
            ms(entry.wall.min_ns),
            ms(entry.cpu.median_ns),
            entry.runs.len(),
            counters.map_or(0.0, |counters| ms(counters.compile_ns)),
        );
        json!({"name": name, "unit": "ms", "value": ms(entry.wall.median_ns), "range": format!("± {half:.3}"), "extra": extra})
    };
    entries(results).map(one).collect()
}

fn bencher(results: &Results) -> Value {
    let mut all = Map::new();
    for (name, entry) in entries(results) {
        let measure = |summary: &crate::measure::figures::Summary| json!({"value": summary.median_ns as f64, "lower_value": summary.low_ns as f64, "upper_value": summary.high_ns as f64});
        let mut measures = Map::new();
        // `latency` is the measure that Bencher has from the start, in nanoseconds; the others are made on first use.
        measures.insert("latency".to_owned(), measure(&entry.wall));
        measures.insert("cpu-time".to_owned(), measure(&entry.cpu));
        measures.insert("peak-memory".to_owned(), json!({"value": entry.peak_rss_bytes as f64}));
        if let Some(counters) = entry.counters.as_ref().filter(|counters| counters.code_bytes > 0) {
            measures.insert("code-size".to_owned(), json!({"value": counters.code_bytes as f64}));
        }
        all.insert(name, Value::Object(measures));
    }
    Value::Object(all)
}

fn hyperfine(results: &Results) -> Value {
    let seconds = |ns: u64| ns as f64 / 1e9;
    let one = |(name, entry): (String, &Entry)| {
        let all = |what: fn(&Sample) -> u64| entry.runs.iter().map(|run| seconds(what(run))).collect::<Vec<f64>>();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let times = all(|run| run.wall_ns);
        let average = mean(&times);
        let squares: f64 = times.iter().map(|time| (time - average).powi(2)).sum();
        let deviation = (times.len() > 1).then(|| (squares / (times.len() - 1) as f64).sqrt());
        json!({
            "command": name,
            "mean": average,
            "stddev": deviation,
            "median": seconds(entry.wall.median_ns),
            "user": mean(&all(|run| run.user_ns)),
            "system": mean(&all(|run| run.system_ns)),
            "min": seconds(entry.wall.min_ns),
            "max": seconds(entry.wall.max_ns),
            "times": times,
            "memory_usage_byte": entry.runs.iter().map(|run| run.peak_rss_bytes).collect::<Vec<_>>(),
            "exit_codes": vec![entry.exit_status; entry.runs.len()],
        })
    };
    json!({"results": entries(results).map(one).collect::<Vec<_>>()})
}
