//! A profile as a page: stacks of calls as boxes, procedures, and the hottest blocks with their code.

use super::model::{Block, Procedure, Profile};
use super::table::{allocation, more, procedure, summary};
use crate::human;
use crate::page::{Line, badge, code, document, escape, flames, section, table};
use rum::isa::Instruction;
use rum::{Tier, Word};

/// Blocks whose code is shown.
const BLOCKS: usize = 20;
/// Rows of tables.
const ROWS: usize = 40;

/// The page; of each word of the last program, `program` says what it is and which tier has code for it.
pub fn page(profile: &Profile, number: u64, program: &[(Word, Option<Tier>)]) -> String {
    let mut body = format!("<p class=\"about\">{}</p>\n", escape(&summary(profile)));
    body += &section("Where the time goes", &flames(&profile.stacks, profile.unit));
    let columns: &[&str] = match profile.period_ns {
        None => &["procedure", "at", "own", profile.unit, "with calls", "calls", "tail calls"],
        Some(_) => &["procedure", "at", "own", profile.unit],
    };
    let rows = profile.procedures.iter().take(ROWS).map(|row: &Procedure| names_first(procedure(row, profile)));
    body += &section("Procedures", &(table(columns, 2, rows) + &rest(profile.procedures.len(), ROWS, "procedure")));
    let blocks: Vec<String> =
        profile.blocks.iter().take(BLOCKS).map(|row| block(row, profile, number, program)).collect();
    body += &section("Blocks", &(blocks.concat() + &rest(profile.blocks.len(), BLOCKS, "block")));
    if !profile.allocations.is_empty() {
        let columns = ["pc", "where", "words", "segments", "live words", "live segments"];
        let rows = profile.allocations.iter().take(ROWS).map(|row| names_first(allocation(row)));
        body += &section(
            "Where segments are made",
            &(table(&columns, 2, rows) + &rest(profile.allocations.len(), ROWS, "allocation site")),
        );
    }
    document(&format!("Profile of {}", profile.image), &body)
}

/// On a narrow screen the first columns are seen: names, which come last on a terminal.
fn names_first(mut cells: Vec<String>) -> Vec<String> {
    cells.rotate_right(2);
    cells
}

/// Says how much is not shown.
fn rest(rows: usize, shown: usize, what: &str) -> String {
    match rows.checked_sub(shown) {
        None | Some(0) => String::new(),
        Some(rest) => format!("<p class=\"about\">and {}</p>\n", escape(&more(rest as u64, what))),
    }
}

fn block(row: &Block, profile: &Profile, number: u64, program: &[(Word, Option<Tier>)]) -> String {
    let share = row.own as f64 / profile.total.max(1) as f64;
    let words = program.get(row.from as usize..=row.to as usize).filter(|_| row.program == number).unwrap_or_default();
    let kind = match words.first() {
        Some((_, Some(Tier::Optimiser))) => badge("optimised", "optimised"),
        Some((_, Some(Tier::Baseline))) => badge("baseline", "baseline"),
        Some((_, None)) => badge("interpreted", "interpreted"),
        None => badge("interpreted", "of an earlier program"),
    };
    let title = match row.from == row.to {
        true => row.from.to_string(),
        false => format!("{} to {}", row.from, row.to),
    };
    let mut about = format!("<h3>{title}</h3>{kind}\n<p class=\"about\">");
    about += &escape(&format!(
        "{:.1}%, {}",
        share * 100.0,
        human::number_of(row.own, &profile.unit[..profile.unit.len() - 1])
    ));
    about += &row.place.as_ref().map_or_else(String::new, |place| format!(", {}", escape(place)));
    about += "</p>\n";
    let hottest = profile.blocks.first().map_or(1, |first| first.own).max(1) as f64;
    let lines = (row.from..).zip(words).map(|(pc, &(word, _))| Line {
        pc,
        text: Instruction::decode(word).to_string(),
        heat: row.own as f64 / hottest,
        figure: match profile.period_ns {
            None => human::count(row.own / words.len() as u64),
            Some(_) => String::new(),
        },
        ..Line::default()
    });
    code(&about, &["instruction"], &lines.collect::<Vec<_>>())
}
