//! Records as lines: for people, and as JSON.

use super::record::{Effect, Record};
use crate::cli::values::TraceFormat;
use crate::human;
use crate::symbols::Places;
use rum::isa::Instruction;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Where records go.
pub struct Writer<W> {
    format: TraceFormat,
    out: W,
    headed: bool,
}

impl<W: Write> Writer<W> {
    pub fn new(format: TraceFormat, out: W) -> Writer<W> {
        Writer { format, out, headed: false }
    }

    /// Says what follows: the last of so many instructions.
    ///
    /// # Errors
    /// The sink's.
    pub fn title(&mut self, shown: usize, total: u64) -> io::Result<()> {
        match self.format {
            TraceFormat::Text if shown as u64 == total => {
                writeln!(self.out, "{} in all:", human::number_of(total, "instruction"))
            }
            TraceFormat::Text => writeln!(self.out, "the last {shown} of {}:", human::number_of(total, "instruction")),
            TraceFormat::Json | TraceFormat::Plain => Ok(()),
        }
    }

    /// Writes what an instruction did.
    ///
    /// # Errors
    /// The sink's.
    pub fn write(&mut self, record: &Record, places: &Places) -> io::Result<()> {
        let place = places.at(record.pc);
        match self.format {
            TraceFormat::Text => {
                if !std::mem::replace(&mut self.headed, true) {
                    writeln!(self.out, "{:>12} {:>8}  {:<34} what it did", "number", "pc", "instruction")?;
                }
                let instruction = record.word.map(|word| Instruction::decode(word).to_string()).unwrap_or_default();
                let (number, pc) = (record.number, record.pc);
                write!(self.out, "{number:>12} {pc:>8}  {instruction:<34} ")?;
                match place {
                    Some(place) => writeln!(self.out, "{:<34} {place}", text(&record.effect)),
                    None => writeln!(self.out, "{}", text(&record.effect)),
                }
            }
            TraceFormat::Plain if matches!(record.effect, Effect::Stopped { .. }) => Ok(()),
            TraceFormat::Plain => {
                write!(self.out, "{}", record.pc)?;
                record.registers.iter().try_for_each(|value| write!(self.out, " {value}"))?;
                writeln!(self.out)
            }
            TraceFormat::Json => {
                let mut line = json(record);
                if let Some(place) = place {
                    line.insert("place".to_owned(), json!(place));
                }
                writeln!(self.out, "{}", Value::Object(line))
            }
        }
    }

    /// Writes what is held back.
    ///
    /// # Errors
    /// The sink's.
    pub fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A number, and how it looks in bits if that says more.
fn number(value: u32) -> String {
    match value {
        0..10 => value.to_string(),
        _ => format!("{value} ({value:#x})"),
    }
}

/// A byte, and the character that it is.
fn byte(byte: u8) -> String {
    match byte {
        b' '..=b'~' => format!("{byte} ('{}')", byte as char),
        b'\n' => format!("{byte} ('\\n')"),
        _ => byte.to_string(),
    }
}

fn text(effect: &Effect) -> String {
    match effect {
        Effect::Nothing => "nothing".to_owned(),
        Effect::Register { reg, value } => format!("{reg} = {}", number(*value)),
        Effect::Word { segment, offset, value } => format!("m[{segment}][{offset}] = {}", number(*value)),
        Effect::Alloc { reg, segment, words } => {
            format!("{reg} = {segment}, a segment of {}", human::number_of(u64::from(*words), "word"))
        }
        Effect::Abandon { segment } => format!("segment {segment} is gone"),
        Effect::Output { byte: out } => format!("puts out {}", byte(*out)),
        Effect::Input { reg, byte: Some(read) } => format!("{reg} = {}", byte(*read)),
        Effect::Input { reg, byte: None } => format!("{reg} = {}, the end of input", u32::MAX),
        Effect::Jump { target } => format!("to {target}"),
        Effect::Program { segment, target } => format!("segment {segment} is the program, to {target}"),
        Effect::Halt => "halts".to_owned(),
        Effect::Stopped { why } => format!("not executed: {why}"),
    }
}

fn json(record: &Record) -> Map<String, Value> {
    let mut line = Map::new();
    let mut set = |key: &str, value: Value| line.insert(key.to_owned(), value);
    set("number", json!(record.number));
    set("pc", json!(record.pc));
    if let Some(word) = record.word {
        set("word", json!(word));
        set("instruction", json!(Instruction::decode(word).to_string()));
    }
    match &record.effect {
        Effect::Nothing => {}
        Effect::Register { reg, value } => {
            set("register", json!(reg.index()));
            set("value", json!(value));
        }
        Effect::Word { segment, offset, value } => {
            set("segment", json!(segment));
            set("offset", json!(offset));
            set("value", json!(value));
        }
        Effect::Alloc { reg, segment, words } => {
            set("register", json!(reg.index()));
            set("alloc", json!(segment));
            set("words", json!(words));
        }
        Effect::Abandon { segment } => drop(set("abandon", json!(segment))),
        Effect::Output { byte } => drop(set("output", json!(byte))),
        Effect::Input { reg, byte } => {
            set("register", json!(reg.index()));
            set("input", json!(byte));
        }
        Effect::Jump { target } => drop(set("target", json!(target))),
        Effect::Program { segment, target } => {
            set("program", json!(segment));
            set("target", json!(target));
        }
        Effect::Halt => drop(set("halt", json!(true))),
        Effect::Stopped { why } => drop(set("stopped", json!(why))),
    }
    line
}
