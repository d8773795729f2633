//! What became of a program's code, for people who ask why. A leaf; it is written down only if that was asked for
//! ([`crate::Options::keep_listings`]).

use crate::contract::Contract;
use crate::options::Optimisation;
use std::collections::BTreeMap;

/// What a tier did about an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// An optimisation made it cheaper.
    Gained(Optimisation),
    /// It may leave compiled code: a check might not hold.
    Checked,
    /// The host executes it, called by compiled code.
    ByHost,
    /// Compiled code ends here: the interpreter executes it.
    Left,
    /// Its word is read each time, because it is patched again and again.
    ReadAnew,
}

/// A piece of code and the word that it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePart {
    /// Offset of the word in segment 0.
    pub pc: u32,
    /// Where the piece begins in the code, in bytes.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
}

/// A region, and what it became: a unit.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The unit's number.
    pub unit: u32,
    /// Offset of the word that was hot.
    pub root: u32,
    /// Its blocks: the offsets of their first words, and how many they have.
    pub blocks: Vec<(u32, u32)>,
    /// Registers that hold 0 in all of it, as a bit mask.
    pub zero: u8,
    /// Cranelift's intermediate language.
    pub clif: String,
    /// Instructions of the host, as Cranelift writes them.
    pub code: String,
    /// Its code.
    pub bytes: Vec<u8>,
    /// Which of it comes from which word, in the order of the code.
    pub parts: Vec<CodePart>,
    /// What was done about its instructions, by their words.
    pub notes: Vec<(u32, Note)>,
    /// What it takes for granted and promises.
    pub contract: Contract,
}

/// A block of the baseline tier.
#[derive(Clone, Debug)]
pub struct BlockListing {
    /// Offset of its first word.
    pub pc: u32,
    /// Words that it was made from.
    pub words: u32,
    /// Its code, without what is hardly ever executed.
    pub bytes: Vec<u8>,
    /// Which of it comes from which word.
    pub parts: Vec<CodePart>,
}

/// What became of a program's code, at the end of a run.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// Units that can be entered, each with where in [`crate::Vm::listings`] it is.
    pub units: Vec<(u32, usize)>,
    /// Blocks of the baseline tier.
    pub blocks: Vec<BlockListing>,
    /// Words that are read each time, because they are patched again and again.
    pub volatile: Vec<u32>,
    /// Words whose instructions blocks have the host execute.
    pub by_host: Vec<u32>,
    /// Words for which no code could be made.
    pub rejected: Vec<u32>,
    /// How often compiled code was left, by the word before which it was and the reason.
    pub exits: BTreeMap<(u32, &'static str), u64>,
    /// How often units were thrown away, by the word that had been hot and the cause.
    pub ended: BTreeMap<(u32, &'static str), u64>,
}
