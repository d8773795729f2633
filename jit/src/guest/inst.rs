//! An instruction of a block, decoded once, with everything that decides how it is executed.

use super::met::Met;
use rum_interp::isa::{Instruction, Reg};
use serde::{Deserialize, Serialize};

/// A set of registers as a bit mask.
pub(crate) type RegSet = u8;

/// The registers of a set.
pub(crate) fn regs(set: RegSet) -> impl Iterator<Item = Reg> {
    Reg::ALL.into_iter().filter(move |reg| set >> reg.index() & 1 != 0)
}

/// How a word that is patched again and again is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub(crate) enum Volatile {
    /// As a literal into this register, whose value is read at run time.
    Literal(Reg),
    /// As what the host finds there: anything may happen to the registers.
    Anything,
}

/// What stands for [`Volatile::Anything`] where a volatile word is a number; a literal's is its register.
const ANYTHING: u8 = 8;

impl From<Volatile> for u8 {
    fn from(volatile: Volatile) -> u8 {
        match volatile {
            Volatile::Literal(reg) => reg.index() as u8,
            Volatile::Anything => ANYTHING,
        }
    }
}

impl TryFrom<u8> for Volatile {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Volatile, &'static str> {
        match Reg::ALL.get(usize::from(number)) {
            Some(&reg) => Ok(Volatile::Literal(reg)),
            None if number == ANYTHING => Ok(Volatile::Anything),
            None => Err("no register has this number"),
        }
    }
}

/// What is executed at a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inst {
    /// The instruction that stands there, as long as it does, and what it has met.
    Fixed(Instruction, Met),
    /// Whatever stands there when it is executed.
    Volatile(Volatile),
}

impl Inst {
    /// The instruction, if it is known.
    pub fn fixed(self) -> Option<Instruction> {
        match self {
            Inst::Fixed(instruction, _) => Some(instruction),
            Inst::Volatile(_) => None,
        }
    }

    /// What it has met; nothing if it is read at run time.
    pub fn met(self) -> Met {
        match self {
            Inst::Fixed(_, met) => met,
            Inst::Volatile(_) => Met::default(),
        }
    }

    /// Whether the host executes it.
    pub fn is_by_host(self) -> bool {
        match self {
            Inst::Fixed(instruction, met) => {
                met.contains(Met::HOST) || matches!(instruction, Instruction::Input { .. })
            }
            Inst::Volatile(volatile) => volatile == Volatile::Anything,
        }
    }

    /// Registers whose values it uses. What the host executes uses those that the instruction names.
    pub fn reads(self) -> RegSet {
        match self {
            Inst::Fixed(instruction, _) => instruction.reads().fold(0, |set, reg| set | 1 << reg.index()),
            Inst::Volatile(Volatile::Literal(_)) => 0,
            Inst::Volatile(Volatile::Anything) => RegSet::MAX,
        }
    }

    /// The register that it is known to change.
    pub fn writes(self) -> Option<Reg> {
        match self {
            Inst::Fixed(instruction, _) => instruction.writes(),
            Inst::Volatile(Volatile::Literal(a)) => Some(a),
            Inst::Volatile(Volatile::Anything) => None,
        }
    }
}
