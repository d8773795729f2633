//! The blocks of a program: made, counted, dropped.

use super::made::Made;
use super::arena::{ALIGN, Arena};
use super::buffer::Buffer;
use super::Host;
use super::target::{Routines, Target, Trampoline};
use super::table::Table;
use super::translate::{self, Circumstances, PC_MAX, translate};
use crate::explain::{BlockListing, CodePart, Explanation};
use crate::cache::{KeptBlock, KeptBlocks, KeptLink, Words};
use crate::abi::Slot;
use crate::place::{CodePlace, Tier};
use crate::settings::Settings;
use crate::tuning::{BASELINE_CODE_BYTES, BASELINE_FAILURES_MAX, BLOCK_WORDS_MAX, HEAD_BLOCKS_MAX, HEAD_SHARE, TINY_BLOCKS_MAX, TINY_WORDS};
use rum_interp::Word;
use rum_interp::engine::{Backing, State};
use rum_interp::isa::Instruction;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::time::Instant;

/// The longest time that a block does not become hot, as a count.
const HELD: i32 = i32::MIN / 2;

/// What is known of a block.
#[derive(Clone, Copy, Debug)]
struct Block {
    words: u32,
    /// The first of its words among those that are kept.
    first: usize,
    /// Offset of its code.
    code: u32,
    /// What its count started from.
    from: i32,
    /// How often it was executed by the interpreter.
    before: i32,
}

/// A jump of a block to a known word.
#[derive(Clone, Copy, Debug)]
struct Source {
    /// Where the block begins.
    block: u32,
    /// Offset of the jump's distance in the code.
    at: u32,
}

/// Whether the block at `pc` ends after a few instructions.
fn is_tiny(program: &[Word], pc: u32) -> bool {
    let ends = |&word: &Word| matches!(Instruction::decode(word), Instruction::LoadProgram { .. });
    program[pc as usize..].iter().take(TINY_WORDS - 1).any(ends)
}

/// What a block was made of and became, to be told.
fn listing(pc: u32, made: &translate::Block, code: &[u8]) -> BlockListing {
    let ends = made.starts.iter().skip(1).map(|&(_, start)| start).chain([code.len() as u32]);
    let parts = made.starts.iter().zip(ends).map(|(&(pc, start), end)| CodePart { pc, start, end });
    BlockListing { pc, words: made.words, bytes: code.to_vec(), parts: parts.collect() }
}

/// Where the code of the block at `pc` begins.
fn place(base: usize, pc: u32, code: u32) -> CodePlace {
    CodePlace { address: base + code as usize, bytes: 0, pc, tier: Tier::Baseline }
}

/// The way from a unit into the block whose pc is the selector, as code that may stand anywhere.
pub(crate) fn way_from_units() -> Vec<u8> {
    Host::way_from_units()
}

/// The blocks, and all that they need.
pub(crate) struct Baseline {
    arena: Arena,
    buffer: Buffer,
    routines: Routines,
    table: Table,
    /// By their first words.
    blocks: BTreeMap<u32, Block>,
    /// The jumps of blocks that are known to go to a word, by that. Each leads where the table says.
    sources: FxHashMap<u32, Vec<Source>>,
    /// Failed checks, by the words of their instructions.
    failures: FxHashMap<u32, u32>,
    /// Words whose instructions failed so often that the host executes them.
    by_host: FxHashSet<u32>,
    /// The blocks that were made, dropped ones included, if that is to be told.
    listings: FxHashMap<u32, BlockListing>,
    /// How many blocks were made of a few instructions.
    tiny_blocks: usize,
    /// The words that blocks were made from, if they are to be kept for later runs.
    words: Words<'static>,
    settings: Settings,
}

/// Memory for code: so many bytes, or as many as there are addresses for.
fn arena(bytes_max: usize) -> Option<Arena> {
    let sizes = std::iter::successors(Some(bytes_max), |bytes| Some(bytes / 2));
    sizes.take_while(|&bytes| bytes >= BASELINE_CODE_BYTES.0).find_map(Arena::new)
}

impl Baseline {
    /// The tier for a machine; none where it cannot be.
    pub fn new(state: &mut State, settings: &Settings, backing: Backing) -> Option<Baseline> {
        let memory = state.memory();
        // SAFETY: zero bytes are a way: to offset 0.
        let table = unsafe { Table::new(memory.program_words_max(), backing) }.ok()?;
        let mut baseline = Baseline {
            arena: arena(settings.blocks_bytes_max)?,
            buffer: Buffer::new(),
            routines: Routines::default(),
            table,
            blocks: BTreeMap::new(),
            sources: FxHashMap::default(),
            failures: FxHashMap::default(),
            by_host: FxHashSet::default(),
            listings: FxHashMap::default(),
            tiny_blocks: 0,
            words: Words::default(),
            settings: settings.clone(),
        };
        baseline.restart(state, settings).then_some(baseline)
    }

