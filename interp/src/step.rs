//! The meaning of one instruction. The interpreter's loop and everything that leaves compiled code use it.
//!
//! [`step`] executes the instruction at the pc completely or, when it faults or has to wait for something, not at all:
//! registers, pc, segments and count are then as before it.

use crate::console::Console;
use crate::fault::{Fault, FaultKind};
use crate::isa::{Instruction, Reg};
use crate::memory::OutOfMemory;
use crate::state::State;
use crate::stop::Stop;
use crate::watch::WATCH_VALUE;
use std::io;

/// Executes the instruction at the pc.
///
/// # Errors
/// Any [`Stop`] but `Budget` and `TimeUp`. Only `Halt` and `Watchpoint` have executed the instruction.
pub(crate) fn step(state: &mut State, console: &mut dyn Console) -> Result<(), Stop> {
    let Some(&word) = state.guest.memory.program().get(state.guest.pc as usize) else {
        return Err(fault(state, FaultKind::PcOutside { capacity: state.guest.memory.program_len }));
    };
    let instruction = Instruction::decode(word);
    if state.probes.are_set() && state.probes.stop_at(state.guest.pc, state.guest.executed) {
        return Err(Stop::Breakpoint);
    }
    let (registers, replacements) = (state.guest.registers, state.replacements);
    let get = |reg: Reg| registers[reg.index()];
    let mut result = None;
    let mut next = state.guest.pc.wrapping_add(1);
    let mut watched = false;
    match instruction {
        Instruction::CondMove { a, b, c } => result = (get(c) != 0).then(|| (a, get(b))),
        Instruction::Index { a, b, c } => result = Some((a, index(state, get(b), get(c))?)),
        Instruction::Amend { a, b, c } => {
            amend(state, get(a), get(b), get(c))?;
            watched = changed(state, get(a), Some(get(b)));
        }
        Instruction::Add { a, b, c } => result = Some((a, get(b).wrapping_add(get(c)))),
        Instruction::Mul { a, b, c } => result = Some((a, get(b).wrapping_mul(get(c)))),
        Instruction::Div { a, b, c } => match get(b).checked_div(get(c)) {
            Some(quotient) => result = Some((a, quotient)),
            None => return Err(fault(state, FaultKind::DivisionByZero { dividend: get(b) })),
        },
        Instruction::Nand { a, b, c } => result = Some((a, !(get(b) & get(c)))),
        Instruction::Halt => {
            if state.tally.is_on() {
                state.tally.halted(state.guest.pc);
            }
            state.guest.executed += 1;
            return Err(Stop::Halt);
        }
        Instruction::Alloc { b, c } => {
            let id = state.guest.memory.alloc(get(c)).map_err(Stop::OutOfMemory)?;
            if state.tally.is_on() {
                state.tally.allocated(state.guest.pc, id, get(c));
            }
            result = Some((b, id));
        }
        Instruction::Abandon { c } => {
            abandon(state, get(c))?;
            watched = changed(state, get(c), None);
        }
        Instruction::Output { c } => output(state, console, get(c))?,
        Instruction::Input { c } => result = Some((c, input(state, console)?)),
        Instruction::LoadProgram { b, c } => {
            next = get(c);
            if get(b) != 0 {
                load_program(state, get(b), next)?;
                watched = changed(state, 0, None);
            } else if state.tally.is_on() {
                state.tally.jumped(state.guest.executed + 1, state.guest.pc, next);
            }
        }
        Instruction::Literal { a, value } => result = Some((a, value)),
        Instruction::Invalid { word } => {
            return Err(fault(state, FaultKind::InvalidInstruction { word }));
        }
    }
    if state.tally.is_on() && state.replacements == replacements {
        state.tally.executed(state.guest.pc, matches!(instruction, Instruction::LoadProgram { .. }));
    }
    if let Some((reg, value)) = result {
        state.guest.registers[reg.index()] = value;
    }
    state.guest.pc = next;
    state.guest.executed += 1;
    if watched { Err(Stop::Watchpoint) } else { Ok(()) }
}

