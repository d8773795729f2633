//! `rum run --verify`: the interpreter beside compiled code, compared whenever that was left.
//!
//! A second machine is interpreted up to where the first one is. It reads what that has read (`trace/tape.rs`), and what it puts out must be
//! what that has put out. Registers, pc, count and output are compared at each exit of compiled code, everything in memory as often
//! as takes a quarter of the time, and at the end. The first difference ends the run.

use crate::failure::Failure;
use crate::human;
use crate::origin::Origin;
use crate::trace::tape::Follower;
use rum::isa::Instruction;
use rum::{Machine, MachineOptions, Stop, Vm};
use std::fmt;
use std::time::{Duration, Instant};

/// Instructions from one comparison to the next, if compiled code is not left before.
const PIECE_INSTRUCTIONS: u64 = 20_000_000;
/// Running takes at least so many times as long as comparing memory.
const MEMORY_SHARE: u32 = 3;
/// Words of memory that are told of, if they differ.
const WORDS_TOLD: usize = 8;

/// The second machine, and what was found.
pub struct Verifier {
    machine: Machine,
    /// Comparisons, and those of all memory among them.
    comparisons: u64,
    memory_comparisons: u64,
    /// The time that one of these took, and when it was over.
    memory_time: Duration,
    memory_done: Instant,
    /// Instructions up to which there was no difference, in memory either.
    same_until: u64,
}

/// How compiled code and the interpreter differ.
#[derive(Debug)]
pub struct Difference {
    /// Instructions after which there was none, in memory either, and after which there was one.
    after: (u64, u64),
    /// What differs: its name, the interpreter's, that of compiled code.
    rows: Vec<(String, String, String)>,
    /// The engine's word for what was executed last.
    place: String,
}

impl Verifier {
    /// A machine that begins as the one that is verified.
    ///
    /// # Errors
    /// There is no room for another.
    pub fn new(origin: &Origin, follower: Follower, how: &MachineOptions) -> Result<Verifier, Failure> {
        let machine = origin
            .machine(Box::new(follower), how)
            .map_err(|error| Failure::host(format!("there is no second machine to verify with: {error}")))?;
        let begin = machine.executed().unwrap_or_default();
        Ok(Verifier {
            machine,
            comparisons: 0,
            memory_comparisons: 0,
            memory_time: Duration::ZERO,
            memory_done: Instant::now(),
            same_until: begin,
        })
    }

