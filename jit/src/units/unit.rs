//! A unit: the code of one region, with what it depends on and what it was made without knowing.

use crate::cache::{KeptUnit, Shape, Words};
use crate::exit::Site;
use crate::guest::inst::Volatile;
use crate::guest::met::Met;
use crate::plan::Plan;
use rum_interp::Word;
use rum_interp::isa::Instruction;
use std::collections::BTreeSet;

/// The code of one region.
pub(crate) struct Unit {
    /// What it has to do with the program.
    pub shape: Shape,
    /// Words that it stores to without a look.
    pub blind_stores: BTreeSet<u32>,
    /// Words at which it can be entered, where no other unit is; in the order of their selectors.
    pub entries: Vec<u32>,
    /// Its exits.
    pub sites: Vec<Site>,
    /// Where its code is.
    pub code: Code,
    /// The words that it was made from, if they are to be kept for later runs.
    words: Words<'static>,
    /// Exits because a check did not hold.
    pub checks_failed: u32,
    /// Looking into them has taught something that the next translation can use.
    pub learnt: bool,
}

/// What is said of a word, among pairs in the order of words.
fn said_of<T: Copy>(pairs: &[(u32, T)], pc: u32) -> Option<T> {
    let at = pairs.binary_search_by_key(&pc, |&(word, _)| word).ok()?;
    Some(pairs[at].1)
}

/// Where code stands in the space for code, and what has to be kept of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code {
    pub offset: u32,
    pub bytes: usize,
    pub align: u64,
}

impl Unit {
    /// A unit of a program.
    pub fn new(shape: Shape, plan: Plan, code: Code, words: Words<'static>) -> Unit {
        debug_assert!(shape.met.is_sorted_by_key(|&(pc, _)| pc) && shape.volatile.is_sorted_by_key(|&(pc, _)| pc));
        Unit {
            shape,
            blind_stores: plan.plain_stores,
            entries: plan.entries,
            sites: plan.sites,
            code,
            words,
            checks_failed: 0,
            learnt: false,
        }
    }

    /// What later runs need to have it again, with the bytes of its code.
    pub fn keep<'a>(&'a self, number: u32, code: &'a [u8]) -> KeptUnit<'a> {
        KeptUnit {
            number,
            shape: self.shape.clone(),
            entries: self.entries.clone(),
            sites: self.sites.clone(),
            blind_stores: self.blind_stores.iter().copied().collect(),
            words: self.words.borrow(),
            code: code.into(),
            align: self.code.align,
        }
    }

    /// The instruction at a word has met something: notes whether the unit was made without knowing that.
    pub fn learn(&mut self, pc: u32, met: Met) {
        let known = said_of(&self.shape.met, pc).unwrap_or_default();
        self.learnt |= self.depends_on(pc) && !known.contains(met);
    }

    /// The word at `pc` is `word`: notes whether the unit takes it to be another kind of instruction.
    pub fn learn_word(&mut self, pc: u32, word: Word) -> bool {
        let Some(Volatile::Literal(expected)) = said_of(&self.shape.volatile, pc) else { return false };
        let as_expected = matches!(Instruction::decode(word), Instruction::Literal { a, .. } if a == expected);
        self.learnt |= !as_expected;
        !as_expected
    }

    /// Whether it was made from the word at `offset`.
    pub fn depends_on(&self, offset: u32) -> bool {
        let at = self.shape.ranges.partition_point(|&(start, _)| start <= offset);
        at > 0 && offset < self.shape.ranges[at - 1].1
    }

    /// Offsets of the words it was made from, in order.
    pub fn offsets(&self) -> impl Iterator<Item = u32> + '_ {
        self.shape.ranges.iter().flat_map(|&(start, end)| start..end)
    }

    /// Number of words it was made from.
    pub fn words(&self) -> usize {
        self.shape.ranges.iter().map(|&(start, end)| (end - start) as usize).sum()
    }
}
