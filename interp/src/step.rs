//! The meaning of one instruction. The interpreter's loop and everything that leaves compiled code use it.
//!
//! [`step`] executes the instruction at the pc completely or, when it faults or has to wait for something, not at all:
//! registers, pc, segments and count are then as before it.

use crate::console::Console;
use crate::fault::{Fault, FaultKind};
use crate::isa::{Instruction, Reg};
use crate::memory::OutOfMemory;
use crate::program::WATCH_VALUE;
use crate::state::State;
use std::io;

/// Why the machine does not go on by itself.
#[derive(Debug)]
pub enum Stop {
    /// A halt instruction was executed (and counted).
    Halt,
    /// The program broke the specification; the pc names the instruction, which has had no effect.
    Fault(Fault),
    /// An allocation or load-program does not fit into the memory limit; the instruction has had no effect.
    OutOfMemory(OutOfMemory),
    /// The number of instructions that was asked for has been executed.
    Budget,
    /// A [`crate::PollHandle`] asked for control. The machine can go on.
    Interrupted,
    /// The console failed.
    Console(io::Error),
    /// The pc was jumped to for the threshold's time, or compiled code starts there (only with a threshold).
    Hot,
}

impl Stop {
    #[cold]
    pub(crate) fn fault(state: &State, kind: FaultKind) -> Stop {
        let word = state.memory.program().get(state.pc as usize).copied();
        Stop::Fault(Fault { kind, pc: state.pc, word, registers: state.registers })
    }
}

/// Executes the instruction at the pc.
///
/// # Errors
/// Any [`Stop`] but `Budget` and `Hot`. Only `Halt` has executed the instruction.
pub fn step(state: &mut State, console: &mut dyn Console) -> Result<(), Stop> {
    let Some(&word) = state.memory.program().get(state.pc as usize) else {
        return Err(Stop::fault(state, FaultKind::PcOutside { capacity: state.memory.program_len }));
    };
    let instruction = Instruction::decode(word);
    let registers = state.registers;
    let get = |reg: Reg| registers[reg.index()];
    let mut result = None;
    let mut next = state.pc.wrapping_add(1);
    match instruction {
        Instruction::CondMove { a, b, c } => result = (get(c) != 0).then(|| (a, get(b))),
        Instruction::Index { a, b, c } => result = Some((a, index(state, get(b), get(c))?)),
        Instruction::Amend { a, b, c } => amend(state, get(a), get(b), get(c))?,
        Instruction::Add { a, b, c } => result = Some((a, get(b).wrapping_add(get(c)))),
        Instruction::Mul { a, b, c } => result = Some((a, get(b).wrapping_mul(get(c)))),
        Instruction::Div { a, b, c } => match get(b).checked_div(get(c)) {
            Some(quotient) => result = Some((a, quotient)),
            None => return Err(Stop::fault(state, FaultKind::DivisionByZero { dividend: get(b) })),
        },
        Instruction::Nand { a, b, c } => result = Some((a, !(get(b) & get(c)))),
        Instruction::Halt => {
            state.executed += 1;
            return Err(Stop::Halt);
        }
        Instruction::Alloc { b, c } => result = Some((b, state.memory.alloc(get(c)).map_err(Stop::OutOfMemory)?)),
        Instruction::Abandon { c } => abandon(state, get(c))?,
        Instruction::Output { c } => output(state, console, get(c))?,
        Instruction::Input { c } => result = Some((c, input(state, console)?)),
        Instruction::LoadProgram { b, c } => {
            if get(b) != 0 {
                load_program(state, get(b))?;
            }
            next = get(c);
        }
        Instruction::Literal { a, value } => result = Some((a, value)),
        Instruction::Invalid { word } => {
            return Err(Stop::fault(state, FaultKind::InvalidInstruction { word }));
        }
    }
    if let Some((reg, value)) = result {
        state.registers[reg.index()] = value;
    }
    state.pc = next;
    state.executed += 1;
    Ok(())
}

fn index(state: &State, id: u32, offset: u32) -> Result<u32, Stop> {
    state.memory.load(id, offset).ok_or_else(|| {
        Stop::fault(
            state,
            match state.memory.capacity(id) {
                None => FaultKind::IndexInactive { id },
                Some(capacity) => FaultKind::IndexOutside { id, offset, capacity },
            },
        )
    })
}

fn amend(state: &mut State, id: u32, offset: u32, value: u32) -> Result<(), Stop> {
    if id != 0 && state.memory.store(id, offset, value) {
        return Ok(());
    }
    if id == 0 && state.memory.store_program(offset, value) {
        if state.program.watched(offset) & WATCH_VALUE != 0 {
            state.program.word_stored(offset, state.executed);
        }
        return Ok(());
    }
    let kind = match state.memory.capacity(id) {
        None => FaultKind::AmendInactive { id },
        Some(capacity) => FaultKind::AmendOutside { id, offset, capacity },
    };
    Err(Stop::fault(state, kind))
}

fn abandon(state: &mut State, id: u32) -> Result<(), Stop> {
    match id {
        0 => Err(Stop::fault(state, FaultKind::AbandonProgram)),
        _ if state.memory.abandon(id) => Ok(()),
        _ => Err(Stop::fault(state, FaultKind::AbandonInactive { id })),
    }
}

fn output(state: &mut State, console: &mut dyn Console, value: u32) -> Result<(), Stop> {
    let Ok(byte) = u8::try_from(value) else {
        return Err(Stop::fault(state, FaultKind::OutputTooLarge { value }));
    };
    if !state.output.push(byte) {
        state.output.flush(console).map_err(Stop::Console)?;
        assert!(state.output.push(byte), "an empty buffer has room");
    }
    Ok(())
}

fn input(state: &mut State, console: &mut dyn Console) -> Result<u32, Stop> {
    if !console.ready() {
        state.output.flush(console).map_err(Stop::Console)?;
    }
    match console.read() {
        Ok(Some(byte)) => Ok(u32::from(byte)),
        Ok(None) => Ok(u32::MAX),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Stop::Interrupted),
        Err(error) => Err(Stop::Console(error)),
    }
}

fn load_program(state: &mut State, id: u32) -> Result<(), Stop> {
    let Some(words) = state.memory.segment(id) else {
        return Err(Stop::fault(state, FaultKind::LoadInactive { id }));
    };
    let failure = OutOfMemory { words: words.len() as u32, limit_bytes: state.memory.limit_bytes() };
    state.program.make_room(words.len()).map_err(|_| Stop::OutOfMemory(failure))?;
    state.program.replace(state.memory.program(), words);
    // If this fails, forgotten entries were forgotten for nothing: they are decoded again when needed.
    state.memory.load_program(id).map_err(Stop::OutOfMemory)?;
    state.replacements += 1;
    Ok(())
}
