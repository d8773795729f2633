//! The table: for people at a terminal, and in markdown.

use super::race::{Entry, Race};
use super::results::Results;
use crate::human;
use crate::measure::figures::{Ratio, geometric_mean};
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};
use std::fmt::Write as _;

/// The names of the columns.
pub const HEADER: [&str; 11] =
    ["program", "engine", "wall", "±", "min", "CPU", "times as fast", "M instr/s", "compiling", "compiled", "memory"];

/// The table for a terminal.
pub fn text(results: &Results) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(HEADER.map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for race in &results.races {
        // The entries of a program are one row of several lines: rules stand between programs only.
        let rows: Vec<[String; 11]> = race.entries.iter().enumerate().map(|(i, entry)| row(race, entry, i)).collect();
        table.add_row((0..HEADER.len()).map(|column| {
            let lines: Vec<&str> = rows.iter().map(|row| row[column].as_str()).collect();
            lines.join("\n")
        }));
    }
    format!("{table}\n{}{}\n{}", means(results, "  "), failures(results, "  "), environment(results))
}

/// The table for a pull request or a README.
pub fn markdown(results: &Results) -> String {
    let mut text = format!("| {} |\n|---|---|{}\n", HEADER.join(" | "), "---:|".repeat(HEADER.len() - 2));
    for race in &results.races {
        for (i, entry) in race.entries.iter().enumerate() {
            let cells = row(race, entry, i).map(|cell| cell.replace('|', "\\|"));
            // Writing to a string does not fail, here and below.
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    format!("{text}\n{}{}\n{}", means(results, "- "), failures(results, "- "), environment(results))
}

/// The cells of a contender, the `i`th of a program.
pub fn row(race: &Race, entry: &Entry, i: usize) -> [String; 11] {
    let dash = || "-".to_owned();
    let counters = entry.counters.as_ref();
    let compiles = counters.filter(|counters| counters.regions > 0);
    if let Some(why) = &entry.failed {
        let mut cells = std::array::from_fn(|_| dash());
        cells[0] = if i == 0 { race.program.clone() } else { String::new() };
        cells[1].clone_from(&entry.contender);
        cells[6].clone_from(why);
        return cells;
    }
    [
        if i == 0 { race.program.clone() } else { String::new() },
        entry.contender.clone(),
        human::time(entry.wall.median_ns),
        format!("{:.1}%", entry.wall.spread * 100.0),
        human::time(entry.wall.min_ns),
        human::time(entry.cpu.median_ns),
        entry.ratio.map_or_else(dash, |ratio| ratio.text()),
        entry.instructions_per_second.map_or_else(dash, |rate| format!("{:.0}", rate / 1e6)),
        compiles.map_or_else(dash, |counters| human::time(counters.compile_ns)),
        compiles.map_or_else(dash, |counters| format!("{:.1}%", counters.share_compiled * 100.0)),
        human::bytes(entry.peak_rss_bytes),
    ]
}

/// Who ended with another exit status than 0, and where: such a time may be that of a failure.
pub fn failures(results: &Results, bullet: &str) -> String {
    let mut text = String::new();
    for (i, contender) in results.contenders.iter().enumerate() {
        let failed =
            results.races.iter().map(|race| (race, &race.entries[i])).filter(|(_, entry)| entry.exit_status != 0);
        let mut list: Vec<String> =
            failed.map(|(race, entry)| format!("{} (exit status {})", race.program, entry.exit_status)).collect();
        let killed = results.races.iter().filter_map(|race| Some((race, race.entries[i].failed.as_ref()?)));
        list.extend(killed.map(|(race, why)| format!("{} ({why})", race.program)));
        if !list.is_empty() {
            let _ = writeln!(text, "{bullet}NOT ENDED WELL: {}: {}", contender.name, list.join(", "));
        }
    }
    text
}

/// The means of ratios of each contender but the first, over all programs that it did not fail at: `(name, wall, CPU)`.
pub fn mean_ratios(results: &Results) -> Vec<(&str, Ratio, f64)> {
    let names = results.contenders.iter().enumerate().skip(1);
    names
        .filter_map(|(i, contender)| {
            let entries = || results.races.iter().map(|race| &race.entries[i]).filter(|entry| entry.failed.is_none());
            let wall = Ratio::mean(&entries().filter_map(|entry| entry.ratio).collect::<Vec<_>>())?;
            let cpu = geometric_mean(entries().filter_map(|entry| entry.ratio_cpu).map(|ratio| ratio.times));
            Some((contender.name.as_str(), wall, cpu))
        })
        .collect()
}

/// How many runs something disturbed, if any were.
pub fn disturbed(results: &Results) -> Option<String> {
    let entries = || results.races.iter().flat_map(|race| &race.entries);
    let outliers: usize = entries().map(|entry| entry.outliers).sum();
    let runs: usize = entries().map(|entry| entry.runs.len()).sum();
    (outliers > 0).then(|| {
        let (was, them) = if outliers == 1 { ("was an outlier", "it") } else { ("were outliers", "them") };
        format!(
            "{outliers} of {} {was}: something else used the machine; medians do not mind {them}",
            human::number_of(runs as u64, "run")
        )
    })
}

fn means(results: &Results, bullet: &str) -> String {
    let first = &results.contenders[0].name;
    let programs = human::number_of(results.races.len() as u64, "program");
    let mut text = String::new();
    for (name, wall, cpu) in mean_ratios(results) {
        let verdict = wall.verdict(name, first);
        let mean = if results.races.len() > 1 { format!("; geometric mean of {programs}") } else { String::new() };
        let _ = writeln!(text, "{bullet}{verdict}; by CPU time {cpu:.2}{mean}");
        let groups = group_means(results, name);
        if groups.len() > 1 {
            let list: Vec<String> = groups.iter().map(|(group, mean)| format!("{group} {mean:.2}")).collect();
            let _ = writeln!(text, "{bullet}  by group: {}", list.join(", "));
        }
    }
    if let Some(disturbed) = disturbed(results) {
        let _ = writeln!(text, "{bullet}{disturbed}");
    }
    text
}

/// The mean ratio of a contender in each group of programs, in the order of the table.
pub fn group_means<'a>(results: &'a Results, contender: &str) -> Vec<(&'a str, f64)> {
    let mut groups: Vec<&str> = results.races.iter().map(|race| race.group.as_str()).collect();
    groups.dedup();
    let mean = |group| {
        let races = results.races.iter().filter(|race| race.group == group);
        let entries = races.flat_map(|race| &race.entries).filter(|entry| entry.contender == contender);
        geometric_mean(entries.filter_map(|entry| entry.ratio).map(|ratio| ratio.times))
    };
    groups.into_iter().map(|group| (group, mean(group))).collect()
}

fn environment(results: &Results) -> String {
    let environment = &results.environment;
    let entries = || results.races.iter().flat_map(|race| &race.entries).filter(|entry| entry.failed.is_none());
    let runs = || entries().map(|entry| entry.runs.len());
    let (fewest, most) = (runs().min().unwrap_or_default(), runs().max().unwrap_or_default());
    let runs = if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") };
    format!(
        "{} x {}, {}; rum {}, {}; {runs} runs each, in turn; ± is half the distance of the quartiles\n",
        environment.cpus, environment.cpu, environment.system, environment.rum, environment.date
    )
}
