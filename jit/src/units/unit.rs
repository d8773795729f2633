//! A unit: the code of one region, with what it depends on and what it was made without knowing.

use crate::exit::Site;
use crate::guest::inst::Volatile;
use crate::guest::met::Met;
use crate::plan::Plan;
use crate::region::Region;
use rum_interp::Word;
use rum_interp::isa::Instruction;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// The code of one region.
pub(crate) struct Unit {
    pub root: u32,
    /// Ranges of words it was made from, in order. Words read at run time are not among them.
    pub ranges: Vec<(u32, u32)>,
    /// Words that it stores to without a look.
    pub blind_stores: BTreeSet<u32>,
    /// Words at which it is entered.
    pub entries: Vec<u32>,
    /// Registers it takes to be 0.
    pub zero: u8,
    /// Its exits.
    pub sites: Vec<Site>,
    /// Exits because a check did not hold.
    pub checks_failed: u32,
    /// Looking into them has taught something that the next translation can use.
    pub learnt: bool,
    /// What was known of its instructions when it was made.
    met: FxHashMap<u32, Met>,
    /// How it executes words that are patched again and again.
    volatile: FxHashMap<u32, Volatile>,
}

impl Unit {
    pub fn new(region: &Region, plan: Plan, entries: Vec<u32>) -> Unit {
        Unit {
            root: region.root,
            ranges: region.fixed_ranges(),
            blind_stores: plan.plain_stores,
            entries,
            zero: region.zero,
            sites: plan.sites,
            checks_failed: 0,
            learnt: false,
            met: region.met(),
            volatile: region.volatile(),
        }
    }

    /// The instruction at a word has met something: notes whether the unit was made without knowing that.
    pub fn learn(&mut self, pc: u32, met: Met) {
        let known = self.met.get(&pc).copied().unwrap_or_default();
        self.learnt |= self.depends_on(pc) && !known.contains(met);
    }

    /// The word at `pc` is `word`: notes whether the unit takes it to be another kind of instruction.
    pub fn learn_word(&mut self, pc: u32, word: Word) -> bool {
        let Some(&Volatile::Literal(expected)) = self.volatile.get(&pc) else { return false };
        let as_expected = matches!(Instruction::decode(word), Instruction::Literal { a, .. } if a == expected);
        self.learnt |= !as_expected;
        !as_expected
    }

    /// Whether it was made from the word at `offset`.
    pub fn depends_on(&self, offset: u32) -> bool {
        let at = self.ranges.partition_point(|&(start, _)| start <= offset);
        at > 0 && offset < self.ranges[at - 1].1
    }

    /// Offsets of the words it was made from, in order.
    pub fn offsets(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|&(start, end)| start..end)
    }

    /// Number of words it was made from.
    pub fn words(&self) -> usize {
        self.ranges.iter().map(|&(start, end)| (end - start) as usize).sum()
    }
}