    /// Runs a machine up to a count of instructions, and looks whether the other one comes to the same. Gives why it stopped.
    ///
    /// # Errors
    /// It does not.
    pub fn run(&mut self, vm: &mut Vm, instructions_max: Option<u64>) -> Result<Stop, Box<Difference>> {
        loop {
            let left = instructions_max.unwrap_or(u64::MAX).saturating_sub(executed(vm.machine()));
            let stop = match vm.run_to_exit(left.min(PIECE_INSTRUCTIONS)) {
                Some(Stop::Budget) if left > PIECE_INSTRUCTIONS => None,
                stop => stop,
            };
            self.compare(vm, stop.as_ref())?;
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
    }

    /// What was compared.
    pub fn told(&self) -> String {
        format!(
            "verified: {} with the interpreter, {} of all memory: no difference",
            human::number_of(self.comparisons, "comparison"),
            human::count(self.memory_comparisons)
        )
    }

    fn compare(&mut self, vm: &mut Vm, stop: Option<&Stop>) -> Result<(), Box<Difference>> {
        let count = executed(vm.machine());
        let mut own = Stop::Budget;
        if count > executed(&self.machine) {
            own = self.machine.run(Some(count - executed(&self.machine)));
        }
        let mut rows = self.differences(vm.machine());
        if let Some(stop @ (Stop::Fault(_) | Stop::OutOfMemory(_) | Stop::OutputLimit { .. } | Stop::Halt)) = stop {
            if !matches!(stop, Stop::Halt) && rows.is_empty() {
                own = self.machine.run(Some(1));
            }
            row(&mut rows, "end", &own.to_string(), &stop.to_string());
        }
        self.comparisons += 1;
        let is_due = self.memory_done.elapsed() >= self.memory_time * MEMORY_SHARE || stop.is_some();
        if rows.is_empty() && is_due {
            rows = self.memory_differences(vm);
            if rows.is_empty() {
                self.same_until = count;
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let tier = vm.tier_at(vm.machine().pc()).map_or("none".to_owned(), |tier| format!("{tier:?}"));
        let place = format!("compiled code at the pc: {tier}; {}", words_around(vm.machine()));
        Err(Box::new(Difference { after: (self.same_until, count), rows, place }))
    }

    /// What can be compared at once.
    fn differences(&mut self, other: &Machine) -> Vec<(String, String, String)> {
        let own = &self.machine;
        let mut rows = Vec::new();
        let number = |number: u32| format!("{number} ({number:#x})");
        row(&mut rows, "instructions", &executed(own).to_string(), &executed(other).to_string());
        row(&mut rows, "pc", &own.pc().to_string(), &other.pc().to_string());
        for (reg, (a, b)) in own.registers().into_iter().zip(other.registers()).enumerate() {
            row(&mut rows, &format!("r{reg}"), &number(a), &number(b));
        }
        row(&mut rows, "bytes put out", &own.output_bytes().to_string(), &other.output_bytes().to_string());
        rows
    }

    /// What differs in memory, and in what was put out.
    fn memory_differences(&mut self, vm: &mut Vm) -> Vec<(String, String, String)> {
        let begun = Instant::now();
        let mut rows = Vec::new();
        // What was put out is compared as it is written.
        let written = vm.flush().and_then(|()| self.machine.flush());
        if written.is_ok()
            && let Some(at) = self.machine.console_mut::<Follower>().and_then(|follower| follower.differs_at())
        {
            rows.push((format!("byte {at} put out"), "one".to_owned(), "another".to_owned()));
        }
        let ids = |machine: &Machine| machine.active_segments().map(|(id, _)| id).chain([0]).collect::<Vec<u32>>();
        let (own, others) = (ids(&self.machine), ids(vm.machine()));
        row(&mut rows, "live segments", &own.len().to_string(), &others.len().to_string());
        for &id in &own {
            if rows.len() >= WORDS_TOLD {
                break;
            }
            let (a, b) = (self.machine.segment(id).unwrap_or_default(), vm.machine().segment(id));
            let Some(b) = b else {
                rows.push((format!("segment {id}"), human::number_of(a.len() as u64, "word"), "inactive".to_owned()));
                continue;
            };
            row(&mut rows, &format!("words of segment {id}"), &a.len().to_string(), &b.len().to_string());
            if a != b {
                let differing = a.iter().zip(b).enumerate().filter(|(_, (a, b))| a != b).take(WORDS_TOLD);
                rows.extend(
                    differing.map(|(at, (a, b))| (format!("m[{id}][{at}]"), format!("{a:#x}"), format!("{b:#x}"))),
                );
            }
        }
        (self.memory_time, self.memory_done) = (begun.elapsed(), Instant::now());
        self.memory_comparisons += 1;
        rows
    }
}

/// Adds what differs, if it does.
fn row(rows: &mut Vec<(String, String, String)>, name: &str, own: &str, other: &str) {
    if own != other {
        rows.push((name.to_owned(), own.to_owned(), other.to_owned()));
    }
}

fn executed(machine: &Machine) -> u64 {
    machine.executed().unwrap_or_default()
}

/// Which program it is, and the instruction at the pc.
fn words_around(machine: &Machine) -> String {
    let words = machine.segment(0).unwrap_or_default();
    let at =
        words.get(machine.pc() as usize).map_or("nothing".to_owned(), |&word| Instruction::decode(word).to_string());
    let words = human::number_of(words.len() as u64, "word");
    format!("there stands {at}; the program has {words}, ids {}", machine.ids().name())
}

impl fmt::Display for Difference {
    /// A line that says that it is, and then what is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = [self.after.0, self.after.1].map(human::count);
        writeln!(
            f,
            "compiled code differs from the interpreter between {from} and {to} instructions: this is a mistake in rum, please \
             report it with what follows"
        )?;
        let wide = |which: fn(&(String, String, String)) -> &String| self.rows.iter().map(|row| which(row).len()).max();
        let (name, own) = (wide(|row| &row.0).unwrap_or_default(), wide(|row| &row.1).unwrap_or_default().max(11));
        writeln!(f, "  {:name$}  {:own$}  compiled code", "", "interpreter")?;
        for row in &self.rows {
            writeln!(f, "  {:name$}  {:own$}  {}", row.0, row.1, row.2)?;
        }
        write!(f, "  {}", self.place)
    }
}

/// What is of use to whoever looks for the mistake: the version, and the options.
pub fn circumstances() -> String {
    let words: Vec<String> = std::env::args().collect();
    format!("  rum {} on {}: {}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, words.join(" "))
}
