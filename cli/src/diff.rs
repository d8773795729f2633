//! `rum diff`: the first instruction after which two machines differ.
//!
//! A trace has a line for each instruction, with the pc and the eight registers as they are before it, in decimal or with `0x`; lines that begin with
//! `#` are comments. Identifiers may be other ones: where rum allocates, the two new identifiers are taken for the same from there on.

use crate::cli::test::DiffArgs;
use crate::failure::{Failure, reason};
use crate::files::{self, print};
#[cfg(unix)]
use crate::foreign::Foreign;
use crate::human;
#[cfg(unix)]
use crate::measure::child::input_file;
use crate::measure::child::{Running, kill};
use rum::isa::Instruction;
use rum::{Machine, MachineOptions, SNAPSHOT_MAGIC, Scripted, Stop, decode_image};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::Child;
#[cfg(unix)]
use std::process::{Command, Stdio};

/// A machine before an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    pc: u32,
    registers: [u32; 8],
}

/// Where steps come from.
enum Steps {
    Rum(Box<Machine>),
    Trace { lines: io::Lines<Box<dyn BufRead>>, name: String, read: u64 },
}

impl Steps {
    /// The steps of a file: rum's own if it is an image.
    fn of(path: &Path, input: &[u8]) -> Result<Steps, Failure> {
        let name = path.display().to_string();
        let cannot = |error: io::Error| Failure::host(format!("cannot read {name}: {}", reason(&error)));
        let mut file = BufReader::new(File::open(path).map_err(cannot)?);
        let start = file.fill_buf().map_err(cannot)?;
        let digits = |byte: &u8| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace() || *byte == b'x';
        if start.first() == Some(&b'#') || (!start.is_empty() && start.iter().take(64).all(digits)) {
            return Ok(Steps::trace(Box::new(file), name));
        }
        if start.starts_with(SNAPSHOT_MAGIC) {
            return Err(Failure::host(format!("{name} is a snapshot: a comparison begins with an image")));
        }
        let mut bytes = Vec::new();
        files::up_to_limit(&mut file, &mut bytes).map_err(cannot)?;
        let words = decode_image(&bytes)
            .map_err(|error| Failure::host(format!("{name} is neither image nor trace: {error}")))?;
        let machine = Machine::new(&words, Box::new(Scripted::new(input)), &MachineOptions::default());
        Ok(Steps::Rum(Box::new(machine.map_err(|error| Failure::host(error.to_string()))?)))
    }

    fn trace(from: Box<dyn BufRead>, name: String) -> Steps {
        Steps::Trace { lines: from.lines(), name, read: 0 }
    }

    /// The machine before the next instruction; none at the end.
    fn look(&mut self) -> Result<Option<Step>, Failure> {
        match self {
            Steps::Rum(machine) => {
                let inside = machine.segment(0).is_some_and(|program| program.len() > machine.pc() as usize);
                Ok(inside.then(|| Step { pc: machine.pc(), registers: machine.registers() }))
            }
            Steps::Trace { lines, name, read } => loop {
                let Some(line) = lines.next() else { return Ok(None) };
                *read += 1;
                let wrong = |why: &str| Failure::host(format!("{name}, line {read}: {why}"));
                let line = line.map_err(|error| wrong(&reason(&error)))?;
                if line.starts_with('#') || line.trim().is_empty() {
                    continue;
                }
                let number = |text: &str| match text.strip_prefix("0x") {
                    Some(digits) => u32::from_str_radix(digits, 16).ok(),
                    None => text.parse().ok(),
                };
                let numbers: Option<Vec<u32>> = line.split_whitespace().map(number).collect();
                let nine: Option<[u32; 9]> = numbers.and_then(|numbers| numbers.try_into().ok());
                let nine =
                    nine.ok_or_else(|| wrong("a line is the pc and eight registers, as nine numbers of 32 bits"))?;
                let [pc, registers @ ..] = nine;
                return Ok(Some(Step { pc, registers }));
            },
        }
    }

    /// The instruction that comes next, where that is known, and goes on behind it. Why it does not go on, if it does not.
    fn pass(&mut self) -> (Option<Instruction>, Option<Stop>) {
        let Steps::Rum(machine) = self else { return (None, None) };
        let word = machine.segment(0).and_then(|program| program.get(machine.pc() as usize).copied());
        (word.map(Instruction::decode), machine.step().err())
    }
}

/// Compares.
///
/// # Errors
/// A file cannot be read, or a machine cannot be started.
pub fn diff(args: &DiffArgs) -> Result<u8, Failure> {
    let input = match &args.input {
        Some(path) => files::bytes_of(path)
            .map_err(|error| Failure::host(format!("cannot read {}: {}", path.display(), reason(&error))))?,
        None => Vec::new(),
    };
    let mut ours = Steps::of(&args.first, &input)?;
    let first = args.first.display().to_string();
    let (mut theirs, names, child) = match (&args.second, &args.machine) {
        (Some(path), _) => {
            let name = if matches!(ours, Steps::Rum(_)) { "rum".to_owned() } else { first };
            (Steps::of(path, &input)?, [name, path.display().to_string()], None)
        }
        (None, Some(command)) => {
            let (steps, child) = of_machine(command, &args.first, &input)?;
            (steps, ["rum".to_owned(), "the machine".to_owned()], Some(child))
        }
        (None, None) => unreachable!("one of them is required"),
    };
    let text = compare(&mut ours, &mut theirs, &names, args.max_instructions.unwrap_or(u64::MAX));
    if let Some(mut child) = child {
        let _ = kill(&mut child.0);
        let _ = child.0.wait();
    }
    let (text, same) = text?;
    print(&format!("{text}\n"))?;
    Ok(u8::from(!same))
}

