//! What is compiled together: the hot blocks that a head leads to.
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
use crate::guest::met::Met;
use rum_interp::Word;
use rum_interp::engine::WATCH_DERIVED;
use rum_interp::isa::{Instruction, Reg};
use rustc_hash::{FxHashMap, FxHashSet};
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
    /// How the word at `pc` is executed, if it is patched again and again.
    fn volatile(&self, pc: u32) -> Option<Volatile> {
        if !(self.is_volatile)(pc) {
            return None;
        }
        Some(match Instruction::decode(self.program[pc as usize]) {
            Instruction::Literal { a, .. } if !(self.met)(pc).contains(Met::HOST) => Volatile::Literal(a),
            _ => Volatile::Anything,
        })
    }
}

/// How a word that is patched again and again is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Volatile {
    /// As a literal into this register, whose value is read at run time.
    Literal(Reg),
    /// As what the host finds there: anything may happen to the registers.
    Anything,
}

/// How a block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A load-program whose target is one of these constants; both are the same for a plain jump.
    Jump { if_nonzero: u32, if_zero: u32 },
    /// A load-program to somewhere, or of another segment.
    Computed,
    /// The next block starts here (one of the region, or another unit's).
    Fall,
    /// The instruction at `end` is not for compiled code: halt, an invalid word, or the program's end.
    Leave,
}

/// A straight line of instructions.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Offset of its first word.
    pub start: u32,
    /// Offset behind its last word that is compiled.
    pub end: u32,
    /// How it ends.
    pub how: End,
    /// Whether it can be entered from outside.
    pub entry: bool,
    /// Number of edges from blocks of the region.
    pub edges_in: u32,
    /// Of a computed jump: the targets that it compares with, the warmest first.
    pub computed: Vec<u32>,
}

impl Block {
    /// Where it goes, as far as that is known.
    pub fn targets(&self) -> impl Iterator<Item = u32> + '_ {
        let pair = match self.how {
            End::Jump { if_nonzero, if_zero } if if_nonzero == if_zero => [Some(if_zero), None],
            End::Jump { if_nonzero, if_zero } => [Some(if_nonzero), Some(if_zero)],
            End::Fall => [Some(self.end), None],
            End::Computed | End::Leave => [None, None],
        };
        pair.into_iter().flatten().chain(self.computed.iter().copied())
    }

    /// Whether more than one edge leads to it, or it can be entered: what its registers hold is not known from one place.
    pub fn is_join(&self) -> bool {
        self.entry || self.edges_in != 1
    }

    /// Offset behind the last word that was looked at: a word that is left to the interpreter was looked at too.
    fn read_end(&self) -> u32 {
        self.end + u32::from(self.how == End::Leave)
    }
}

/// Blocks to compile together, with the words they are made of.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// Where discovery started; always an entry.
    pub root: u32,
    /// The blocks by their start.
    pub blocks: BTreeMap<u32, Block>,
    /// A copy of the words of every block.
    pub words: BTreeMap<u32, Vec<Word>>,
    /// Registers taken to be 0 at every entry, as a bit mask; no block changes them.
    pub zero: u8,
    /// Words that are read at run time.
    pub volatile: FxHashMap<u32, Volatile>,
    /// Length of segment 0.
    pub program_len: u32,
    /// Constant offsets of segment 0 that the region stores to although somebody depends on the words there.
    pub watched_stores: FxHashSet<u32>,
    /// Constant offsets of segment 0 that the region stores to, and nobody depends on.
    pub plain_stores: FxHashSet<u32>,
    /// What the instructions at words of the region have met, where anything.
    pub met: FxHashMap<u32, Met>,
}

impl Region {
    /// Number of words.
    pub fn len(&self) -> usize {
        self.blocks.values().map(|block| (block.end - block.start) as usize).sum()
    }

    /// Whether the word at `pc` belongs to a block.
    pub fn contains(&self, pc: u32) -> bool {
        self.blocks.range(..=pc).next_back().is_some_and(|(_, block)| pc < block.end)
    }

