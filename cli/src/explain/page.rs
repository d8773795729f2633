//! An explanation as a page.

use super::model::{Block, Explained, Row};
use crate::human;
use crate::page::{Line, badge, code, document, escape, list, section, table};

/// The page.
pub fn page(explained: &Explained) -> String {
    let tiers = explained.tiers.iter().map(|(name, share)| vec![(*name).to_owned(), format!("{:.1}%", share * 100.0)]);
    let mut body = String::new();
    if !explained.tiers.is_empty() {
        body += &section("How it is executed", &table(&["blocks at the end", "instructions"], 1, tiers));
    }
    body += &section(
        "What to look at",
        &match explained.health.as_slice() {
            [] => "<p>Nothing was found that costs time without need.</p>\n".to_owned(),
            found => list(found),
        },
    );
    let blocks: Vec<String> = explained.blocks.iter().map(block).collect();
    body += &section("Block by block", &blocks.concat());
    if explained.more > 0 {
        body += &format!(
            "<p class=\"about\">And {} that took fewer instructions.</p>\n",
            human::number_of(explained.more as u64, "more block")
        );
    }
    document(&format!("What became of {}", explained.image), &body)
}

fn block(block: &Block) -> String {
    let words = match block.from == block.to {
        true => block.from.to_string(),
        false => format!("{} to {}", block.from, block.to),
    };
    let name = block.name.as_ref().map_or_else(String::new, |name| format!(" {name}"));
    let mut about =
        format!("<h3>{}</h3>{}\n", escape(&format!("{words}{name}")), badge(block.tier.name(), block.tier.name()));
    let mut said: Vec<String> = block.place.iter().cloned().collect();
    said.extend(block.count.map(|count| {
        format!("executed {}, {:.1}% of all instructions", human::number_of(count, "time"), block.share * 100.0)
    }));
    said.extend(block.facts.iter().chain(&block.exits).cloned());
    for line in said {
        about += &format!("<p class=\"about\">{}</p>\n", escape(&line));
    }
    let columns: &[&str] = match block.rows.iter().any(|row| !row.host.is_empty()) {
        true => &["instruction", "Cranelift's intermediate language", "host"],
        false => &["instruction"],
    };
    let line = |row: &Row| Line {
        pc: row.pc,
        text: row.text.clone(),
        notes: row.notes.clone(),
        beside: if columns.len() > 1 { vec![row.clif.clone(), row.host.clone()] } else { Vec::new() },
        ..Line::default()
    };
    let lines: Vec<Line> = block.rows.iter().map(line).collect();
    code(&about, columns, &lines)
}