/// A machine that runs, and the folder that its trace goes through.
struct Tracing(Child, #[expect(dead_code, reason = "they go when this goes")] (Running, tempfile::TempDir));

#[cfg(unix)]
fn of_machine(command: &str, image: &Path, input: &[u8]) -> Result<(Steps, Tracing), Failure> {
    let broken = |error: io::Error| Failure::host(format!("cannot make a pipe for the trace: {}", reason(&error)));
    let words = Foreign::parse(command)?.words(image);
    let folder = tempfile::tempdir().map_err(broken)?;
    let pipe = folder.path().join("trace");
    let for_us = nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR;
    nix::unistd::mkfifo(&pipe, for_us).map_err(|error| broken(error.into()))?;
    // Open at both ends, so that neither waits for the other to come; a machine that never opens it is found by its end.
    let hold = File::options().read(true).write(true).open(&pipe).map_err(broken)?;
    let mut process = Command::new(&words[0]);
    let mut given = input_file(input)?;
    io::Seek::rewind(&mut given).map_err(broken)?;
    process.args(&words[1..]).env("UM_TRACE", &pipe).stdin(given);
    process.stdout(Stdio::null()).stderr(Stdio::null());
    let (child, running) = Running::start(&mut process)
        .map_err(|error| Failure::host(format!("cannot run {}: {}", words[0], reason(&error))))?;
    let id = child.id();
    let reader = File::open(&pipe).map_err(broken)?;
    // What holds the pipe open goes when the machine has ended: then its end is the end of the trace.
    std::thread::spawn(move || {
        let pid = rustix::process::Pid::from_raw(id as i32);
        let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        if let Some(pid) = pid {
            let _ = rustix::process::waitid(rustix::process::WaitId::Pid(pid), options);
        }
        drop(hold);
    });
    let steps = Steps::trace(Box::new(BufReader::with_capacity(1 << 16, reader)), "the machine's trace".to_owned());
    Ok((steps, Tracing(child, (running, folder))))
}

#[cfg(not(unix))]
fn of_machine(_: &str, _: &Path, _: &[u8]) -> Result<(Steps, Tracing), Failure> {
    Err(Failure::host("a machine's trace cannot be read while it runs on this system: write it to a file"))
}

/// Compares step by step; the text, and whether all was the same.
fn compare(ours: &mut Steps, theirs: &mut Steps, names: &[String; 2], max: u64) -> Result<(String, bool), Failure> {
    let mut same: HashMap<u32, u32> = HashMap::new();
    let mut alloc = None;
    let mut last: Option<(Step, Option<Instruction>)> = None;
    for number in 0..max {
        let (left, right) = (ours.look()?, theirs.look()?);
        if let (Some(reg), Some(left), Some(right)) = (alloc.take(), left, right) {
            let reg: usize = reg;
            same.insert(left.registers[reg], right.registers[reg]);
        }
        let count = human::number_of(number, "instruction");
        let (left, right) = match (left, right) {
            (Some(left), Some(right)) => (left, right),
            (None, None) => return Ok((format!("the same: {count}"), true)),
            (left, _) => {
                let (ended, goes_on) = if left.is_none() { (0, 1) } else { (1, 0) };
                let text = format!("{} ends after {count}, and {} goes on", names[ended], names[goes_on]);
                return Ok((text + &behind(last), false));
            }
        };
        let is_same = |x: u32, y: u32| x == y || same.get(&x) == Some(&y);
        let differ: Vec<usize> = (0..8).filter(|&reg| !is_same(left.registers[reg], right.registers[reg])).collect();
        if left.pc != right.pc || !differ.is_empty() {
            let mut text = format!("they differ after {count}{}", behind(last));
            let width = names.iter().map(String::len).max().unwrap_or_default();
            for (name, step) in names.iter().zip([left, right]) {
                text += &format!("\n  {name:<width$}  pc {}", step.pc);
                for &reg in &differ {
                    text += &format!(", r{reg} = {} ({:#x})", step.registers[reg], step.registers[reg]);
                }
            }
            return Ok((text, false));
        }
        let (instruction, stop) = ours.pass();
        theirs.pass();
        if let Some(Instruction::Alloc { b, .. }) = instruction {
            alloc = Some(b.index());
        }
        last = Some((left, instruction));
        if let Some(stop) = stop {
            let more = theirs.look()?.is_some();
            let text = format!("{stop} after {}", human::number_of(number + 1, "instruction"));
            return Ok(match (more, &stop) {
                (false, _) => (format!("the same to the end: {text}"), true),
                (true, _) => (format!("{} ends ({text}), and {} goes on{}", names[0], names[1], behind(last)), false),
            });
        }
    }
    Ok((format!("the same: {}", human::number_of(max, "instruction")), true))
}

/// The instruction that was executed last.
fn behind(last: Option<(Step, Option<Instruction>)>) -> String {
    match last {
        None => String::new(),
        Some((step, instruction)) => {
            let text = instruction.map_or_else(String::new, |instruction| format!(": {instruction}"));
            let registers = rum::fault::format_registers(&step.registers);
            format!("; the last instruction before that was at pc {}{text}, with\n{registers}", step.pc)
        }
    }
}
