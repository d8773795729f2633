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
    IndexInactive { id: u32, past: Past },
    /// Index at or beyond the segment's capacity.
    IndexOutside { id: u32, offset: u32, capacity: u32 },
    /// Amendment of a segment that is not active.
    AmendInactive { id: u32, past: Past },
    /// Amendment at or beyond the segment's capacity.
    AmendOutside { id: u32, offset: u32, capacity: u32 },
    /// Abandonment of segment 0.
    AbandonProgram,
    /// Abandonment of a segment that is not active.
    AbandonInactive { id: u32, past: Past },
    /// Division by 0.
    DivisionByZero { dividend: u32 },
    /// Load-program from a segment that is not active.
    LoadInactive { id: u32, past: Past },
    /// Output of a value above 255.
    OutputTooLarge { value: u32 },
}

/// What is known about an identifier that names no active segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Past {
    /// No segment has ever had it.
    NeverActive,
    /// A segment had it and was abandoned.
    Abandoned,
    /// Where identifiers say where segments are, nothing is kept of those that are gone.
    Unknown,
}

impl fmt::Display for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Past::NeverActive => "which was never active",
            Past::Abandoned => "which was abandoned",
            Past::Unknown => "which is not active",
        })
    }
}

impl FaultKind {
    /// The identifier that names no active segment, and what is known about it, if that is what happened.
    pub const fn inactive(&self) -> Option<(u32, Past)> {
        match *self {
            FaultKind::IndexInactive { id, past }
            | FaultKind::AmendInactive { id, past }
            | FaultKind::AbandonInactive { id, past }
            | FaultKind::LoadInactive { id, past } => Some((id, past)),
            _ => None,
        }
    }

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
            FaultKind::IndexInactive { id, past } => write!(f, "index of segment {id}, {past}"),
            FaultKind::IndexOutside { id, offset, capacity } => {
                write!(f, "index outside segment {id}: offset {offset}, capacity {}", Words(capacity))
            }
            FaultKind::AmendInactive { id, past } => write!(f, "amendment of segment {id}, {past}"),
            FaultKind::AmendOutside { id, offset, capacity } => {
                write!(f, "amendment outside segment {id}: offset {offset}, capacity {}", Words(capacity))
            }
            FaultKind::AbandonProgram => write!(f, "abandonment of segment 0, the program"),
            FaultKind::AbandonInactive { id, past } => write!(f, "abandonment of segment {id}, {past}"),
            FaultKind::DivisionByZero { dividend } => write!(f, "division of {dividend} by 0"),
            FaultKind::LoadInactive { id, past } => write!(f, "load-program from segment {id}, {past}"),
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
        write!(f, "{} at {}", self.kind, self.place())
    }
}

impl Fault {
    /// Where it happened: pc, instruction.
    pub fn place(&self) -> String {
        match self.word {
            Some(word) => format!("pc {}: {}", self.pc, Instruction::decode(word)),
            None => format!("pc {}", self.pc),
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
