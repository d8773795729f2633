//! What is compiled together: blocks, with everything that was read from the program to find them (`discovery.rs`).

use crate::cache::Shape;
use crate::guest::block::Block;
use crate::guest::inst::{Inst, Volatile};
use crate::guest::met::Met;
use crate::guest::values::Known;
use rum_interp::Word;
use rum_interp::isa::Instruction;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// Blocks to compile together, with the words they are made of.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// Where discovery started; always an entry.
    pub root: u32,
    /// The blocks by their start.
    pub blocks: BTreeMap<u32, Block>,
    /// Registers taken to be 0 at every entry, as a bit mask; no block changes them.
    pub zero: u8,
    /// Length of segment 0.
    pub program_len: u32,
    /// Whether new segments may still get names where later ones do not.
    pub naming: bool,
    /// Names of the large segments that instructions have always met, by their words.
    pub names: FxHashMap<u32, u32>,
    /// Constant offsets of segment 0 that the region stores to although something depends on the words there.
    pub watched_stores: FxHashSet<u32>,
    /// Constant offsets of segment 0 that the region stores to, and nothing depends on.
    pub plain_stores: FxHashSet<u32>,
    /// Marks of its jumps and of where they lead, if a profile is made.
    pub marks: FxHashMap<u32, u8>,
}

impl Region {
    /// A region without blocks.
    pub fn new(root: u32, zero: u8, program_len: u32) -> Region {
        let (names, watched_stores, plain_stores, marks) = Default::default();
        Region {
            root,
            blocks: BTreeMap::new(),
            zero,
            program_len,
            naming: false,
            names,
            watched_stores,
            plain_stores,
            marks,
        }
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.blocks.values().map(|block| block.insts.len()).sum()
    }

    /// Whether the word at `pc` belongs to a block.
    pub fn contains(&self, pc: u32) -> bool {
        self.block_over(pc).is_some_and(|block| pc < block.end())
    }

    /// The last block that starts at or before `pc`.
    fn block_over(&self, pc: u32) -> Option<&Block> {
        self.blocks.range(..=pc).next_back().map(|(_, block)| block)
    }

    /// Whether the words are still those of `program`, but for those that are read at run time.
    pub fn matches(&self, program: &[Word]) -> bool {
        let same = |(pc, inst): (u32, Inst)| match inst {
            Inst::Fixed(instruction, _) => Instruction::decode(program[pc as usize]) == instruction,
            Inst::Volatile(_) => true,
        };
        program.len() == self.program_len as usize && self.blocks.values().flat_map(Block::with_pcs).all(same)
    }

    /// Words that are read at run time, and how each is executed.
    fn volatile(&self) -> Vec<(u32, Volatile)> {
        let volatile = |(pc, inst)| match inst {
            Inst::Volatile(volatile) => Some((pc, volatile)),
            Inst::Fixed(..) => None,
        };
        self.blocks.values().flat_map(Block::with_pcs).filter_map(volatile).collect()
    }

    /// What its instructions have met, where anything.
    fn met(&self) -> Vec<(u32, Met)> {
        let met = |(pc, inst): (u32, Inst)| Some((pc, inst.met())).filter(|(_, met)| !met.is_empty());
        self.blocks.values().flat_map(Block::with_pcs).filter_map(met).collect()
    }

    /// Whether the word at `offset` is read at run time.
    pub fn is_volatile(&self, offset: u32) -> bool {
        self.block_over(offset)
            .is_some_and(|block| offset < block.end() && matches!(block.inst(offset), Inst::Volatile(_)))
    }

    /// What a unit that is made of it has to do with the program.
    pub fn shape(&self) -> Shape {
        Shape {
            root: self.root,
            ranges: self.fixed_ranges(),
            starts: self.blocks.keys().copied().collect(),
            zero: self.zero,
            naming: self.naming,
            met: self.met(),
            volatile: self.volatile(),
        }
    }

    /// Ranges of words that were looked at, without those that are read at run time: what the unit is made from.
    pub fn fixed_ranges(&self) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut add = |pc: u32| match ranges.last_mut() {
            Some(last) if last.1 >= pc => last.1 = pc + 1,
            _ => ranges.push((pc, pc + 1)),
        };
        for block in self.blocks.values() {
            let fixed = block.with_pcs().filter(|(_, inst)| matches!(inst, Inst::Fixed(..)));
            fixed.for_each(|(pc, _)| add(pc));
            if block.read_end() > block.end() && block.end() < self.program_len {
                add(block.end());
            }
        }
        ranges
    }

    /// Ranges of words that were looked at.
    pub fn ranges(&self) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for block in self.blocks.values() {
            let end = block.read_end().min(self.program_len);
            match ranges.last_mut() {
                Some(last) if last.1 >= block.start => last.1 = last.1.max(end),
                _ => ranges.push((block.start, end)),
            }
        }
        ranges
    }

    /// Whether the region itself depends on the word at `offset`.
    pub fn depends_on(&self, offset: u32) -> bool {
        self.block_over(offset).is_some_and(|block| offset < block.read_end()) && !self.is_volatile(offset)
    }

    /// Constant offsets of segment 0 that blocks store to, as far as they know them by themselves.
    pub fn constant_stores(&self) -> impl Iterator<Item = u32> + '_ {
        self.blocks.values().flat_map(|block| block.with_values(self.zero)).filter_map(|(inst, values)| {
            match inst.fixed()? {
                Instruction::Amend { a, b, .. } => match (values.get(a), values.get(b)) {
                    (Known::Const(0), Known::Const(offset)) => Some(offset),
                    _ => None,
                },
                _ => None,
            }
        })
    }

    /// The blocks of the region that a block can go to.
    pub fn successors<'a>(&'a self, block: &'a Block) -> impl Iterator<Item = u32> + 'a {
        block.targets().filter(|start| self.blocks.contains_key(start))
    }
}

/// Whether a word belongs to one of the ranges.
pub(crate) fn contains(ranges: &[(u32, u32)], pc: u32) -> bool {
    ranges.iter().any(|&(start, end)| (start..end).contains(&pc))
}