/// Whether somebody wants to know of a change of a word, or of all of a segment: the machine stops behind it.
fn changed(state: &State, id: u32, offset: Option<u32>) -> bool {
    state.probes.watches() && state.probes.is_watched(id, offset)
}

#[cold]
fn fault(state: &State, kind: FaultKind) -> Stop {
    let pc = state.guest.pc;
    let word = state.guest.memory.program().get(pc as usize).copied();
    Stop::Fault(Fault { kind, pc, word, registers: state.guest.registers })
}

fn index(state: &State, id: u32, offset: u32) -> Result<u32, Stop> {
    state.guest.memory.load(id, offset).ok_or_else(|| {
        fault(
            state,
            match state.guest.memory.capacity(id) {
                None => FaultKind::IndexInactive { id, past: state.guest.memory.past(id) },
                Some(capacity) => FaultKind::IndexOutside { id, offset, capacity },
            },
        )
    })
}

fn amend(state: &mut State, id: u32, offset: u32, value: u32) -> Result<(), Stop> {
    if id != 0 && state.guest.memory.store(id, offset, value) {
        return Ok(());
    }
    if id == 0 && state.guest.memory.store_program(offset, value) {
        if state.program.watch.byte(offset) & WATCH_VALUE != 0 {
            state.program.word_stored(offset, state.guest.executed);
        }
        return Ok(());
    }
    let kind = match state.guest.memory.capacity(id) {
        None => FaultKind::AmendInactive { id, past: state.guest.memory.past(id) },
        Some(capacity) => FaultKind::AmendOutside { id, offset, capacity },
    };
    Err(fault(state, kind))
}

fn abandon(state: &mut State, id: u32) -> Result<(), Stop> {
    match id {
        0 => Err(fault(state, FaultKind::AbandonProgram)),
        _ if state.guest.memory.abandon(id) => Ok(()),
        _ => Err(fault(state, FaultKind::AbandonInactive { id, past: state.guest.memory.past(id) })),
    }
}

fn output(state: &mut State, console: &mut dyn Console, value: u32) -> Result<(), Stop> {
    let Ok(byte) = u8::try_from(value) else {
        return Err(fault(state, FaultKind::OutputTooLarge { value }));
    };
    if !state.output.push(byte) {
        state.output.flush(console).map_err(Stop::Console)?;
        if !state.output.push(byte) {
            // An empty buffer has room, unless there may be no more.
            return Err(Stop::OutputLimit { bytes_max: state.output.bytes_max() });
        }
    }
    Ok(())
}

fn input(state: &mut State, console: &mut dyn Console) -> Result<u32, Stop> {
    if let Some(byte) = state.input.pop() {
        return Ok(u32::from(byte));
    }
    if !console.ready() {
        state.output.flush(console).map_err(Stop::Console)?;
    }
    match state.input.read(console) {
        Ok(Some(byte)) => Ok(u32::from(byte)),
        Ok(None) => Ok(u32::MAX),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Stop::Interrupted),
        Err(error) => Err(Stop::Console(error)),
    }
}

fn load_program(state: &mut State, id: u32, target: u32) -> Result<(), Stop> {
    let Some(words) = state.guest.memory.segment(id) else {
        return Err(fault(state, FaultKind::LoadInactive { id, past: state.guest.memory.past(id) }));
    };
    let failure = OutOfMemory { words: words.len() as u32, limit_bytes: state.guest.memory.limit_bytes() };
    state.program.make_room(words.len()).map_err(|_| Stop::OutOfMemory(failure))?;
    if state.tally.is_on() {
        state.tally.make_room(words.len()).map_err(|_| Stop::OutOfMemory(failure))?;
    }
    state.program.replace(state.guest.memory.program(), words);
    let counted = state.tally.is_on().then(|| state.guest.memory.program().to_vec());
    // If this fails, forgotten entries were forgotten for nothing: they are decoded again when needed.
    state.guest.memory.load_program(id).map_err(Stop::OutOfMemory)?;
    state.replacements += 1;
    state.mark_probes(true);
    if let Some(old) = counted {
        state.tally.executed(state.guest.pc, true);
        state.tally.unload(&old);
        state.tally.loaded(state.guest.memory.program(), state.guest.executed + 1, target);
    }
    Ok(())
}