    /// Starts with no blocks. False if there is no room for the routines.
    fn restart(&mut self, state: &mut State, settings: &Settings) -> bool {
        self.arena.truncate(0);
        self.settings = settings.clone();
        let base = self.arena.base() as usize;
        let (routines, code) = Host::routines(base, &settings.lookup, settings.count);
        self.routines = routines;
        let slots = state.slots_mut();
        slots[Slot::BaselineTable as usize] = self.table.address() as u64;
        slots[Slot::BaselineCode as usize] = base as u64;
        self.arena.add(&code, &[])
    }

    /// Makes the table usable for a program of `words` words.
    ///
    /// # Errors
    /// The system has no memory for it.
    pub fn make_room(&mut self, words: usize) -> std::io::Result<()> {
        self.table.make_room(words)
    }

    /// Whether the way on at `pc` is a block that begins there.
    #[inline]
    pub fn has(&self, pc: u32) -> bool {
        self.table.get(pc).is_some_and(|way| way.code != 0 && way.code != self.routines.to_unit)
    }

    /// Whether a block was made from the word at `offset`.
    pub fn depends_on(&self, offset: u32) -> bool {
        self.over(offset).next().is_some()
    }

    /// Where blocks begin.
    pub fn starts(&self) -> Vec<u32> {
        self.blocks.keys().copied().collect()
    }

