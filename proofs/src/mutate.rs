//! Functions with a mistake, to see that proofs fail: a check that is not made, a store that is left out, operands exchanged, another
//! constant.

use std::collections::HashMap;

/// A function with a mistake.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// What kind of mistake.
    pub kind: Kind,
    /// The line that was changed.
    pub line: String,
    /// The function.
    pub clif: String,
}

/// Kinds of mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A check that leaves is not made.
    Check,
    /// A store is left out.
    Store,
    /// The operands of a difference or a quotient are exchanged.
    Swap,
    /// A constant is one more. Not each is a mistake: a check may ask for more than it must.
    Constant,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 4] = [Kind::Check, Kind::Store, Kind::Swap, Kind::Constant];
}

/// The functions that differ from one in one line.
pub fn mutants(clif: &str) -> Vec<Mutant> {
    let lines: Vec<&str> = clif.lines().collect();
    let exits = exits(&lines);
    let definitions: HashMap<&str, &str> = lines.iter().filter_map(|line| definition(line)).collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        for (kind, changed) in changed(line, &exits, &definitions) {
            let mut all: Vec<&str> = lines.clone();
            all[at] = &changed;
            found.push(Mutant { kind, line: line.trim().to_owned(), clif: all.join("\n") });
        }
    }
    found
}

/// A value, and the text that makes it.
fn definition(line: &str) -> Option<(&str, &str)> {
    let (left, right) = line.split_once(" = ")?;
    Some((left.rsplit(' ').next()?, right.split(';').next()?.trim()))
}

/// Blocks that only store and return the number of an exit.
fn exits<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut block = None;
    for line in lines {
        match line.trim().strip_suffix(" cold:") {
            Some(name) if !line.starts_with('@') => block = Some(name),
            _ if line.trim_start().starts_with("return ") => found.extend(block.take()),
            _ if line.trim().is_empty() => block = None,
            _ => {}
        }
    }
    found
}

fn changed(line: &str, exits: &[&str], definitions: &HashMap<&str, &str>) -> Vec<(Kind, String)> {
    let code = line.split(';').next().unwrap_or_default().trim_end();
    let (before, operation) = match code.find(" = ") {
        Some(at) => code.split_at(at + 3),
        None => code.split_at(code.rfind("  ").map_or(0, |at| at + 2)),
    };
    if let Some(rest) = operation.strip_prefix("brif") {
        let parts: Vec<&str> = rest.split_once(' ').map_or("", |(_, rest)| rest).splitn(3, ", ").collect();
        if let [condition, then, otherwise] = parts[..]
            && !is_poll(condition, definitions)
        {
            let goes_on = match (exits.contains(&then), exits.contains(&otherwise)) {
                (true, false) => otherwise,
                (false, true) => then,
                _ => return Vec::new(),
            };
            return vec![(Kind::Check, format!("{before}jump {goes_on}"))];
        }
        return Vec::new();
    }
    if operation.starts_with("store") || operation.starts_with("istore") {
        return vec![(Kind::Store, String::new())];
    }
    if ["isub", "udiv"].iter().any(|name| operation.starts_with(name))
        && let Some((name, operands)) = operation.split_once(' ')
        && let Some((x, y)) = operands.split_once(", ")
        && x != y
    {
        return vec![(Kind::Swap, format!("{before}{name} {y}, {x}"))];
    }
    if operation.starts_with("iconst.i32 ")
        && let Some((name, number)) = operation.split_once(' ')
        && let Ok(number) = number.parse::<i64>()
    {
        return vec![(Kind::Constant, format!("{before}{name} {}", number + 1))];
    }
    Vec::new()
}

/// Whether a condition is the poll word's: code may leave there or not.
fn is_poll(condition: &str, definitions: &HashMap<&str, &str>) -> bool {
    let made = definitions.get(condition).copied().unwrap_or_default();
    let operands = made.split([' ', ',']).filter_map(|operand| definitions.get(operand));
    std::iter::once(&made).chain(operands).any(|made| made.ends_with("-0x0001_0000"))
}
