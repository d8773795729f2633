//! The conformance suite: a program for each rule, from `suite.toml`.

use rum::{Machine, MachineOptions, Scripted, Stop, Word};
use rum_asm::{Options, Source, assemble};
use serde::Deserialize;

/// What stands before each program.
const PREAMBLE: &str = ".zero r0\n.temps r6, r7\n";

/// Bytes, as text or as numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Numbers(Vec<u8>),
}

impl Bytes {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Bytes::Text(text) => text.clone().into_bytes(),
            Bytes::Numbers(numbers) => numbers.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    rule: String,
    program: String,
    #[serde(default)]
    needs: Vec<String>,
    input: Option<String>,
    input_bytes: Option<Vec<u8>>,
    output: Bytes,
    #[serde(default)]
    fails: bool,
}

#[derive(Deserialize)]
struct List {
    case: Vec<Entry>,
}

/// A program that shows whether a machine keeps a rule.
#[derive(Clone, Debug)]
pub struct Case {
    /// What files are called.
    pub name: String,
    /// The rule.
    pub rule: String,
    /// The words of the program.
    pub program: Vec<Word>,
    /// What it reads.
    pub input: Vec<u8>,
    /// What it puts out on a machine that is right.
    pub output: Vec<u8>,
    /// Rules without which this one cannot be seen to be kept.
    pub needs: Vec<String>,
    /// Whether the machine is to fail behind that.
    pub fails: bool,
}

/// The whole suite.
pub fn suite() -> Vec<Case> {
    let list: List = toml::from_str(include_str!("suite.toml")).expect("the suite is tested");
    let case = |entry: Entry| Case {
        program: program(&entry.name, &entry.program),
        input: entry.input_bytes.or(entry.input.map(String::into_bytes)).unwrap_or_default(),
        output: entry.output.bytes(),
        name: entry.name,
        rule: entry.rule,
        needs: entry.needs,
        fails: entry.fails,
    };
    list.case.into_iter().map(case).collect()
}

/// The words of a source.
pub fn program(name: &str, text: &str) -> Vec<Word> {
    let source = Source::new(name, format!("{PREAMBLE}{text}"));
    let options = Options { extended: true, ..Options::default() };
    assemble(&[source], &options).unwrap_or_else(|errors| panic!("{name}: {}", errors[0].render(false))).words
}

/// What rum makes of a program: why it stops, and what it has put out.
pub fn by_rum(program: &[Word], input: &[u8], budget: u64) -> Option<(Stop, Vec<u8>)> {
    let options = MachineOptions { memory_bytes_max: 1 << 30, ..MachineOptions::default() };
    let mut machine = Machine::new(program, Box::new(Scripted::new(input)), &options).ok()?;
    let stop = machine.run(Some(budget));
    let output = std::mem::take(&mut machine.console_mut::<Scripted>()?.output);
    Some((stop, output))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_suite_is_what_rum_does() {
        let suite = suite();
        for case in &suite {
            let (stop, output) = by_rum(&case.program, &case.input, 100_000_000).expect("room");
            assert_eq!(output, case.output, "{}", case.name);
            assert_eq!(matches!(stop, Stop::Fault(_)), case.fails, "{}: {stop}", case.name);
            assert!(case.fails || matches!(stop, Stop::Halt), "{}: {stop}", case.name);
        }
        let names: BTreeSet<&str> = suite.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), suite.len(), "names are different");
        assert!(suite.iter().flat_map(|case| &case.needs).all(|need| names.contains(need.as_str())));
        // Every operator is there for its own sake.
        let words = suite.iter().flat_map(|case| &case.program);
        assert_eq!(words.map(|word| word >> 28).collect::<BTreeSet<u32>>().len(), 15);
    }
}
