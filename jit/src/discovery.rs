//! Finds what is to be compiled together: the hot blocks that a head leads to.
//!
//! A *block* starts where something jumps to (or where another block falls into it) and ends with a load-program, a halt
//! or an invalid word. Discovery starts at a head and follows the edges whose target is known: jumps to constants and
//! branches between two constants, given that the register they name the segment with is 0. A target belongs to the
//! region if it is warm, is not the entry of another unit, and there is room. A literal that names a warm word without
//! being jumped to by its own block is taken for a return address: it becomes an entry. The targets that a computed jump
//! was seen to go to are edges, too: the jump compares, and goes through the table where it goes elsewhere.
//!
//! Whatever is not in the region is reached through the entry table.

use crate::abi::ENTRIES_MAX;
use crate::guest::block::{Block, End};
use crate::guest::inst::{Inst, Volatile};
use crate::guest::met::Met;
use crate::guest::values::{Known, Values};
use crate::region::Region;
use crate::tuning::BLOCK_WORDS_MAX;
use rum_interp::Word;
use rum_interp::engine::{WATCH_DERIVED, WATCH_STORES};
use rum_interp::isa::Instruction;
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, BinaryHeap};

/// What discovery looks at, and its limits.
pub(crate) struct Surroundings<'a> {
    /// Segment 0.
    pub program: &'a [Word],
    /// How often a word was jumped to.
    pub heat: &'a dyn Fn(u32) -> i32,
    /// Whether another unit can be entered at a word.
    pub is_entry: &'a dyn Fn(u32) -> bool,
    /// Words that are patched again and again: not read by discovery, but at run time.
    pub is_volatile: &'a dyn Fn(u32) -> bool,
    /// Words that no code is made from, because there is a breakpoint.
    pub is_barred: &'a dyn Fn(u32) -> bool,
    /// Where the computed jump at a word was seen to go.
    pub targets: &'a dyn Fn(u32) -> &'a [u32],
    /// Whether these are edges, not only entries.
    pub follow_targets: bool,
    /// The watch byte of a word.
    pub watch: &'a dyn Fn(u32) -> u8,
    /// What the instruction at a word has met.
    pub met: &'a dyn Fn(u32) -> Met,
    /// The least heat of a block that is taken in.
    pub warm: i32,
    /// Most words in a region.
    pub words_max: usize,
}

impl Surroundings<'_> {
    /// The instruction at `pc`, which lies in the program.
    fn inst(&self, pc: u32) -> Inst {
        let (instruction, met) = (Instruction::decode(self.program[pc as usize]), (self.met)(pc));
        if !(self.is_volatile)(pc) {
            return Inst::Fixed(instruction, met);
        }
        Inst::Volatile(match instruction {
            Instruction::Literal { a, .. } if !met.contains(Met::HOST) => Volatile::Literal(a),
            _ => Volatile::Anything,
        })
    }
}

/// Finds the region of `root`, where the registers in the mask `zero` hold 0. None if there is nothing to compile.
pub(crate) fn discover(around: &Surroundings, root: u32, mut zero: u8) -> Option<Region> {
    loop {
        match Discovery::new(around, root, zero).run() {
            Ok(region) => return Some(region).filter(|region| region.len() > 0),
            Err(changed) => zero &= !changed,
        }
    }
}

/// What scanning a block finds.
struct Scan {
    insts: Vec<Inst>,
    how: End,
    /// Literals that the block does not jump to itself.
    literals: Vec<u32>,
    /// A register taken to be 0 that the block changes.
    changed_zero: u8,
}

/// Reads the block at `start`, up to `limit`, where the next block starts.
fn scan(around: &Surroundings, start: u32, limit: u32, zero: u8) -> Scan {
    let mut values = Values::at_start(zero);
    let mut scan = Scan { insts: Vec::new(), how: End::Leave, literals: Vec::new(), changed_zero: 0 };
    for pc in start.. {
        let other_unit = pc != start && (around.is_entry)(pc);
        if pc == limit || other_unit || pc - start >= BLOCK_WORDS_MAX {
            scan.how = End::Fall;
            break;
        }
        if pc as usize >= around.program.len() || (around.is_barred)(pc) {
            break;
        }
        let inst = around.inst(pc);
        match inst.fixed() {
            Some(Instruction::Halt | Instruction::Invalid { .. }) => break,
            Some(Instruction::LoadProgram { b, c }) => {
                scan.insts.push(inst);
                scan.how = match (values.get(b), values.get(c)) {
                    (Known::Const(0), Known::Const(t)) => End::Jump { if_nonzero: t, if_zero: t },
                    (Known::Const(0), Known::Choice(x, y)) => End::Jump { if_nonzero: x, if_zero: y },
                    _ => End::Computed,
                };
                break;
            }
            Some(Instruction::Literal { value, .. }) => scan.literals.push(value),
            _ => {}
        }
        if let Some(reg) = inst.writes()
            && zero >> reg.index() & 1 != 0
            && inst.fixed() != Some(Instruction::Literal { a: reg, value: 0 })
        {
            scan.changed_zero |= 1 << reg.index();
        }
        values.follow(inst);
        scan.insts.push(inst);
    }
    if let End::Jump { if_nonzero, if_zero } = scan.how {
        scan.literals.retain(|&literal| literal != if_nonzero && literal != if_zero);
    }
    scan
}

