//! What one instruction did.

use rum::isa::{Instruction, Reg};
use rum::{Stop, Vm, Word};

/// An instruction that was executed, or that could not be.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its number, from 1 on.
    pub number: u64,
    pub pc: u32,
    /// The registers before it.
    pub registers: [u32; 8],
    /// The word at the pc; none if there is none.
    pub word: Option<Word>,
    pub effect: Effect,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: a conditional move that did not move.
    Nothing,
    /// A register has a value now.
    Register { reg: Reg, value: u32 },
    /// A word of a segment has a value now.
    Word { segment: u32, offset: u32, value: u32 },
    /// There is a new segment, whose identifier is in a register.
    Alloc { reg: Reg, segment: u32, words: u32 },
    /// A segment was given back.
    Abandon { segment: u32 },
    /// A byte was put out.
    Output { byte: u8 },
    /// A byte was read into a register, or the end of input was met.
    Input { reg: Reg, byte: Option<u8> },
    /// The next instruction is elsewhere.
    Jump { target: u32 },
    /// The program is a copy of a segment now, and goes on somewhere in it.
    Program { segment: u32, target: u32 },
    /// The program has come to its end.
    Halt,
    /// It was not executed: why.
    Stopped { why: String },
}

/// Executes an instruction. Gives what it did, and why the machine does not go on, if it does not.
pub fn executed(vm: &mut Vm) -> (Record, Option<Stop>) {
    let machine = vm.machine();
    let (before, pc) = (machine.registers(), machine.pc());
    let number = machine.executed().unwrap_or_default() + 1;
    let word = machine.segment(0).and_then(|program| program.get(pc as usize).copied());
    let stop = vm.step().err();
    let effect = match &stop {
        None => effect(word.map(Instruction::decode), &before, &vm.machine().registers()),
        Some(Stop::Halt) => Effect::Halt,
        Some(Stop::Fault(fault)) => Effect::Stopped { why: fault.kind.to_string() },
        Some(other) => Effect::Stopped { why: other.to_string() },
    };
    (Record { number, pc, registers: before, word, effect }, stop)
}

/// What an instruction did that was executed between these registers and those.
fn effect(instruction: Option<Instruction>, before: &[u32; 8], after: &[u32; 8]) -> Effect {
    let old = |reg: Reg| before[reg.index()];
    let Some(instruction) = instruction else { return Effect::Nothing };
    match instruction {
        Instruction::CondMove { c, .. } if old(c) == 0 => Effect::Nothing,
        Instruction::Amend { a, b, c } => Effect::Word { segment: old(a), offset: old(b), value: old(c) },
        Instruction::Alloc { b, c } => Effect::Alloc { reg: b, segment: after[b.index()], words: old(c) },
        Instruction::Abandon { c } => Effect::Abandon { segment: old(c) },
        Instruction::Output { c } => Effect::Output { byte: old(c) as u8 },
        Instruction::Input { c } => Effect::Input { reg: c, byte: u8::try_from(after[c.index()]).ok() },
        Instruction::LoadProgram { b, c } => match old(b) {
            0 => Effect::Jump { target: old(c) },
            segment => Effect::Program { segment, target: old(c) },
        },
        other => other.writes().map_or(Effect::Nothing, |reg| Effect::Register { reg, value: after[reg.index()] }),
    }
}
