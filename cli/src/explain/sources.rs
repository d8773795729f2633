//! What there is to look at: the program, what the engine tells of it, and what was counted.

use crate::symbols::Places;
use rum::isa::Op;
use rum::{BlockListing, Explanation, Listing, Word};
use std::collections::BTreeMap;

/// Which blocks are wanted.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// The one with this word.
    At(u32),
    /// So many, those that took the most instructions.
    Top(usize),
}

/// How a block is executed at the end of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    Interpreted,
    Baseline,
    /// In the unit of this number, whose hot word this is.
    Optimised {
        unit: u32,
        root: u32,
    },
}

impl Tier {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Interpreted => "interpreted",
            Tier::Baseline => "baseline",
            Tier::Optimised { .. } => "optimised",
        }
    }
}

/// All that there is to look at.
pub struct Sources<'a> {
    pub words: &'a [Word],
    pub places: &'a Places,
    pub told: &'a Explanation,
    pub listings: &'a [Listing],
    /// How often each block was executed: first word, words, times.
    pub counts: &'a [(u32, u32, u64)],
    pub total: u64,
    pub threshold: u32,
    pub interpreter_only: bool,
}

impl Sources<'_> {
    /// The unit that a word is executed in, with what it became.
    pub fn unit(&self, pc: u32) -> Option<&Listing> {
        let listings = self.told.units.iter().map(|&(_, at)| &self.listings[at]);
        let has =
            |listing: &&Listing| listing.blocks.iter().any(|&(start, words)| (start..start + words).contains(&pc));
        listings.filter(has).max_by_key(|listing| (listing.root == pc, listing.unit))
    }

    /// The block of the baseline tier that a word belongs to.
    pub fn baseline(&self, pc: u32) -> Option<&BlockListing> {
        let has = |block: &&BlockListing| (block.pc..block.pc + block.words).contains(&pc);
        self.told.blocks.iter().filter(has).max_by_key(|block| block.pc)
    }

    /// How the block that begins at a word is executed.
    pub fn tier(&self, pc: u32) -> Tier {
        match (self.unit(pc), self.baseline(pc)) {
            (Some(listing), _) => Tier::Optimised { unit: listing.unit, root: listing.root },
            (None, Some(_)) => Tier::Baseline,
            (None, None) => Tier::Interpreted,
        }
    }

    /// Shares of all instructions by how their blocks are executed in the end.
    pub fn tiers(&self) -> Vec<(&'static str, f64)> {
        let mut shares: BTreeMap<&'static str, u64> = BTreeMap::new();
        for &(pc, words, count) in self.counts {
            *shares.entry(self.tier(pc).name()).or_default() += u64::from(words) * count;
        }
        let earlier = self.total.saturating_sub(shares.values().sum());
        let mut shares: Vec<(&'static str, u64)> = shares.into_iter().collect();
        shares.push(("in programs before the last", earlier));
        shares.retain(|&(_, part)| part > 0);
        shares.sort_by_key(|&(_, part)| std::cmp::Reverse(part));
        shares.into_iter().map(|(name, part)| (name, part as f64 / self.total.max(1) as f64)).collect()
    }

    /// The blocks that are wanted.
    pub fn chosen(&self, wanted: Wanted) -> Vec<(u32, u32, u64)> {
        match wanted {
            Wanted::At(pc) => {
                let here = self.counts.iter().copied().find(|&(start, words, _)| (start..start + words).contains(&pc));
                // What was never executed is a block of its own.
                vec![here.unwrap_or((pc, self.line(pc), 0))]
            }
            Wanted::Top(top) => {
                let mut blocks = self.counts.to_vec();
                blocks.sort_by_key(|&(pc, words, count)| (std::cmp::Reverse(u64::from(words) * count), pc));
                blocks.truncate(top);
                blocks
            }
        }
    }

    /// Words from one on up to a jump.
    fn line(&self, pc: u32) -> u32 {
        let rest = &self.words[pc as usize..];
        let end = rest.iter().position(|&word| matches!(Op::of(word), Op::LoadProgram | Op::Halt));
        end.map_or(rest.len(), |end| end + 1) as u32
    }
}