/// A search under way.
struct Discovery<'a, 'b> {
    around: &'a Surroundings<'b>,
    region: Region,
    entries: FxHashSet<u32>,
    /// Where blocks are to start, the warmest first.
    waiting: BinaryHeap<(i32, u32)>,
    words: usize,
    /// Registers of the mask that blocks change.
    changed: u8,
}

impl<'a, 'b> Discovery<'a, 'b> {
    fn new(around: &'a Surroundings<'b>, root: u32, zero: u8) -> Discovery<'a, 'b> {
        Discovery {
            around,
            region: Region::new(root, zero, around.program.len() as u32),
            entries: FxHashSet::from_iter([root]),
            waiting: BinaryHeap::from([(i32::MAX, root)]),
            words: 0,
            changed: 0,
        }
    }

    /// The error is a mask of registers that are not 0 throughout.
    fn run(mut self) -> Result<Region, u8> {
        while let Some((_, start)) = self.waiting.pop() {
            if self.region.blocks.contains_key(&start) {
                continue;
            }
            if self.words > self.around.words_max {
                break;
            }
            self.block(start);
        }
        if self.changed != 0 {
            return Err(self.changed);
        }
        self.finish();
        Ok(self.region)
    }

    /// Takes in the block at `start`, and asks for what it leads to.
    fn block(&mut self, start: u32) {
        let limit = self.region.blocks.range(start + 1..).next().map_or(u32::MAX, |(&next, _)| next);
        self.cut(start);
        let scan = scan(self.around, start, limit, self.region.zero);
        let end = start + scan.insts.len() as u32;
        self.changed |= scan.changed_zero;
        let mut computed = Vec::new();
        match scan.how {
            End::Jump { if_nonzero, if_zero } => {
                self.want(if_nonzero, false);
                self.want(if_zero, false);
            }
            End::Fall if end != limit => _ = self.want(end, !(self.around.is_entry)(end)),
            End::Computed => computed = self.computed(end - 1),
            _ => {}
        }
        for literal in scan.literals {
            if self.want(literal, false) && self.entries.len() < ENTRIES_MAX / 2 {
                self.entries.insert(literal);
            }
        }
        self.words += scan.insts.len();
        let block = Block { start, insts: scan.insts, how: scan.how, entry: false, edges_in: 0, computed };
        self.region.blocks.insert(start, block);
    }

    /// A block that runs over the new start is cut there.
    fn cut(&mut self, start: u32) {
        if let Some((_, before)) = self.region.blocks.range_mut(..start).next_back()
            && before.end() > start
        {
            self.words -= (before.end() - start) as usize;
            before.insts.truncate((start - before.start) as usize);
            before.how = End::Fall;
            before.computed.clear();
        }
    }

    /// Asks for the block at `target`, if it is warm and in no other unit. Whether it will be there.
    fn want(&mut self, target: u32, forced: bool) -> bool {
        let heat = (self.around.heat)(target);
        let wanted = forced || (heat >= self.around.warm && !(self.around.is_entry)(target));
        let wanted = wanted && target < self.region.program_len;
        if wanted {
            self.waiting.push((heat, target));
        }
        wanted
    }

    /// The targets that the computed jump at `pc` is to compare with, the warmest first.
    fn computed(&mut self, pc: u32) -> Vec<u32> {
        let mut targets = Vec::new();
        for &target in (self.around.targets)(pc) {
            let full = self.entries.len() >= ENTRIES_MAX / 2;
            if self.around.follow_targets && self.want(target, false) {
                targets.push(target);
            } else if !self.around.follow_targets && !full && self.want(target, false) {
                self.entries.insert(target);
            }
        }
        targets.sort_by_key(|&target| std::cmp::Reverse((self.around.heat)(target)));
        targets
    }

    /// Counts edges, marks entries, and tells stores that something depends on from others.
    fn finish(&mut self) {
        let mut edges: BTreeMap<u32, u32> = BTreeMap::new();
        for block in self.region.blocks.values_mut() {
            block.entry = self.entries.contains(&block.start);
            block.targets().for_each(|target| *edges.entry(target).or_default() += 1);
        }
        let stores: FxHashSet<u32> = self.region.constant_stores().collect();
        let (watched, plain) = stores.into_iter().partition(|&offset| self.is_watched(offset));
        (self.region.watched_stores, self.region.plain_stores) = (watched, plain);
        for block in self.region.blocks.values_mut() {
            block.edges_in = edges.get(&block.start).copied().unwrap_or(0);
        }
    }

    /// Whether this region or another unit depends on the word at `offset`.
    fn is_watched(&self, offset: u32) -> bool {
        if offset >= self.region.program_len || self.region.is_volatile(offset) {
            return false;
        }
        self.region.depends_on(offset) || (self.around.watch)(offset) & (WATCH_DERIVED | WATCH_STORES) != 0
    }
}
