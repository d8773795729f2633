//! The table: for people at a terminal, and in markdown.

use super::race::{Entry, Race};
use super::results::Results;
use crate::human;
use crate::measure::figures::geometric_mean;
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
        let list: Vec<String> =
            failed.map(|(race, entry)| format!("{} (exit status {})", race.program, entry.exit_status)).collect();
        if !list.is_empty() {
            let _ = writeln!(text, "{bullet}NOT ENDED WELL: {}: {}", contender.name, list.join(", "));
        }
    }
    text
}

/// The means of ratios of each contender but the first, over all programs: `(name, wall, CPU)`.
pub fn mean_ratios(results: &Results) -> Vec<(&str, f64, f64)> {
    let names = results.contenders.iter().enumerate().skip(1);
    names
        .map(|(i, contender)| {
            let entries = || results.races.iter().map(|race| &race.entries[i]);
            let wall = geometric_mean(entries().filter_map(|entry| entry.ratio).map(|ratio| ratio.times));
            let cpu = geometric_mean(entries().filter_map(|entry| entry.ratio_cpu).map(|ratio| ratio.times));
            (contender.name.as_str(), wall, cpu)
        })
        .collect()
}

fn means(results: &Results, bullet: &str) -> String {
    let first = &results.contenders[0].name;
    let programs = match results.races.len() {
        1 => "1 program".to_owned(),
        count => format!("{count} programs"),
    };
    let mut text = String::new();
    for (name, wall, cpu) in mean_ratios(results) {
        let _ = writeln!(
            text,
            "{bullet}{name} is {wall:.2} times as fast as {first} (CPU time: {cpu:.2}), geometric mean of {programs}"
        );
        let groups = group_means(results, name);
        if groups.len() > 1 {
            let list: Vec<String> = groups.iter().map(|(group, mean)| format!("{group} {mean:.2}")).collect();
            let _ = writeln!(text, "{bullet}  by group: {}", list.join(", "));
        }
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
    let runs = || results.races.iter().flat_map(|race| &race.entries).map(|entry| entry.runs.len());
    let (fewest, most) = (runs().min().unwrap_or_default(), runs().max().unwrap_or_default());
    let runs = if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") };
    format!(
        "{} x {}, {}; rum {}, {}; {runs} runs each, in turn; ± is half the distance of the quartiles\n",
        environment.cpus, environment.cpu, environment.system, environment.rum, environment.date
    )
}
