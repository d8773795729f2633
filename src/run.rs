//! `rum run`: one program, from its image to its end.

use crate::cli::RunArgs;
use crate::config::{Image, RunConfig};
use crate::failure::{Failure, reason, say, status};
use crate::report::{Report, human_bytes};
use crate::signals::{Cause, Control, show_output_every};
use crate::stdio::{SHOW_OUTPUT_EVERY, StdConsole};
use rum::{Fault, Machine, OutOfMemory, SetupError, Stop, Vm, Word, fault, image};
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Instant;

/// How a program ended, as far as `rum` is concerned.
#[derive(Debug)]
pub enum End {
    /// It halted.
    Halt,
    /// It failed.
    Fault(Fault),
    /// Its memory is used up.
    Memory(OutOfMemory),
    /// It has executed as many instructions as it may.
    Instructions,
    /// Something from outside ended it.
    Outside(Cause),
    /// Nobody reads its output any more.
    OutputClosed,
    /// Its input or output failed.
    Console(io::Error),
}

/// Runs a program and says how it ended.
///
/// # Errors
/// It could not be started.
pub fn run(args: RunArgs) -> Result<u8, Failure> {
    let start = Instant::now();
    let (config, image) = RunConfig::new(args)?;
    let control = Control::new().map_err(|error| Failure::host(format!("cannot make a pipe: {}", reason(&error))))?;
    control.stop_at_signals().map_err(|error| Failure::host(format!("cannot handle signals: {}", reason(&error))))?;
    let no_thread = |error| Failure::host(format!("cannot start a thread: {}", reason(&error)));
    if let Some(time) = config.timeout {
        control.stop_after(time).map_err(no_thread)?;
    }
    let console = StdConsole::new(&control, !matches!(image, Image::Stdin));
    let mut image = image.reader(&control);
    let machine = Machine::from_reader(&mut *image, Box::new(console), &config.machine);
    drop(image);
    let (end, vm) = match (machine, control.cause()) {
        (Err(_), Some(cause)) => (End::Outside(cause), None),
        (Err(error), None) => return Err(cannot_start(&config.name, &error)),
        (Ok(machine), _) => {
            let handle = machine.poll_handle();
            control.watch(handle.clone());
            if io::stdout().is_terminal() {
                show_output_every(SHOW_OUTPUT_EVERY, handle).map_err(no_thread)?;
            }
            let mut vm = Vm::new(machine, &config.options)
                .map_err(|error| Failure::host(format!("{error} (--engine auto runs the program all the same)")))?;
            let end = execute(&mut vm, config.instructions_max, &control);
            (end, Some(vm))
        }
    };
    let wall = start.elapsed();
    let status = tell(&end, &config, vm.as_ref());
    if let (Some(format), Some(vm)) = (config.stats, &vm) {
        Report::new(&config, &end, status, wall, vm)
            .write(format, &mut io::stderr())
            .map_err(|error| Failure::host(format!("cannot write the statistics: {}", reason(&error))))?;
    }
    Ok(status)
}

/// Runs the machine to its end, or to that of its budget or its time.
fn execute(vm: &mut Vm, instructions_max: Option<u64>, control: &Arc<Control>) -> End {
    loop {
        let budget = instructions_max.map(|max| max.saturating_sub(vm.machine().executed().unwrap_or_default()));
        match vm.run(budget) {
            Stop::Halt => return End::Halt,
            Stop::Fault(fault) => return End::Fault(fault),
            Stop::OutOfMemory(failure) => return End::Memory(failure),
            Stop::Budget => return End::Instructions,
            Stop::Console(error) => {
                return match (error.kind(), control.cause()) {
                    (io::ErrorKind::BrokenPipe, _) => End::OutputClosed,
                    (io::ErrorKind::TimedOut, Some(cause)) => End::Outside(cause),
                    _ => End::Console(error),
                };
            }
            // Neither limit was set here; whoever asked for control is looked for.
            Stop::Interrupted | Stop::TimeUp | Stop::OutputLimit { .. } => {
                if let Some(cause) = control.cause() {
                    return End::Outside(cause);
                }
            }
        }
    }
}

/// Why a program could not be started.
fn cannot_start(name: &str, error: &SetupError) -> Failure {
    match error {
        SetupError::Image(error) => Failure::host(format!("{name} is no program image: {error}")),
        SetupError::Read(error) => Failure::host(format!("cannot read image {name}: {}", reason(error))),
        SetupError::OutOfMemory(error) => Failure::limit(format!(
            "{name} does not fit into the memory limit of {} (--max-memory raises it)",
            human_bytes(error.limit_bytes)
        )),
        SetupError::Reserve(error) => Failure::host(format!(
            "the system grants no address space for the machine: {} (is there a limit, as ulimit -v sets it?)",
            reason(error)
        )),
    }
}

/// Tells the user how a program ended. Gives the exit status.
fn tell(end: &End, config: &RunConfig, vm: Option<&Vm>) -> u8 {
    match end {
        End::Halt | End::OutputClosed => 0,
        End::Fault(fault) => {
            say(format_args!("fault {}: {fault}\n{}", fault.kind.name(), fault::format_registers(&fault.registers)));
            let words = vm.and_then(|vm| vm.machine().segment(0)).unwrap_or_default();
            if let Some(hint) = image::byte_order_hint(words).or_else(|| text_hint(words)) {
                say(format_args!("{}: {hint}", config.name));
            }
            status::FAULT
        }
        End::Memory(failure) => {
            let limit = human_bytes(failure.limit_bytes);
            let words = failure.words;
            if vm.is_some_and(|vm| is_cramped(vm, failure)) {
                say(format_args!(
                    "no room for a segment of {words} words: the address space that the system grants is full"
                ));
            } else {
                let hint = "(--max-memory raises it)";
                say(format_args!("memory limit of {limit} reached: no room for a segment of {words} words {hint}"));
            }
            status::LIMIT
        }
        End::Instructions => {
            let max = config.instructions_max.unwrap_or_default();
            say(format_args!("instruction limit of {max} reached (--max-instructions raises it)"));
            status::LIMIT
        }
        End::Outside(Cause::Timeout) => {
            let time = humantime::format_duration(config.timeout.unwrap_or_default());
            say(format_args!("time limit of {time} reached (--timeout raises it)"));
            status::LIMIT
        }
        End::Outside(Cause::Interrupt) => {
            say("interrupted");
            status::INTERRUPTED
        }
        End::Outside(Cause::Terminate) => {
            say("terminated");
            status::TERMINATED
        }
        End::Console(error) => {
            say(error);
            status::HOST
        }
    }
}

/// Whether it is the system's limit on address space that was reached, and not the machine's on memory.
fn is_cramped(vm: &Vm, failure: &OutOfMemory) -> bool {
    let needed = vm.machine().memory_bytes().saturating_add(u64::from(failure.words) * 4);
    !vm.machine().covers_all_ids() && needed < failure.limit_bytes / 2
}

/// A remark on a program that is plain text.
fn text_hint(words: &[Word]) -> Option<&'static str> {
    let text = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let mut bytes = words.iter().take(64).flat_map(|word| word.to_be_bytes());
    (words.len() >= 4 && bytes.all(text)).then_some("the image looks like text, not like a program")
}
