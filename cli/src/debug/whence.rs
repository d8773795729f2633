//! Where a byte of the output comes from: the instructions behind it, back to input, literals and the program's own words.
//!
//! A value is followed from the output back to the instruction that wrote the register, from there to what that read, and so on; a word that
//! was loaded, to the store that put it there. The run is repeated for each step: nothing is kept of it beforehand.

use super::debugger::{Debugger, Failed, Stopped};
use super::stops::What;
use super::view;
use rum::WatchedWord;
use rum::isa::{Instruction, Reg};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Values that are followed at the most.
const NODES_MAX: usize = 200;
/// How far back a register's last write is looked for at first, in instructions; then further and further.
const LOOK_BACK: u64 = 1 << 12;

/// The chain behind something, as lines.
struct Chain<'a> {
    debugger: &'a mut Debugger,
    text: String,
    nodes: usize,
    /// Values that were followed already, by what wrote them: the number of the line.
    seen: BTreeMap<(u64, u32), usize>,
    inputs: Vec<(usize, Option<u8>)>,
}

/// Tells where a byte of the output comes from. The debugger is where it was afterwards.
///
/// # Errors
/// There is no such byte.
pub fn output(debugger: &mut Debugger, byte: u64) -> Result<String, Failed> {
    let before = debugger.line.now();
    let told = follow_output(debugger, byte);
    debugger.line.return_to(before)?;
    told
}

fn follow_output(debugger: &mut Debugger, byte: u64) -> Result<String, Failed> {
    debugger.line.goto_output(byte)?;
    let Some(Instruction::Output { c }) = debugger.instruction() else {
        return Err("the instruction there is no output".into());
    };
    let value = u64::from(debugger.machine().registers()[c.index()]);
    let mut text = format!("byte {byte} of the output is {}\n", view::number(value));
    let _ = writeln!(text, "  {}", view::position(debugger));
    let moment = debugger.line.now();
    let mut chain = Chain { debugger, text, nodes: 0, seen: BTreeMap::new(), inputs: Vec::new() };
    chain.register(moment, c, 2)?;
    Ok(chain.finish())
}

/// Tells where the value of a register comes from.
///
/// # Errors
/// The run cannot be repeated.
pub fn register(debugger: &mut Debugger, reg: usize) -> Result<String, Failed> {
    let before = debugger.line.now();
    let value = u64::from(debugger.machine().registers()[reg]);
    let text = format!("r{reg} is {}\n", view::number(value));
    let mut chain = Chain { debugger, text, nodes: 0, seen: BTreeMap::new(), inputs: Vec::new() };
    let told = chain.register(before, Reg::from_bits(reg as u32), 1).map(|()| chain.finish());
    debugger.line.return_to(before)?;
    told
}

/// Tells where a word comes from.
///
/// # Errors
/// The run cannot be repeated.
pub fn word(debugger: &mut Debugger, word: WatchedWord) -> Result<String, Failed> {
    let before = debugger.line.now();
    let value = What::Word(word).value(debugger.machine()).ok_or("there is no such word")?;
    let text = format!("m[{}][{}] is {}\n", word.segment, word.offset, view::number(value));
    let mut chain = Chain { debugger, text, nodes: 0, seen: BTreeMap::new(), inputs: Vec::new() };
    let told = chain.word(before, word, 1).map(|()| chain.finish());
    debugger.line.return_to(before)?;
    told
}