    /// The word at `pc`, which belongs to the block that starts at `start`.
    pub fn word(&self, start: u32, pc: u32) -> Word {
        self.words[&start][(pc - start) as usize]
    }

    /// Whether the words are still those of `program`.
    pub fn matches(&self, program: &[Word]) -> bool {
        program.len() == self.program_len as usize
            && self.blocks.values().all(|block| {
                let copy = &self.words[&block.start];
                (block.start..block.end)
                    .zip(copy)
                    .all(|(pc, &word)| program[pc as usize] == word || self.volatile.contains_key(&pc))
            })
    }

    /// Ranges of words that were looked at, without those that are read at run time: what the unit is made from.
    pub fn fixed_ranges(&self) -> Vec<(u32, u32)> {
        let mut ranges = Vec::new();
        for (start, end) in self.ranges() {
            let mut from = start;
            for word in (start..end).filter(|word| self.volatile.contains_key(word)) {
                if from < word {
                    ranges.push((from, word));
                }
                from = word + 1;
            }
            if from < end {
                ranges.push((from, end));
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
}

/// Whether a word belongs to one of the ranges.
pub(crate) fn contains(ranges: &[(u32, u32)], pc: u32) -> bool {
    ranges.iter().any(|&(start, end)| (start..end).contains(&pc))
}

/// A register's value as far as a block knows it by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Nothing,
    Const(u32),
    /// One of two constants.
    Choice(u32, u32),
}

/// The longest block; longer ones are cut.
const BLOCK_WORDS_MAX: u32 = 400;

/// Follows the known values through one instruction.
pub(crate) fn follow(known: &mut [Known; 8], instruction: Instruction) {
    let get = |reg: Reg| known[reg.index()];
    let both = |b: Reg, c: Reg, f: fn(u32, u32) -> u32| match (get(b), get(c)) {
        (Known::Const(x), Known::Const(y)) => Known::Const(f(x, y)),
        _ => Known::Nothing,
    };
    let (target, value) = match instruction {
        Instruction::Literal { a, value } => (a, Known::Const(value)),
        Instruction::CondMove { a, b, c } => match (get(a), get(b), get(c)) {
            (_, _, Known::Const(0)) => return,
            (_, value, Known::Const(_)) => (a, value),
            (Known::Const(x), Known::Const(y), _) => (a, Known::Choice(y, x)),
            _ => (a, Known::Nothing),
        },
        Instruction::Add { a, b, c } => (a, both(b, c, u32::wrapping_add)),
        Instruction::Mul { a, b, c } => (a, both(b, c, u32::wrapping_mul)),
        Instruction::Nand { a, b, c } => (a, both(b, c, |x, y| !(x & y))),
        Instruction::Div { a, b, c } => match (get(b), get(c)) {
            (Known::Const(x), Known::Const(y)) if y != 0 => (a, Known::Const(x / y)),
            _ => (a, Known::Nothing),
        },
        Instruction::Index { a, .. } => (a, Known::Nothing),
        Instruction::Alloc { b, .. } => (b, Known::Nothing),
        Instruction::Input { c } => (c, Known::Nothing),
        _ => return,
    };
    known[target.index()] = value;
}

/// The register an instruction changes.
pub(crate) fn written(instruction: Instruction) -> Option<Reg> {
    match instruction {
        Instruction::CondMove { a, .. }
        | Instruction::Index { a, .. }
        | Instruction::Add { a, .. }
        | Instruction::Mul { a, .. }
        | Instruction::Div { a, .. }
        | Instruction::Nand { a, .. }
        | Instruction::Literal { a, .. } => Some(a),
        Instruction::Alloc { b, .. } => Some(b),
        Instruction::Input { c } => Some(c),
        _ => None,
    }
}

/// What scanning a block finds.
struct Scan {
    end: u32,
    how: End,
    /// Literals that the block does not jump to itself.
    literals: Vec<u32>,
    /// A register taken to be 0 that the block changes.
    changed_zero: u8,
}

pub(crate) fn known_at_entry(zero: u8) -> [Known; 8] {
    std::array::from_fn(|i| if zero >> i & 1 != 0 { Known::Const(0) } else { Known::Nothing })
}

/// Reads the block at `start`, up to `limit`, where the next block starts.
fn scan(around: &Surroundings, start: u32, limit: u32, zero: u8) -> Scan {
    let mut known = known_at_entry(zero);
    let mut scan = Scan { end: start, how: End::Leave, literals: Vec::new(), changed_zero: 0 };
    let mut pc = start;
    loop {
        let other_unit = pc != start && (around.is_entry)(pc);
        if pc == limit || other_unit || pc - start >= BLOCK_WORDS_MAX {
            scan.how = End::Fall;
            break;
        }
        if pc as usize >= around.program.len() {
            break;
        }
        match around.volatile(pc) {
            Some(Volatile::Literal(a)) => {
                known[a.index()] = Known::Nothing;
                scan.changed_zero |= zero & 1 << a.index();
            }
            Some(Volatile::Anything) => known = known_at_entry(zero),
            None => {}
        }
        if (around.is_volatile)(pc) {
            pc += 1;
            continue;
        }
        let instruction = Instruction::decode(around.program[pc as usize]);
        match instruction {
            Instruction::Halt | Instruction::Invalid { .. } => break,
            Instruction::LoadProgram { b, c } => {
                pc += 1;
                scan.how = match (known[b.index()], known[c.index()]) {
                    (Known::Const(0), Known::Const(t)) => End::Jump { if_nonzero: t, if_zero: t },
                    (Known::Const(0), Known::Choice(x, y)) => End::Jump { if_nonzero: x, if_zero: y },
                    _ => End::Computed,
                };
                break;
            }
            Instruction::Literal { value, .. } => scan.literals.push(value),
            _ => {}
        }
        if let Some(reg) = written(instruction)
            && zero >> reg.index() & 1 != 0
            && instruction != (Instruction::Literal { a: reg, value: 0 })
        {
            scan.changed_zero |= 1 << reg.index();
        }
        follow(&mut known, instruction);
        pc += 1;
    }
    scan.end = pc;
    if let End::Jump { if_nonzero, if_zero } = scan.how {
        scan.literals.retain(|&literal| literal != if_nonzero && literal != if_zero);
    }
    scan
}

/// Finds the region of `root`, where the registers in the mask `zero` hold 0. None if there is nothing to compile.
pub(crate) fn discover(around: &Surroundings, root: u32, mut zero: u8) -> Option<Region> {
    loop {
        match discover_with(around, root, zero) {
            Ok(region) => return region,
            Err(changed) => zero &= !changed,
        }
    }
}

/// As [`discover`]; the error is a mask of registers that are not 0 throughout.
fn discover_with(around: &Surroundings, root: u32, zero: u8) -> Result<Option<Region>, u8> {
    let len = around.program.len() as u32;
    let mut region = Region {
        root,
        blocks: BTreeMap::new(),
        words: BTreeMap::new(),
        zero,
        volatile: FxHashMap::default(),
        program_len: len,
        watched_stores: FxHashSet::default(),
        plain_stores: FxHashSet::default(),
        met: FxHashMap::default(),
    };
    let mut entries: FxHashSet<u32> = FxHashSet::from_iter([root]);
    let mut waiting = BinaryHeap::from([(i32::MAX, root)]);
    let mut words = 0usize;
    let mut changed = 0u8;
    while let Some((_, start)) = waiting.pop() {
        if region.blocks.contains_key(&start) {
            continue;
        }
        if words > around.words_max {
            break;
        }
        let limit = region.blocks.range(start + 1..).next().map_or(u32::MAX, |(&next, _)| next);
        // A block that runs over the new start is cut there.
        if let Some((_, before)) = region.blocks.range_mut(..start).next_back()
            && before.end > start
        {
            words -= (before.end - start) as usize;
            before.end = start;
            before.how = End::Fall;
            before.computed.clear();
        }
        let scan = scan(around, start, limit, zero);
        changed |= scan.changed_zero;
        let mut targets = Vec::new();
        let mut want = |target: u32, forced: bool| {
            let heat = (around.heat)(target);
            if target < len && (forced || (heat >= around.warm && !(around.is_entry)(target))) {
                waiting.push((heat, target));
                return true;
            }
            false
        };
        match scan.how {
            End::Jump { if_nonzero, if_zero } => {
                want(if_nonzero, false);
                want(if_zero, false);
            }
            End::Fall if scan.end != limit => _ = want(scan.end, !(around.is_entry)(scan.end)),
            End::Computed => {
                for &target in (around.targets)(scan.end - 1) {
                    let full = entries.len() >= ENTRIES_MAX / 2;
                    if around.follow_targets && want(target, false) {
                        targets.push(target);
                    } else if !around.follow_targets && !full && want(target, false) {
                        entries.insert(target);
                    }
                }
                targets.sort_by_key(|&target| std::cmp::Reverse((around.heat)(target)));
            }
            _ => {}
        }
        for literal in scan.literals {
            if want(literal, false) && entries.len() < ENTRIES_MAX / 2 {
                entries.insert(literal);
            }
        }
        words += (scan.end - start) as usize;
        let block = Block { start, end: scan.end, how: scan.how, entry: false, edges_in: 0, computed: targets };
        region.blocks.insert(start, block);
    }
    if changed != 0 {
        return Err(changed);
    }
    region.finish(around, &entries);
    Ok((region.len() > 0).then_some(region))
}

impl Region {
    /// Counts edges, marks entries, copies words.
    fn finish(&mut self, around: &Surroundings, entries: &FxHashSet<u32>) {
        let mut edges: BTreeMap<u32, u32> = BTreeMap::new();
        for block in self.blocks.values_mut() {
            block.entry = entries.contains(&block.start);
            block.targets().for_each(|target| *edges.entry(target).or_default() += 1);
            self.words.insert(block.start, around.program[block.start as usize..block.end as usize].to_vec());
            self.volatile.extend((block.start..block.end).filter_map(|pc| Some((pc, around.volatile(pc)?))));
            for pc in block.start..block.end {
                let met = (around.met)(pc);
                if !met.is_empty() {
                    self.met.insert(pc, met);
                }
            }
        }
        let stores: FxHashSet<u32> = self.constant_stores().collect();
        (self.watched_stores, self.plain_stores) =
            stores.into_iter().partition(|&offset| self.depends_on(offset, around));
        for block in self.blocks.values_mut() {
            block.edges_in = edges.get(&block.start).copied().unwrap_or(0);
        }
    }

    /// Constant offsets of segment 0 that blocks store to, as far as they know them by themselves.
    fn constant_stores(&self) -> impl Iterator<Item = u32> + '_ {
        self.blocks.values().flat_map(|block| {
            let mut known = known_at_entry(self.zero);
            self.words[&block.start].iter().filter_map(move |&word| {
                let instruction = Instruction::decode(word);
                let store = match instruction {
                    Instruction::Amend { a, b, .. } => match (known[a.index()], known[b.index()]) {
                        (Known::Const(0), Known::Const(offset)) => Some(offset),
                        _ => None,
                    },
                    _ => None,
                };
                follow(&mut known, instruction);
                store
            })
        })
    }

    /// Whether this region or another unit depends on the word at `offset`.
    fn depends_on(&self, offset: u32, around: &Surroundings) -> bool {
        if offset >= self.program_len || self.volatile.contains_key(&offset) {
            return false;
        }
        let own = self.blocks.range(..=offset).next_back().is_some_and(|(_, block)| offset < block.read_end());
        own || (around.watch)(offset) & WATCH_DERIVED != 0
    }

    /// The blocks of the region that a block can go to.
    pub fn successors<'a>(&'a self, block: &'a Block) -> impl Iterator<Item = u32> + 'a {
        block.targets().filter(|start| self.blocks.contains_key(start))
    }
}
