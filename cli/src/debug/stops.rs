//! What a debugger stops for.

use super::value::Expr;
use rum::isa::Op;
use rum::{Machine, WatchedWord};
use std::fmt;

/// What a stop is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The instruction at a word.
    Pc(u32),
    /// Every instruction with an operator.
    Op(Op),
    /// Every output, or that of a number, from 1 on.
    Output(Option<u64>),
    /// Every input.
    Input,
    /// Changes of a word.
    Word(WatchedWord),
    /// Changes of a register.
    Register(usize),
}

impl What {
    /// The word that is watched, if one is.
    pub fn word(&self) -> Option<WatchedWord> {
        match self {
            What::Word(word) => Some(*word),
            _ => None,
        }
    }

    /// The value that is watched, if there is one.
    pub fn value(&self, machine: &Machine) -> Option<u64> {
        match self {
            What::Word(word) => machine.segment(word.segment)?.get(word.offset as usize).map(|&word| u64::from(word)),
            What::Register(reg) => Some(u64::from(machine.registers()[*reg])),
            _ => None,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Pc(pc) => write!(f, "pc {pc}"),
            What::Op(op) => write!(f, "every {}", name(*op)),
            What::Output(None) => write!(f, "every output"),
            What::Output(Some(number)) => write!(f, "output {number}"),
            What::Input => write!(f, "every input"),
            What::Word(word) => write!(f, "m[{}][{}]", word.segment, word.offset),
            What::Register(reg) => write!(f, "r{reg}"),
        }
    }
}

/// The operators by the names that they have in commands.
const OPS: [(&str, Op); 14] = [
    ("cmov", Op::CondMove),
    ("index", Op::Index),
    ("amend", Op::Amend),
    ("add", Op::Add),
    ("mul", Op::Mul),
    ("div", Op::Div),
    ("nand", Op::Nand),
    ("halt", Op::Halt),
    ("alloc", Op::Alloc),
    ("abandon", Op::Abandon),
    ("output", Op::Output),
    ("input", Op::Input),
    ("load", Op::LoadProgram),
    ("literal", Op::Literal),
];

/// The name of an operator in commands.
fn name(op: Op) -> &'static str {
    OPS.iter().find(|(_, known)| *known == op).map_or("invalid", |(name, _)| name)
}

/// The operator of a name.
///
/// # Errors
/// There is none; the text names those that there are.
pub fn operator(text: &str) -> Result<Op, String> {
    let found = OPS.iter().find(|(name, _)| *name == text);
    found.map(|(_, op)| *op).ok_or_else(|| format!("operators are {}", OPS.map(|(name, _)| name).join(", ")))
}

/// What must hold for a stop, and how that was written.
pub type Condition = (Expr, String);

/// A stop.
#[derive(Clone, Debug)]
pub struct Break {
    /// Its number.
    pub id: u32,
    /// What it is about.
    pub what: What,
    /// What must hold, and how that was written.
    pub condition: Option<Condition>,
    /// Who has set it: stops are set anew together with others of their group.
    pub group: String,
    /// Whether it goes after it was hit.
    pub once: bool,
    /// How often it was hit.
    pub hits: u64,
}