impl Chain<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.text, "{}{text}", "  ".repeat(depth));
    }

    /// Follows the value that a register has at a moment.
    fn register(&mut self, moment: u64, reg: Reg, depth: usize) -> Result<(), Failed> {
        let Some(written) = self.last_write(moment, reg)? else {
            self.line(depth, &format!("{reg} was never written: it is 0 from the beginning"));
            return Ok(());
        };
        if let Some(line) = self.seen.get(&(written, reg.index() as u32)) {
            let again = format!("{reg}: as in line {line}");
            self.line(depth, &again);
            return Ok(());
        }
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            self.line(depth, "(and so on)");
            return Ok(());
        }
        self.debugger.line.goto(written)?;
        let number = self.text.lines().count() + 1;
        self.seen.insert((written, reg.index() as u32), number);
        let line = view::position(self.debugger);
        self.line(depth, &line);
        let registers = self.debugger.machine().registers();
        // What has one source stands below it, as it is; only where there are two it goes to the right.
        let aside = depth + 1;
        match self.debugger.instruction() {
            Some(Instruction::CondMove { b, .. }) => self.register(written, b, depth),
            Some(
                Instruction::Add { b, c, .. }
                | Instruction::Mul { b, c, .. }
                | Instruction::Div { b, c, .. }
                | Instruction::Nand { b, c, .. },
            ) => {
                self.register(written, b, aside)?;
                if b == c { Ok(()) } else { self.register(written, c, aside) }
            }
            Some(Instruction::Index { b, c, .. }) => {
                let word = WatchedWord { segment: registers[b.index()], offset: registers[c.index()] };
                self.word(written, word, depth)
            }
            Some(Instruction::Input { .. }) => {
                let (at, byte) = {
                    let tape = self.debugger.line.stage.tape();
                    (tape.at, tape.input.get(tape.at).copied().flatten())
                };
                self.inputs.push((at, byte));
                self.line(depth, &input(at, byte));
                Ok(())
            }
            Some(Instruction::Alloc { .. }) => {
                self.line(depth, "the identifier of a new segment");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Follows the value that a word has at a moment.
    fn word(&mut self, moment: u64, word: WatchedWord, depth: usize) -> Result<(), Failed> {
        let WatchedWord { segment, offset } = word;
        self.debugger.line.goto(moment)?;
        match self.last_store(word)? {
            Some(stored) => {
                self.debugger.line.goto(stored)?;
                let line = view::position(self.debugger);
                let registers = self.debugger.machine().registers();
                match self.debugger.instruction() {
                    Some(Instruction::Amend { c, .. }) => {
                        self.line(depth, &line);
                        self.register(stored, c, depth)
                    }
                    Some(Instruction::LoadProgram { b, .. }) => {
                        self.line(depth, &line);
                        self.word(stored, WatchedWord { segment: registers[b.index()], offset }, depth)
                    }
                    // The segment was given back: it is another one since, and that was new.
                    _ => {
                        self.line(
                            depth,
                            &format!("m[{segment}][{offset}] was not written since the segment was made: it is 0"),
                        );
                        Ok(())
                    }
                }
            }
            None if segment == 0 => {
                self.line(depth, &format!("m[0][{offset}] is as the image has it"));
                Ok(())
            }
            None => {
                self.line(
                    depth,
                    &format!("m[{segment}][{offset}] was not written since the segment was made: it is 0"),
                );
                Ok(())
            }
        }
    }

    /// The moment before the last change of a word.
    fn last_store(&mut self, word: WatchedWord) -> Result<Option<u64>, Failed> {
        let others = self.debugger.take_breaks();
        let id = self.debugger.add(What::Word(word), None, false);
        let stopped = self.debugger.go_back();
        self.debugger.remove(|stop| stop.id == id);
        self.debugger.put_breaks(others);
        match stopped? {
            Stopped::Changed { .. } => Ok(Some(self.debugger.line.now())),
            Stopped::Interrupted => Err("interrupted".into()),
            _ => Ok(None),
        }
    }

    /// The moment before a register was last written.
    fn last_write(&mut self, moment: u64, reg: Reg) -> Result<Option<u64>, Failed> {
        let first = self.debugger.line.first();
        let (mut high, mut distance) = (moment, LOOK_BACK);
        while high > first {
            let low = high.saturating_sub(distance).max(first);
            self.debugger.line.goto(low)?;
            let mut last = None;
            while self.debugger.line.now() < high {
                let registers = self.debugger.machine().registers();
                let writes = self.debugger.instruction().is_some_and(|found| match found {
                    Instruction::CondMove { a, c, .. } => a == reg && registers[c.index()] != 0,
                    other => other.writes() == Some(reg),
                });
                if writes {
                    last = Some(self.debugger.line.now());
                }
                if !matches!(self.debugger.line.step()?, super::timeline::Paused::Reached) {
                    break;
                }
            }
            if last.is_some() {
                return Ok(last);
            }
            if self.debugger.line.breathe()? {
                return Err("interrupted".into());
            }
            (high, distance) = (low, distance * 16);
        }
        Ok(None)
    }

    fn finish(mut self) -> String {
        self.inputs.sort_unstable();
        self.inputs.dedup();
        if !self.inputs.is_empty() {
            let all: Vec<String> = self.inputs.iter().map(|&(at, byte)| input(at, byte)).collect();
            let _ = writeln!(self.text, "input behind it: {}", all.join("; "));
        }
        self.text
    }
}

fn input(at: usize, byte: Option<u8>) -> String {
    match byte {
        Some(byte) => format!("byte {at} of the input, {}", view::number(u64::from(byte))),
        None => "the end of the input".to_owned(),
    }
}