    /// The blocks that were made from the word at `offset`.
    fn over(&self, offset: u32) -> impl Iterator<Item = u32> + '_ {
        let first = offset.saturating_sub(BLOCK_WORDS_MAX);
        self.blocks.range(first..=offset).filter(move |(start, block)| offset < **start + block.words).map(|(&pc, _)| pc)
    }

    /// How often the block at `pc` was jumped to, the interpreter's times included; very few if that does not count.
    pub fn warmth(&self, pc: u32) -> Option<i32> {
        let block = self.blocks.get(&pc)?;
        let way = self.table.get(pc)?;
        Some((way.count - block.from).saturating_add(block.before))
    }

    /// Where what leads to the hot block at `pc` begins: back from block to block, as long as one before it leads to it and is warm
    /// enough. Not back over jumps from behind: what those lead to is a loop's head, or a procedure.
    pub fn head(&self, pc: u32) -> u32 {
        let warmth = |pc: u32| self.warmth(pc).filter(|_| self.has(pc));
        let mut at = pc;
        for _ in 0..HEAD_BLOCKS_MAX {
            let sources = self.sources.get(&at).into_iter().flatten().map(|source| source.block).filter(|&source| source < at);
            let Some((most, source)) = sources.filter_map(|source| Some((warmth(source)?, source))).max() else { break };
            if warmth(at).is_none_or(|warmth| most <= warmth / HEAD_SHARE) {
                break;
            }
            at = source;
        }
        at
    }

    /// Translates the block at `pc`, which was jumped to `before` times and becomes hot when it was executed `until_hot` times. None if its first
    /// instruction is not for the tier. The caller has given up what depends on nothing being derived from its words.
    pub fn make(&mut self, state: &mut State, pc: u32, before: i32, until_hot: i32) -> Option<Made> {
        // Where the system had no memory for the table, there are no blocks.
        self.table.get(pc).filter(|_| state.memory().program_len() <= PC_MAX)?;
        let is_tiny = is_tiny(state.memory().program(), pc);
        if is_tiny && self.tiny_blocks >= TINY_BLOCKS_MAX {
            return None;
        }
        if !self.table.take_room(pc, |bytes| state.charge_tables(bytes)) {
            return None;
        }
        if self.settings.tally {
            let end = pc.saturating_add(BLOCK_WORDS_MAX).min(state.memory().program_len());
            state.look_at(pc..end);
        }
        let start = Instant::now();
        let (offset, cold_offset) = self.arena.next();
        let around = Circumstances {
            state,
            routines: &self.routines,
            table: &self.table,
            base: self.arena.base() as usize,
            cold: self.arena.base() as usize + cold_offset,
            by_host: &self.by_host,
            settings: &self.settings,
        };
        self.buffer.start(self.arena.base() as usize + offset);
        let made = translate::<Host>(&around, pc, &mut self.buffer)?;
        let (code, cold) = self.buffer.finish();
        let code_bytes = code.len() + cold.len();
        if self.settings.listings {
            self.listings.insert(pc, listing(pc, &made, code));
        }
        if !self.arena.add(code, cold) {
            return None;
        }
        for word in pc..pc + made.words {
            state.watch_mut().mark_derived(word);
        }
        self.tiny_blocks += usize::from(is_tiny);
        let code = u32::try_from(offset).expect("the arena is smaller");
        for link in &made.links {
            self.sources.entry(link.to).or_default().push(Source { block: pc, at: code + link.at });
        }
        let first = self.words.len();
        if self.settings.keep {
            self.words.extend(&state.memory().program()[pc as usize..(pc + made.words) as usize]);
        }
        self.blocks.insert(pc, Block { words: made.words, first, code, from: 0, before });
        self.heat(pc, until_hot);
        self.lead(pc, code);
        let ns = start.elapsed().as_nanos() as u64;
        let targets = made.links.iter().map(|link| link.to).collect();
        Some(Made { words: made.words, code_bytes, ns, targets })
    }

    /// From now on what goes to `pc` goes to the code at an offset.
    fn lead(&mut self, pc: u32, code: u32) {
        self.table.get_mut(pc).code = code;
        for source in self.sources.get(&pc).into_iter().flatten() {
            self.arena.link(source.at, code);
        }
    }

    /// The block at `pc` becomes hot when it was executed so often from now on.
    pub fn heat(&mut self, pc: u32, until_hot: i32) {
        if let Some(block) = self.blocks.get_mut(&pc) {
            block.from = -until_hot.clamp(1, -HELD);
            self.table.get_mut(pc).count = block.from;
        }
    }

    /// The block at `pc` does not become hot: code for it is on its way.
    pub fn hold(&mut self, pc: u32) {
        if let Some(block) = self.blocks.get_mut(&pc) {
            block.from = 0;
            self.table.get_mut(pc).count = HELD;
        }
    }

    /// Whether the block at `pc` has become hot.
    pub fn is_hot(&self, pc: u32) -> bool {
        self.table.get(pc).is_some_and(|way| way.count >= 0)
    }

    /// Whether the block at `pc` does not become hot.
    pub fn is_held(&self, pc: u32) -> bool {
        self.table.get(pc).is_some_and(|way| way.count < HELD / 2)
    }

    /// A unit is entered at `pc` now.
    pub fn unit_came(&mut self, pc: u32) {
        self.lead(pc, self.routines.to_unit);
    }

    /// No unit is entered at `pc` any more. Whether there is a block.
    pub fn unit_went(&mut self, pc: u32) -> bool {
        let code = self.blocks.get(&pc).map(|block| block.code);
        self.lead(pc, code.unwrap_or(0));
        code.is_some()
    }

    /// Drops the blocks that were made from the word at `offset`. Gives where they began.
    pub fn drop_over(&mut self, offset: u32) -> Vec<u32> {
        let dead: Vec<u32> = self.over(offset).collect();
        dead.iter().for_each(|&pc| self.drop_block(pc));
        dead
    }

    fn drop_block(&mut self, pc: u32) {
        if let Some(block) = self.blocks.remove(&pc)
            && self.table.get(pc).is_some_and(|way| way.code == block.code)
        {
            self.lead(pc, 0);
        }
    }

    /// The check of the instruction at `pc` has failed in a block. The blocks to be made anew, if it is better executed by the host.
    pub fn check_failed(&mut self, pc: u32) -> Vec<u32> {
        if self.settings.forced_exits {
            return Vec::new();
        }
        let failures = self.failures.entry(pc).or_default();
        *failures += 1;
        if *failures < BASELINE_FAILURES_MAX || !self.by_host.insert(pc) {
            return Vec::new();
        }
        self.drop_over(pc)
    }

    /// The blocks there are, and the words whose instructions they have the host execute, to be told.
    pub fn explain(&self, told: &mut Explanation) {
        told.blocks.extend(self.blocks.keys().filter_map(|pc| self.listings.get(pc).cloned()));
        told.by_host.extend(self.by_host.iter().copied());
    }

    /// Whether it is time to start anew: little room for code is left.
    pub fn is_full(&self) -> bool {
        self.arena.is_full()
    }

    /// Drops everything that was made, for another program or for other settings. Gives where blocks began.
    pub fn clear(&mut self, state: &mut State, settings: &Settings) -> Vec<u32> {
        let dead: Vec<u32> = self.blocks.keys().copied().collect();
        // None of their jumps is executed any more.
        self.sources.clear();
        dead.iter().for_each(|&pc| self.drop_block(pc));
        self.failures.clear();
        self.by_host.clear();
        self.words = Words::default();
        self.tiny_blocks = 0;
        if settings.count == self.settings.count {
            self.arena.truncate(self.routines.end);
        } else {
            let fits = self.restart(state, settings);
            debug_assert!(fits, "there was room before");
        }
        dead
    }

    /// Where the code of the first block stands: behind the routines.
    fn blocks_from(&self) -> usize {
        self.routines.end.next_multiple_of(ALIGN)
    }

    /// Where the code of blocks stands, without what is hardly ever executed; with what was dropped behind one.
    pub fn places(&self) -> Vec<CodePlace> {
        let base = self.arena.base() as usize;
        let mut places: Vec<CodePlace> = self.blocks.iter().map(|(&pc, block)| place(base, pc, block.code)).collect();
        places.sort_by_key(|place| place.address);
        let mut end = base + self.arena.next().0;
        for place in places.iter_mut().rev() {
            place.bytes = end - place.address;
            end = place.address;
        }
        places
    }

    /// Where the code of the block at `pc` stands, which was made last.
    pub fn newest(&self, pc: u32) -> Option<CodePlace> {
        let base = self.arena.base() as usize;
        let place = place(base, pc, self.blocks.get(&pc)?.code);
        Some(CodePlace { bytes: base + self.arena.next().0 - place.address, ..place })
    }

    /// What later runs need to have the blocks again.
    pub fn keep(&self) -> KeptBlocks<'_> {
        let from = self.blocks_from();
        let (code, cold) = self.arena.code(from);
        let mut kept = KeptBlocks { from: from as u32, code: code.into(), cold: cold.into(), ..KeptBlocks::default() };
        for (&pc, block) in &self.blocks {
            kept.words.take_from(&self.words, block.first, block.words as usize);
            kept.blocks.push(KeptBlock { pc, words: block.words, code: block.code });
        }
        let links = self.sources.iter().flat_map(|(&to, sources)| sources.iter().map(move |source| (to, source)));
        kept.links.extend(links.map(|(to, &Source { block, at })| KeptLink { to, block, at }));
        kept
    }

    /// Has the blocks of an earlier run, if there are none yet: those whose words are the program's. Gives where they begin.
    pub fn restore(&mut self, state: &mut State, kept: &KeptBlocks, until_hot: i32) -> Vec<u32> {
        let from = self.blocks_from();
        let is_new = self.blocks.is_empty() && self.arena.next() == (from, self.arena.cold_from());
        let program_len = state.memory().program_len();
        if !is_new || kept.from as usize != from || program_len > PC_MAX || !self.arena.add(&kept.code, &kept.cold) {
            return Vec::new();
        }
        let end = from + kept.code.len();
        let mut first = 0;
        let mut restored = Vec::new();
        for &KeptBlock { pc, words, code } in &kept.blocks {
            let there = kept.words.are_at(first, state.memory().program(), (pc, pc.saturating_add(words)));
            first += words as usize;
            if there
                && (from..end).contains(&(code as usize))
                && words <= BLOCK_WORDS_MAX
                && self.table.take_room(pc, |bytes| state.charge_tables(bytes))
            {
                self.blocks.insert(pc, Block { words, first: self.words.len(), code, from: 0, before: self.settings.baseline_threshold });
                self.words.extend(&state.memory().program()[pc as usize..(pc + words) as usize]);
                restored.push((pc, words, code));
            }
        }
        for &KeptLink { to, block, at } in &kept.links {
            if self.blocks.contains_key(&block) && self.table.get(to).is_some() && (from..end).contains(&(at as usize)) {
                self.sources.entry(to).or_default().push(Source { block, at });
            }
        }
        for &(pc, words, code) in &restored {
            (pc..pc + words).for_each(|word| state.watch_mut().mark_derived(word));
            self.heat(pc, until_hot);
            self.table.get_mut(pc).code = code;
        }
        for (&to, sources) in &self.sources {
            let code = self.table.get(to).map_or(0, |way| way.code);
            sources.iter().for_each(|source| self.arena.link(source.at, code));
        }
        restored.into_iter().map(|(pc, ..)| pc).collect()
    }

    /// Runs blocks from the one at `pc` on, and what they lead to. Gives the number with which compiled code was left.
    ///
    /// # Safety
    /// `base` is the address of granule 0 of the machine that the tier was made for and that the slots lend, which nothing
    /// else uses meanwhile; there is a block at `pc`, and everything that blocks and units depend on is as it was.
    pub unsafe fn enter(&self, base: *mut u8, pc: u32) -> u64 {
        // SAFETY: the routine has this signature and convention.
        let trampoline = unsafe { std::mem::transmute::<usize, Trampoline>(self.routines.trampoline) };
        // SAFETY: the caller's promise.
        unsafe { trampoline(base, pc) }
    }
}
