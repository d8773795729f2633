//! What watching the program has taught. It dies with the program.

use crate::cache::KeptProfile;
use crate::guest::met::Met;
use crate::tuning::{GROWTH_MAX, IMPROVEMENTS_MAX, PATCHES_VOLATILE, TARGETS_MAX};
use rustc_hash::{FxHashMap, FxHashSet};

/// What is known of the program that is loaded.
#[derive(Default)]
pub(crate) struct Profile {
    /// What instructions have met, by their words.
    met: FxHashMap<u32, Met>,
    /// The only large segment with a name that instructions have met, where others have none, by their words.
    names: FxHashMap<u32, u32>,
    /// Stores into words that code was made from which cost a unit, by word.
    patches: FxHashMap<u32, u32>,
    /// Where computed jumps were seen to go, by the word of the jump.
    targets: FxHashMap<u32, Vec<u32>>,
    /// By the root of a region.
    roots: FxHashMap<u32, Root>,
    /// Roots that no code can be made for.
    pub rejected: Vec<u32>,
    /// Words that the baseline tier can make no block of.
    refused: FxHashSet<u32>,
}

/// What is known of the unit at a root.
#[derive(Default)]
struct Root {
    /// Registers not to be taken to be 0.
    not_zero: u8,
    /// How often it was compiled again with more knowledge.
    improvements: u32,
    growth: Growth,
}

/// What a unit takes in when it is compiled again.
#[derive(Default)]
pub(crate) struct Growth {
    /// Roots of the regions to take in, and the words of those that were found since it was last compiled.
    pub targets: FxHashSet<u32>,
    pub ranges: Vec<(u32, u32)>,
    /// Targets found since it was last compiled, and how often it was.
    waiting: u32,
    times: u32,
}

impl Profile {
    /// What later runs can go by.
    pub fn keep(&self) -> KeptProfile {
        let not_zero = self.roots.iter().filter(|(_, root)| root.not_zero != 0);
        KeptProfile {
            met: self.met.iter().map(|(&pc, &met)| (pc, met)).collect(),
            names: self.names.iter().map(|(&pc, &name)| (pc, name)).collect(),
            targets: self.targets.iter().map(|(&pc, targets)| (pc, targets.clone())).collect(),
            not_zero: not_zero.map(|(&pc, root)| (pc, root.not_zero)).collect(),
        }
    }

    /// Knows what an earlier run has learnt.
    pub fn learn(&mut self, kept: KeptProfile) {
        let KeptProfile { met, names, targets, not_zero } = kept;
        met.into_iter().for_each(|(pc, met)| self.meet(pc, met));
        self.names.extend(names);
        self.targets.extend(targets);
        not_zero.into_iter().for_each(|(root, registers)| self.found_not_zero(root, registers));
    }

    /// What the instruction at a word has met.
    pub fn met(&self, pc: u32) -> Met {
        self.met.get(&pc).copied().unwrap_or_default()
    }

    /// The instruction at a word has met something.
    pub fn meet(&mut self, pc: u32, met: Met) {
        if !met.is_empty() {
            self.met.entry(pc).or_default().insert(met);
        }
    }

    /// The instruction at a word has met a large segment with a name. Gives what that says beyond the name.
    pub fn meet_name(&mut self, pc: u32, name: u32) -> Met {
        if *self.names.entry(pc).or_insert(name) == name { Met::NAMED } else { Met::NAMES }
    }

    /// The name of the segment that the instruction at a word has always met, if that is large.
    pub fn name(&self, pc: u32) -> Option<u32> {
        self.names.get(&pc).copied().filter(|_| !self.met(pc).contains(Met::NAMES))
    }

    /// A store to a word cost a unit. Whether the word is to be taken to be patched for ever.
    pub fn patched(&mut self, offset: u32) -> bool {
        let patches = self.patches.entry(offset).or_default();
        *patches += 1;
        *patches >= PATCHES_VOLATILE
    }

    /// The baseline tier can make no block of a word. Whether that is new.
    pub fn refused(&mut self, pc: u32) -> bool {
        self.refused.insert(pc)
    }

    /// Where the computed jump at a word was seen to go.
    pub fn targets(&self, from: u32) -> &[u32] {
        self.targets.get(&from).map_or(&[], |targets| targets)
    }

    /// A jump was seen.
    pub fn jumped(&mut self, from: u32, to: u32) {
        let targets = self.targets.entry(from).or_default();
        if targets.len() < TARGETS_MAX && !targets.contains(&to) {
            targets.push(to);
        }
    }

    /// Registers that the region of a root must not take to be 0.
    pub fn not_zero(&self, root: u32) -> u8 {
        self.roots.get(&root).map_or(0, |root| root.not_zero)
    }

    /// Registers of a mask were taken to be 0 and were not.
    pub fn found_not_zero(&mut self, root: u32, registers: u8) {
        self.roots.entry(root).or_default().not_zero |= registers;
    }

    /// The unit at a root could be compiled again with more knowledge. Whether it is worth that once more.
    pub fn may_improve(&mut self, root: u32) -> bool {
        let improvements = &mut self.roots.entry(root).or_default().improvements;
        *improvements += 1;
        *improvements < IMPROVEMENTS_MAX
    }

    /// What the unit at a root takes in, if anything was found.
    pub fn growth(&self, root: u32) -> Option<&Growth> {
        self.roots.get(&root).map(|root| &root.growth)
    }

    /// The root that waits to take in the word at `pc`.
    pub fn grows_over(&self, pc: u32) -> Option<u32> {
        let waits = |root: &Root| root.growth.ranges.iter().any(|&(start, end)| (start..end).contains(&pc));
        self.roots.iter().find(|(_, root)| waits(root)).map(|(&root, _)| root)
    }

    /// The unit at a root is to take in regions, given by their roots and words. False if it has grown often enough.
    pub fn grow(&mut self, root: u32, taken: impl Iterator<Item = (u32, Vec<(u32, u32)>)>) -> bool {
        let growth = &mut self.roots.entry(root).or_default().growth;
        if growth.times >= GROWTH_MAX {
            return false;
        }
        for (target, ranges) in taken {
            growth.targets.insert(target);
            growth.ranges.extend(ranges);
        }
        growth.waiting += 1;
        true
    }

    /// Whether enough has come together for the unit at a root to be compiled again: each time it takes more. If so, that
    /// counts as done.
    pub fn is_grown(&mut self, root: u32) -> bool {
        let Some(growth) = self.roots.get_mut(&root).map(|root| &mut root.growth) else { return false };
        if growth.waiting <= growth.times {
            return false;
        }
        growth.times += 1;
        growth.waiting = 0;
        growth.ranges.clear();
        true
    }
}
