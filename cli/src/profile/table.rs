//! A profile for people.

use super::model::{Allocation, Block, Procedure, Profile};
use crate::human;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use std::fmt::Write as _;

/// The first of the procedures, blocks and allocations.
pub fn text(profile: &Profile, top: usize) -> String {
    let mut text = format!("profile of {}: {}\n", profile.image, summary(profile));
    let counted = profile.period_ns.is_none();
    let mut procedures = match counted {
        true => table(&["own", profile.unit, "with calls", "calls", "tail calls", "procedure", "at"]),
        false => table(&["own", profile.unit, "procedure", "at"]),
    };
    let numbers = if counted { 5 } else { 2 };
    procedures.add_rows(profile.procedures.iter().take(top).map(|row| procedure(row, profile)));
    finish(&mut text, procedures, numbers, profile.procedures.len(), top, "procedure");
    let mut blocks = table(&["share", profile.unit, "words", "where"]);
    blocks.add_rows(profile.blocks.iter().take(top).map(|row| block(row, profile)));
    finish(&mut text, blocks, 2, profile.blocks.len(), top, "block");
    if !profile.allocations.is_empty() {
        let mut sites = table(&["words", "segments", "live words", "live segments", "pc", "where"]);
        sites.add_rows(profile.allocations.iter().take(top).map(allocation));
        finish(&mut text, sites, 5, profile.allocations.len(), top, "allocation site");
    }
    text
}

/// `1,234 samples, one each 997 µs`.
pub fn summary(profile: &Profile) -> String {
    let total = human::number_of(profile.total, &profile.unit[..profile.unit.len() - 1]);
    match profile.period_ns {
        Some(period) => format!("{total}, one each {}", human::time(period)),
        None => total,
    }
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.iter().copied());
    table
}

/// Appends a table, of whose columns the first so many are numbers, and says how much it does not show.
fn finish(text: &mut String, mut table: Table, numbers: usize, rows: usize, top: usize, what: &str) {
    table.column_iter_mut().take(numbers).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    let lines: Vec<String> = table.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
    // Writing to a string does not fail.
    let _ = writeln!(text, "\n{}", lines.join("\n"));
    if rows > top {
        let _ = writeln!(text, " and {}", more((rows - top) as u64, what));
    }
}

/// `1 more block`, `12 more blocks`.
pub fn more(number: u64, what: &str) -> String {
    human::number_of(number, &format!("more {what}"))
}

fn share(part: u64, profile: &Profile) -> String {
    format!("{:.1}%", part as f64 * 100.0 / profile.total.max(1) as f64)
}

/// The cells of a procedure.
pub fn procedure(row: &Procedure, profile: &Profile) -> Vec<String> {
    let mut cells = vec![share(row.own, profile), human::count(row.own)];
    if let (Some(inclusive), Some(calls), Some(tail_calls)) = (row.inclusive, row.calls, row.tail_calls) {
        cells.extend([share(inclusive, profile), human::count(calls), human::count(tail_calls)]);
    }
    cells.extend([row.name.clone(), row.place.clone().unwrap_or_else(|| format!("pc {}", row.pc))]);
    cells
}

fn block(row: &Block, profile: &Profile) -> Vec<String> {
    let words = match row.from == row.to {
        true => row.from.to_string(),
        false => format!("{} to {}", row.from, row.to),
    };
    vec![share(row.own, profile), human::count(row.own), words, row.place.clone().unwrap_or_default()]
}

/// The cells of an allocation site.
pub fn allocation(row: &Allocation) -> Vec<String> {
    let mut cells: Vec<String> = [row.words, row.segments, row.live_words, row.live_segments].map(human::count).into();
    cells.extend([row.pc.to_string(), row.place.clone().unwrap_or_default()]);
    cells
}
