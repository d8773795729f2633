//! The ends of a run: what each is called, with which status the process ends, and what the user is told.

use crate::config::RunConfig;
use crate::failure::{say, status};
use crate::human;
use crate::signals::Cause;
use crate::verify::{Difference, circumstances};
use rum::isa::Op;
use rum::{Fault, Ids, Machine, NAMED_ALLOCS, OutOfMemory, Past, Vm, fault, image};
use std::io;

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
    /// It has put out as many bytes as it may.
    Output(u64),
    /// Everything was saved, as was asked for.
    Saved,
    /// Something from outside ended it.
    Outside(Cause),
    /// Nobody reads its output any more.
    OutputClosed,
    /// Its input or output failed.
    Console(io::Error),
    /// Compiled code did something else than the interpreter.
    Differs(Box<Difference>),
}

impl End {
    /// A short name, stable for scripts.
    pub fn name(&self) -> &'static str {
        match self {
            End::Halt => "halt",
            End::Fault(_) => "fault",
            End::Memory(_) => "memory",
            End::Instructions => "instructions",
            End::Output(_) => "output",
            End::Saved => "saved",
            End::Outside(Cause::Timeout) => "timeout",
            End::Outside(Cause::Interrupt) => "interrupt",
            End::Outside(Cause::Terminate) => "terminate",
            End::Outside(Cause::HangUp) => "hangup",
            End::Outside(Cause::Quit) => "quit",
            End::OutputClosed => "output-closed",
            End::Console(_) => "console",
            End::Differs(_) => "differs",
        }
    }

    /// Whether it is that of an instruction that could not be executed.
    pub fn is_of_an_instruction(&self) -> bool {
        matches!(self, End::Fault(_) | End::Memory(_))
    }

    /// The process's exit status.
    pub fn status(&self) -> u8 {
        match self {
            End::Halt | End::OutputClosed | End::Saved => 0,
            End::Fault(_) => status::FAULT,
            End::Memory(_) | End::Instructions | End::Output(_) | End::Outside(Cause::Timeout) => status::LIMIT,
            End::Outside(Cause::Interrupt) => status::INTERRUPTED,
            End::Outside(Cause::Terminate) => status::TERMINATED,
            End::Outside(Cause::HangUp) => status::HUNG_UP,
            End::Outside(Cause::Quit) => status::QUIT,
            End::Console(_) | End::Differs(_) => status::HOST,
        }
    }

    /// Tells the user, if there is something to tell.
    pub fn tell(&self, config: &RunConfig, vm: Option<&Vm>) {
        match self {
            End::Halt | End::OutputClosed | End::Saved => {}
            End::Fault(fault) => tell_fault(fault, config, vm),
            End::Memory(failure) => say(memory_text(failure, vm)),
            End::Instructions => {
                let max = config.instructions_max.unwrap_or_default();
                let max = human::count(max);
                say(format_args!("instruction limit of {max} reached (--max-instructions raises it)"));
            }
            End::Output(bytes) => {
                say(format_args!("output limit of {} reached (--max-output raises it)", human::bytes(*bytes)));
            }
            End::Outside(Cause::Timeout) => {
                let time = humantime::format_duration(config.timeout.unwrap_or_default());
                say(format_args!("time limit of {time} reached (--timeout raises it)"));
            }
            End::Outside(Cause::Interrupt) => say("interrupted"),
            End::Outside(Cause::Terminate) => say("terminated"),
            End::Outside(Cause::HangUp) => say("hung up"),
            End::Outside(Cause::Quit) => say("quit"),
            End::Console(error) => say(error),
            End::Differs(difference) => say(format_args!("{difference}\n{}", circumstances())),
        }
    }
}

fn tell_fault(fault: &Fault, config: &RunConfig, vm: Option<&Vm>) {
    let words = vm.and_then(|vm| vm.machine().segment(0)).unwrap_or_default();
    let what = match config.symbols.place(fault.pc, words.len()) {
        Some(place) => format!("{} at {place}, {}", fault.kind, fault.place()),
        None => fault.to_string(),
    };
    say(format_args!("fault {}: {what}\n{}", fault.kind.name(), fault::format_registers(&fault.registers)));
    if let Some(hint) = image::byte_order_hint(words) {
        say(format_args!("{}: {hint}", config.name));
    } else if let Some(machine) = vm.map(Vm::machine).filter(|machine| may_count_on_numbers(fault, machine)) {
        let which = match machine.ids() {
            Ids::Mixed => format!("only the first {} segments are", human::count(NAMED_ALLOCS.into())),
            _ => "no segments are".to_owned(),
        };
        say(format_args!(
            "{which} numbered 1, 2, 3, ... here; a program that counts on more runs with --ids sequential"
        ));
    }
}

/// Whether a fault may be that of a program that counts on the numbers which machines commonly hand out as identifiers, where
/// this one did not.
fn may_count_on_numbers(fault: &Fault, machine: &Machine) -> bool {
    /// Higher identifiers are hardly the work of counting.
    const COUNTED_MAX: u32 = 1 << 24;
    let runs_out = match machine.ids() {
        Ids::Mixed => !machine.is_naming(),
        Ids::Address => true,
        Ids::Sequential => false,
    };
    runs_out && fault.kind.inactive().is_some_and(|(id, past)| (1..COUNTED_MAX).contains(&id) && past != Past::Unknown)
}

fn memory_text(failure: &OutOfMemory, vm: Option<&Vm>) -> String {
    let words = human::number_of(failure.words.into(), "word");
    if let Some(most) = vm.and_then(program_words_max).filter(|&most| u64::from(failure.words) > most) {
        let most = human::count(most);
        return format!("a segment of {words} was loaded as the program, which has at most {most} here");
    }
    if vm.is_some_and(|vm| is_cramped(vm, failure)) {
        return format!("no room for a segment of {words}: the address space that the system grants is full");
    }
    let limit = human::bytes(failure.limit_bytes);
    format!("memory limit of {limit} reached: no room for a segment of {words} (--max-memory raises it)")
}

/// The most words that a program may have, if the instruction that was not executed would have replaced it.
fn program_words_max(vm: &Vm) -> Option<u64> {
    let machine = vm.machine();
    let word = machine.segment(0)?.get(machine.pc() as usize)?;
    let most = machine.state().memory().program_words_max() as u64;
    (Op::of(*word) == Op::LoadProgram).then_some(most)
}

/// Whether it is the system's limit on address space that was reached, and not the machine's on memory.
fn is_cramped(vm: &Vm, failure: &OutOfMemory) -> bool {
    let needed = vm.machine().memory_bytes().saturating_add(u64::from(failure.words) * 4);
    !vm.machine().covers_all_ids() && needed < failure.limit_bytes / 2
}
