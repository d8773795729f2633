//! An explanation for a terminal.

use super::model::{Block, Explained, Row};
use crate::human;
use comfy_table::{ContentArrangement, Table, presets};
use std::fmt::Write as _;

/// The explanation; with code, what became of each instruction beside it.
pub fn text(explained: &Explained, code: bool) -> String {
    let mut text = format!("what became of the code of {}\n", explained.image);
    // Writing to a string does not fail, here and below.
    if !explained.tiers.is_empty() {
        let tiers: Vec<String> =
            explained.tiers.iter().map(|(name, share)| format!("{name} {:.1}%", share * 100.0)).collect();
        let _ = writeln!(text, "\ninstructions by how their blocks are executed at the end: {}", tiers.join(", "));
    }
    text.push('\n');
    match explained.health.as_slice() {
        [] => text.push_str("nothing was found that costs time without need\n"),
        found => found.iter().for_each(|line| text.push_str(&format!("- {line}\n"))),
    }
    for block in &explained.blocks {
        text.push('\n');
        text.push_str(&head(block));
        for line in block.facts.iter().chain(&block.exits) {
            let _ = writeln!(text, "    {line}");
        }
        if code {
            text.push_str(&rows(&block.rows));
        } else {
            for row in &block.rows {
                let _ = writeln!(text, "  {:>8}  {}", row.pc, row.text);
                row.notes.iter().for_each(|note| text.push_str(&format!("            - {note}\n")));
            }
        }
    }
    if explained.more > 0 {
        let _ = writeln!(
            text,
            "\nand {} (--top N shows more, --at PC or LABEL one of them)",
            human::number_of(explained.more as u64, "more block")
        );
    }
    text
}

/// `4504 to 4508  sweep  optimised, executed 91,864,410 times, 8.3% of all instructions`.
pub fn head(block: &Block) -> String {
    let mut line = match block.from == block.to {
        true => block.from.to_string(),
        false => format!("{} to {}", block.from, block.to),
    };
    for part in [&block.name, &block.place].into_iter().flatten() {
        let _ = write!(line, "  {part}");
    }
    let _ = write!(line, "  {}", block.tier.name());
    if let Some(count) = block.count {
        let _ = write!(
            line,
            ", executed {}, {:.1}% of all instructions",
            human::number_of(count, "time"),
            block.share * 100.0
        );
    }
    line.push('\n');
    line
}

/// Guest, CLIF and host code beside each other.
fn rows(rows: &[Row]) -> String {
    let has_clif = rows.iter().any(|row| !row.clif.is_empty());
    let has_host = rows.iter().any(|row| !row.host.is_empty());
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    let mut columns = vec!["instruction"];
    columns.extend(has_clif.then_some("CLIF"));
    columns.extend(has_host.then_some("host"));
    table.set_header(columns);
    for row in rows {
        let notes: Vec<String> = row.notes.iter().map(|note| format!("  - {note}")).collect();
        let mut cells = vec![format!("{:>6}  {}\n{}", row.pc, row.text, notes.join("\n"))];
        cells.extend(has_clif.then(|| row.clif.join("\n")));
        cells.extend(has_host.then(|| row.host.join("\n")));
        table.add_row(cells);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("{}\n", lines.join("\n"))
}
