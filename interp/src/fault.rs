//! Faults: what a program may do that the specification lets the machine fail on.
//!
//! A fault is the guest's; an error is the host's. Faults are only ever built by the interpreter (`step.rs`).

use crate::isa::{Instruction, Reg, Word};
use std::fmt;

/// One case of the specification's "Cost-Cutting Measures", with the values concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Fields: identifiers, offsets and capacities in words.
pub enum FaultKind {
    /// A word with operator 14 or 15 was executed.
    InvalidInstruction { word: Word },
    /// The pc is not below segment 0's capacity.
    PcOutside { capacity: u32 },
    /// Index of a segment that is not active.
    IndexInactive { id: u32 },
    /// Index at or beyond the segment's capacity.
    IndexOutside { id: u32, offset: u32, capacity: u32 },
    /// Amendment of a segment that is not active.
    AmendInactive { id: u32 },
    /// Amendment at or beyond the segment's capacity.
    AmendOutside { id: u32, offset: u32, capacity: u32 },
    /// Abandonment of segment 0.
    AbandonProgram,
    /// Abandonment of a segment that is not active.
    AbandonInactive { id: u32 },
    /// Division by 0.
    DivisionByZero { dividend: u32 },
    /// Load-program from a segment that is not active.
    LoadInactive { id: u32 },
    /// Output of a value above 255.
    OutputTooLarge { value: u32 },
}

impl FaultKind {
    /// A short name, stable for scripts (kebab case).
    pub const fn name(&self) -> &'static str {
        match self {
            FaultKind::InvalidInstruction { .. } => "invalid-instruction",
            FaultKind::PcOutside { .. } => "pc-outside",
            FaultKind::IndexInactive { .. } => "index-inactive",
            FaultKind::IndexOutside { .. } => "index-outside",
            FaultKind::AmendInactive { .. } => "amend-inactive",
            FaultKind::AmendOutside { .. } => "amend-outside",
            FaultKind::AbandonProgram => "abandon-program",
            FaultKind::AbandonInactive { .. } => "abandon-inactive",
            FaultKind::DivisionByZero { .. } => "division-by-zero",
            FaultKind::LoadInactive { .. } => "load-inactive",
            FaultKind::OutputTooLarge { .. } => "output-too-large",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            FaultKind::InvalidInstruction { word } => {
                write!(f, "invalid instruction: word {word:#010x} has operator {}", word >> 28)
            }
            FaultKind::PcOutside { capacity } => {
                write!(f, "pc outside segment 0, which has {}", Words(capacity))
            }
            FaultKind::IndexInactive { id } => write!(f, "index of segment {id}, which is not active"),
            FaultKind::IndexOutside { id, offset, capacity } => {
                write!(f, "index outside segment {id}: offset {offset}, capacity {}", Words(capacity))
            }
            FaultKind::AmendInactive { id } => write!(f, "amendment of segment {id}, which is not active"),
            FaultKind::AmendOutside { id, offset, capacity } => {
                write!(f, "amendment outside segment {id}: offset {offset}, capacity {}", Words(capacity))
            }
            FaultKind::AbandonProgram => write!(f, "abandonment of segment 0, the program"),
            FaultKind::AbandonInactive { id } => write!(f, "abandonment of segment {id}, which is not active"),
            FaultKind::DivisionByZero { dividend } => write!(f, "division of {dividend} by 0"),
            FaultKind::LoadInactive { id } => write!(f, "load-program from segment {id}, which is not active"),
            FaultKind::OutputTooLarge { value } => write!(f, "output of {value}, which is above 255"),
        }
    }
}

/// `1 word`, `2 words`.
struct Words(u32);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} word{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// A fault with where it happened and what the registers held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happened.
    pub kind: FaultKind,
    /// Offset in segment 0 of the instruction that did it; for [`FaultKind::PcOutside`] the bad value itself.
    pub pc: u32,
    /// The word at `pc`; none for [`FaultKind::PcOutside`].
    pub word: Option<Word>,
    /// The registers, as before the instruction.
    pub registers: [u32; 8],
}

impl fmt::Display for Fault {
    /// One line: kind and values, pc, instruction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at pc {}", self.kind, self.pc)?;
        match self.word {
            Some(word) => write!(f, ": {}", Instruction::decode(word)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

/// The registers as two lines of text, four to a line, decimal with the hexadecimal pattern.
pub fn format_registers(registers: &[u32; 8]) -> String {
    let cell = |reg: Reg| {
        let value = registers[reg.index()];
        format!("{reg} = {value:<10} {value:#010x}")
    };
    let row = |regs: &[Reg]| regs.iter().map(|&reg| cell(reg)).collect::<Vec<_>>().join("   ");
    format!("  {}\n  {}", row(&Reg::ALL[..4]), row(&Reg::ALL[4..]))
}
