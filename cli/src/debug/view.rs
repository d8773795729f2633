//! What a debugger shows, as text: where it is, registers, words, instructions.

use super::debugger::{Debugger, Stopped};
use super::timeline::End;
use crate::human;
use rum::isa::Instruction;
use std::fmt::Write;

/// The line about the instruction that comes next: its number, where it is, what it is.
pub fn position(debugger: &mut Debugger) -> String {
    let places = debugger.places();
    let (now, pc) = (debugger.line.now(), debugger.machine().pc());
    let instruction = debugger.instruction().map_or_else(|| "(no word)".to_owned(), |found| found.to_string());
    let values = debugger.instruction().map_or_else(String::new, |found| values(debugger, found));
    let place = places.at(pc).map_or_else(String::new, |place| format!("  {place}"));
    format!("after {now}, pc {pc}{place}: {instruction}{values}")
}

/// What the registers hold that an instruction reads.
fn values(debugger: &Debugger, instruction: Instruction) -> String {
    let registers = debugger.machine().registers();
    let mut read: Vec<usize> = instruction.reads().map(rum::isa::Reg::index).collect();
    read.sort_unstable();
    read.dedup();
    let values: Vec<String> = read.into_iter().map(|reg| format!("r{reg} = {}", registers[reg])).collect();
    if values.is_empty() { String::new() } else { format!("   ({})", values.join(", ")) }
}

/// Why it stopped.
pub fn stopped(debugger: &Debugger, stopped: &Stopped) -> Option<String> {
    let numbers = |ids: &[u32]| ids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let value = |value: &Option<u64>| value.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
    match stopped {
        Stopped::There => None,
        Stopped::At(ids) => Some(format!("stop {}", numbers(ids))),
        Stopped::Changed { ids, what, old, new } => {
            Some(format!("stop {}: {what} changes from {} to {}", numbers(ids), value(old), value(new)))
        }
        Stopped::Input => Some("the program wants input (input TEXT gives it some, input-end ends it)".to_owned()),
        Stopped::Interrupted => Some("interrupted".to_owned()),
        Stopped::Beginning => Some("the beginning of the run".to_owned()),
        Stopped::End(end) => Some(ended(debugger, end)),
    }
}

fn ended(debugger: &Debugger, end: &End) -> String {
    let count = human::number_of(debugger.line.now(), "instruction");
    match end {
        End::Halt => format!("the program has halted after {count}"),
        End::Fault(fault) => format!("fault {}: {fault}", fault.kind.name()),
        End::Memory(failure) => failure.to_string(),
        End::Host(why) => why.clone(),
    }
}

/// A number, in bits, and as a character if it is one.
pub fn number(value: u64) -> String {
    match value {
        0..10 => value.to_string(),
        0x20..0x7f => format!("{value} ({value:#x}, {:?})", char::from(value as u8)),
        _ => format!("{value} ({value:#x})"),
    }
}

/// Some instructions from a word on, a line each; the next one has a mark, those with breakpoints another.
pub fn listing(debugger: &mut Debugger, from: u32, lines: usize) -> String {
    let places = debugger.places();
    let pc = debugger.machine().pc();
    let broken: Vec<u32> = debugger
        .breaks()
        .iter()
        .filter_map(|stop| match stop.what {
            super::stops::What::Pc(pc) => Some(pc),
            _ => None,
        })
        .collect();
    let program = debugger.machine().segment(0).unwrap_or_default();
    let mut text = String::new();
    for (at, &word) in program.iter().enumerate().skip(from as usize).take(lines) {
        let at = at as u32;
        if let Some(label) = places.label(at) {
            let _ = writeln!(text, "{label}:");
        }
        let mark = if at == pc { '>' } else { ' ' };
        let stop = if broken.contains(&at) { '*' } else { ' ' };
        let instruction = Instruction::decode(word).to_string();
        let _ = match places.at(at) {
            Some(place) => writeln!(text, "{mark}{stop}{at:>7}  {word:08x}  {instruction:<34} {place}"),
            None => writeln!(text, "{mark}{stop}{at:>7}  {word:08x}  {instruction}"),
        };
    }
    text
}

/// Words of a segment, eight in a line, with the characters that they are.
pub fn words(words: &[u32], from: usize, count: usize) -> String {
    let mut text = String::new();
    let end = words.len().min(from.saturating_add(count));
    for start in (from..end).step_by(8) {
        let line = &words[start..end.min(start + 8)];
        let hex: Vec<String> = line.iter().map(|word| format!("{word:08x}")).collect();
        let chars: String = line
            .iter()
            .map(|&word| u8::try_from(word).ok().map(char::from).filter(|c| (' '..='~').contains(c)).unwrap_or('.'))
            .collect();
        let _ = writeln!(text, "{start:>8}  {:<71}  {chars}", hex.join(" "));
    }
    text
}
