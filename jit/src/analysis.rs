//! Facts about a region that the translator needs before it starts: which registers matter where, and the loops.
//!
//! A register *matters* at the start of a block if some path reads it, or leaves compiled code, before it is written
//! again: leaving hands all eight registers to the interpreter, so at a point where code may leave, every register
//! matters. Where a register does not matter, its home in the state may be stale.

use crate::guest::met::Met;
use crate::options::Optimisation;
use crate::region::{End, Known, Region, Volatile, follow, known_at_entry, written};
use crate::translate::Settings;
use rum_interp::isa::{Instruction, Reg};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};

/// A set of registers as a bit mask.
pub(crate) type RegSet = u8;

/// How registers come to a join, if not by their homes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    /// All that come as parameters.
    pub regs: RegSet,
    /// Of these, registers that may be a quotient, and nobody but an exit wants to know it: they come as dividend and
    /// divisor.
    pub quotients: RegSet,
}

/// What is known about a region.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Registers that matter at a block's start.
    pub matters: FxHashMap<u32, RegSet>,
    /// Registers that go into a join as block parameters. Joins that are not in here take everything from the homes. Of a
    /// loop's header, what comes from outside the loop.
    pub params: FxHashMap<u32, Params>,
    /// Edges from a block back to one that leads to it, as both their starts: they poll.
    pub polls: FxHashSet<(u32, u32)>,
    /// The small loops that can only be entered at their header, outer ones first.
    pub loops: Vec<Loop>,
    /// The innermost of these that a block belongs to.
    innermost: FxHashMap<u32, usize>,
}

/// A natural loop. Several may have the same header, one inside the other.
#[derive(Debug)]
pub(crate) struct Loop {
    pub header: u32,
    pub body: BTreeSet<u32>,
    /// What goes from round to round as block parameters.
    pub params: Params,
    /// Registers that some instruction in it changes.
    pub changed: RegSet,
    /// Registers that are read in it and not changed.
    pub invariant: RegSet,
    /// Of these, registers that name segments other than 0.
    pub segments: RegSet,
    /// Nothing in it may change the length of a segment.
    pub steady: bool,
    /// Something in it looks at the length bytes.
    pub uses_lens: bool,
}

impl Facts {
    /// The loops whose header is `start`, outer ones first, as indices into `loops`.
    pub fn loops_of_header(&self, start: u32) -> impl Iterator<Item = usize> {
        (0..self.loops.len()).filter(move |&index| self.loops[index].header == start)
    }

    /// The innermost loop around `start`, not counting those whose header it is.
    pub fn loop_around(&self, start: u32) -> Option<usize> {
        let innermost = *self.innermost.get(&start)?;
        (0..=innermost)
            .rev()
            .find(|&index| self.loops[index].header != start && self.loops[index].body.contains(&start))
    }

    /// The innermost loop that an edge goes round.
    pub fn loop_of_edge(&self, from: u32, target: u32) -> Option<usize> {
        self.loops.iter().rposition(|found| found.header == target && found.body.contains(&from))
    }
}

/// The longest loop whose registers are kept in host registers from round to round, in words. In longer ones there are
/// more values than host registers, and each parameter costs compile time at every join.
const PARAM_LOOP_WORDS_MAX: u32 = 200;

/// Most edges to a join that takes more registers as parameters than it needs to go on.
const EDGES_MAX: u32 = 4;

/// What one block does to registers.
struct Effect {
    /// Read before written.
    reads: RegSet,
    /// Read, or handed over by an exit, before written.
    matters: RegSet,
    written: RegSet,
    /// Last written by a division by something unknown, and at most tested since.
    divided: RegSet,
    /// The register that its branch tests, as far as the block knows.
    tested: RegSet,
}

/// Analyses a region.
pub(crate) fn analyse(region: &Region, settings: &Settings) -> Facts {
    let back_edges = back_edges(region);
    let polls: FxHashSet<u32> = back_edges.iter().map(|&(from, _)| from).collect();
    let effects: BTreeMap<u32, Effect> =
        region.blocks.keys().map(|&start| (start, effect(region, start, polls.contains(&start)))).collect();
    let polls = back_edges.iter().copied().collect();
    let mut matters = backwards(region, &effects, |effect| effect.matters);
    let reads = backwards(region, &effects, |effect| effect.reads);
    if settings.count {
        // Every block may leave at its start, when the limit is near.
        matters.values_mut().for_each(|set| *set = RegSet::MAX);
    }
    let mut facts =
        Facts { matters, polls, params: FxHashMap::default(), loops: Vec::new(), innermost: FxHashMap::default() };
    if settings.optimisations.has(Optimisation::Loops) {
        let mut loops = small_loops(region, &back_edges, &effects);
        let quotients = quotients(region, &loops, &effects, settings);
        for found in &mut loops {
            let params = |start: &u32| {
                // What only an exit wants is stored for it where so many edges come together that moving it costs more.
                let few = region.blocks[start].edges_in <= EDGES_MAX;
                let (matters, reads) = (facts.matters[start], reads[start]);
                let quotients = found.changed & matters & !reads & quotients.get(start).copied().unwrap_or(0);
                let wanted = if few { matters } else { reads | quotients };
                Params { regs: found.changed & wanted & !region.zero, quotients }
            };
            found.params = params(&found.header);
            // Inner loops come last: what they say counts, but not for what comes into them.
            let known = facts.params.contains_key(&found.header);
            for start in found.body.iter().filter(|&&start| !(known && start == found.header)) {
                if region.blocks[start].is_join() {
                    facts.params.insert(*start, params(start));
                }
            }
        }
        facts.loops = nested(loops.into_iter().filter(|found| is_closed(region, found)).collect());
        for (index, found) in facts.loops.iter().enumerate() {
            facts.innermost.extend(found.body.iter().map(|&start| (start, index)));
        }
    }
    facts
}

/// Registers that are a quotient when a block of a loop goes on to a block.
fn quotients(
    region: &Region,
    loops: &[Loop],
    effects: &BTreeMap<u32, Effect>,
    settings: &Settings,
) -> FxHashMap<u32, RegSet> {
    let mut quotients: FxHashMap<u32, RegSet> = FxHashMap::default();
    if !settings.optimisations.has(Optimisation::Idioms) {
        return quotients;
    }
    for start in loops.iter().flat_map(|found| &found.body) {
        let (block, effect) = (&region.blocks[start], &effects[start]);
        for next in region.successors(block) {
            // Where what was tested is 0, it is no quotient any more.
            let is_zero =
                matches!(block.how, End::Jump { if_nonzero, if_zero } if next == if_zero && next != if_nonzero);
            let known = if is_zero { effect.tested } else { 0 };
            *quotients.entry(next).or_default() |= effect.divided & !known;
        }
    }
    quotients
}

fn effect(region: &Region, start: u32, polls: bool) -> Effect {
    let mut effect = Effect { reads: 0, matters: 0, written: 0, divided: 0, tested: 0 };
    let mut known = known_at_entry(region.zero);
    let block = &region.blocks[&start];
    for pc in block.start..block.end {
        let volatile = region.volatile.get(&pc);
        if volatile.is_some() || region.met.contains_key(&pc) {
            effect.matters |= !effect.written;
        }
        match volatile {
            Some(Volatile::Literal(a)) => {
                effect.written |= 1 << a.index();
                effect.divided &= !(1 << a.index());
                effect.tested &= !(1 << a.index());
                known[a.index()] = Known::Nothing;
                continue;
            }
            Some(Volatile::Anything) => {
                effect.reads |= !effect.written;
                (effect.divided, effect.tested) = (0, 0);
                known = known_at_entry(region.zero);
                continue;
            }
            None if region.met.get(&pc).is_some_and(|met| met.contains(Met::HOST)) => {
                effect.reads |= !effect.written;
            }
            None => {}
        }
        let instruction = Instruction::decode(region.word(start, pc));
        effect.reads |= read(instruction) & !effect.written;
        effect.matters |= read(instruction) & !effect.written;
        if may_leave(region, instruction, &known) {
            effect.matters |= !effect.written;
        }
        effect.divided &= !match instruction {
            Instruction::CondMove { a, b, .. } => 1 << a.index() | 1 << b.index(),
            _ => read(instruction),
        };
        let writes = written(instruction).map_or(0, |reg| 1 << reg.index());
        effect.written |= writes;
        effect.divided &= !writes;
        effect.tested &= !writes;
        if let Instruction::Div { c, .. } = instruction
            && !matches!(known[c.index()], Known::Const(_))
        {
            effect.divided |= writes;
        }
        follow(&mut known, instruction);
        if let Instruction::CondMove { a, c, .. } = instruction
            && matches!(known[a.index()], Known::Choice(..))
            && a != c
        {
            effect.tested = 1 << c.index();
        }
    }
    let stays = match block.how {
        End::Computed | End::Leave => false,
        End::Jump { if_nonzero, if_zero } => {
            region.blocks.contains_key(&if_nonzero) && region.blocks.contains_key(&if_zero)
        }
        End::Fall => region.blocks.contains_key(&block.end),
    };
    if polls || !stays {
        effect.matters |= !effect.written;
    }
    if !stays {
        effect.reads |= !effect.written;
    }
    effect
}

/// Registers whose values an instruction uses.
fn read(instruction: Instruction) -> RegSet {
    let set = |regs: &[rum_interp::isa::Reg]| regs.iter().fold(0, |set, reg| set | 1 << reg.index());
    match instruction {
        Instruction::CondMove { a, b, c } | Instruction::Amend { a, b, c } => set(&[a, b, c]),
        Instruction::Index { b, c, .. }
        | Instruction::Add { b, c, .. }
        | Instruction::Mul { b, c, .. }
        | Instruction::Div { b, c, .. }
        | Instruction::Nand { b, c, .. }
        | Instruction::LoadProgram { b, c } => set(&[b, c]),
        Instruction::Alloc { c, .. } | Instruction::Abandon { c } | Instruction::Output { c } => set(&[c]),
        Instruction::Halt | Instruction::Input { .. } | Instruction::Literal { .. } | Instruction::Invalid { .. } => 0,
    }
}

/// Whether translated code for an instruction may leave, given what the block knows by itself. The translator may know
/// more, and then leaves less often; never more often.
fn may_leave(region: &Region, instruction: Instruction, known: &[Known; 8]) -> bool {
    let slot = |segment: rum_interp::isa::Reg, offset: rum_interp::isa::Reg| match (
        known[segment.index()],
        known[offset.index()],
    ) {
        (Known::Const(0), Known::Const(offset)) => {
            offset < region.program_len && !region.watched_stores.contains(&offset)
        }
        _ => false,
    };
    match instruction {
        Instruction::CondMove { .. }
        | Instruction::Add { .. }
        | Instruction::Mul { .. }
        | Instruction::Nand { .. }
        | Instruction::Literal { .. } => false,
        Instruction::Index { b, c, .. } => !slot(b, c),
        Instruction::Amend { a, b, .. } => !slot(a, b),
        Instruction::Div { c, .. } => !matches!(known[c.index()], Known::Const(n) if n != 0),
        Instruction::LoadProgram { b, .. } => known[b.index()] != Known::Const(0),
        _ => true,
    }
}

/// Solves a backward problem: what is needed at a block's start is what it needs itself, and what its successors need
/// and it does not write.
fn backwards(region: &Region, effects: &BTreeMap<u32, Effect>, own: fn(&Effect) -> RegSet) -> FxHashMap<u32, RegSet> {
    let mut needed: FxHashMap<u32, RegSet> = effects.iter().map(|(&start, effect)| (start, own(effect))).collect();
    loop {
        let mut changed = false;
        for (start, block) in region.blocks.iter().rev() {
            let after = region.successors(block).fold(0, |set, next| set | needed[&next]);
            let before = needed[start] | after & !effects[start].written;
            if before != needed[start] {
                needed.insert(*start, before);
                changed = true;
            }
        }
        if !changed {
            return needed;
        }
    }
}

/// Edges to a block that is being visited, in a depth-first walk: from the entries and the other joins first, because what
/// is translated is translated from there. So all of these edges lead to joins.
fn back_edges(region: &Region) -> Vec<(u32, u32)> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        Open,
        Done,
    }
    let mut marks: FxHashMap<u32, Mark> = FxHashMap::default();
    let mut edges = Vec::new();
    let entries = region.blocks.values().filter(|block| block.entry).map(|block| block.start);
    let joins = region.blocks.values().filter(|block| block.is_join()).map(|block| block.start);
    for root in std::iter::once(region.root).chain(entries).chain(joins) {
        if marks.contains_key(&root) {
            continue;
        }
        marks.insert(root, Mark::Open);
        let mut stack: Vec<(u32, Vec<u32>)> = vec![(root, region.successors(&region.blocks[&root]).collect())];
        while let Some((start, rest)) = stack.last_mut() {
            let start = *start;
            let Some(next) = rest.pop() else {
                marks.insert(start, Mark::Done);
                stack.pop();
                continue;
            };
            match marks.get(&next) {
                Some(Mark::Open) => edges.push((start, next)),
                Some(Mark::Done) => {}
                None => {
                    marks.insert(next, Mark::Open);
                    stack.push((next, region.successors(&region.blocks[&next]).collect()));
                }
            }
        }
    }
    edges
}

/// The natural loops of few words, outer ones first.
fn small_loops(region: &Region, back_edges: &[(u32, u32)], effects: &BTreeMap<u32, Effect>) -> Vec<Loop> {
    let mut before: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for block in region.blocks.values() {
        for next in region.successors(block) {
            before.entry(next).or_default().push(block.start);
        }
    }
    let returns = |body: &BTreeSet<u32>| body.iter().any(|start| region.blocks[start].how == End::Computed);
    let mut bodies: Vec<(u32, bool, BTreeSet<u32>)> = back_edges
        .iter()
        .filter_map(|&(from, header)| {
            let body = small_loop(region, &before, from, header)?;
            Some((header, returns(&body), body))
        })
        .collect();
    bodies.sort_by_key(|(header, returns, body)| (*header, *returns, body.len()));
    // Of edges to the same header, one that goes around all that the others do makes a loop around theirs, and so do those
    // that go through a computed jump, mostly a return: a region that was found from an inner loop enters the outer ones
    // there, too.
    let mut apart: Vec<(u32, bool, BTreeSet<u32>)> = Vec::new();
    for (header, returns, body) in bodies {
        match apart.last_mut() {
            Some((last, inner_returns, inner)) if *last == header => {
                if (returns && !*inner_returns) || inner.is_subset(&body) {
                    let outer = inner.union(&body).copied().collect();
                    apart.push((header, returns, outer));
                } else {
                    inner.extend(body);
                }
            }
            _ => apart.push((header, returns, body)),
        }
    }
    let mut loops: Vec<Loop> = Vec::new();
    for (header, _, body) in apart {
        let outer = describe(region, header, body, effects);
        // A loop that keeps nothing that the one around it changes is none of its own.
        let keeps = |inner: &Loop| inner.invariant & outer.changed != 0 || inner.steady != outer.steady;
        loops.pop_if(|inner| inner.header == header && !keeps(inner));
        loops.push(outer);
    }
    loops.sort_by_key(|found| std::cmp::Reverse(found.body.len()));
    loops
}

/// Leaves out loops whose header belongs to a smaller one: where control flow is that tangled, they overlap.
fn nested(loops: Vec<Loop>) -> Vec<Loop> {
    let innermost = |start: u32| loops.iter().rev().find(|found| found.body.contains(&start)).map(|found| found.header);
    let own: FxHashSet<u32> =
        loops.iter().map(|found| found.header).filter(|&header| innermost(header) == Some(header)).collect();
    loops.into_iter().filter(|found| own.contains(&found.header)).collect()
}

/// Whether a loop can only be entered at its header, and everything that it changes is known: an instruction that is read
/// at run time may change any register.
fn is_closed(region: &Region, found: &Loop) -> bool {
    // Code that only its own edge back leads to is never reached, and not translated.
    let header = &region.blocks[&found.header];
    let is_reached = header.entry || header.edges_in != 1;
    is_reached
        && found.body.iter().all(|&start| {
            let only_from_inside = start == found.header || !region.blocks[&start].entry;
            let words = start..region.blocks[&start].end;
            only_from_inside && words.into_iter().all(|pc| region.volatile.get(&pc) != Some(&Volatile::Anything))
        })
}

/// Puts together what the blocks of a loop do.
fn describe(region: &Region, header: u32, body: BTreeSet<u32>, effects: &BTreeMap<u32, Effect>) -> Loop {
    let changed = body.iter().fold(0, |set, start| set | effects[start].written);
    let (mut used, mut segments, mut steady, mut uses_lens) = (0, 0, true, false);
    for &start in &body {
        for pc in start..region.blocks[&start].end {
            let volatile = region.volatile.get(&pc);
            if matches!(volatile, Some(Volatile::Literal(_))) {
                continue;
            }
            if volatile.is_some() || region.met.get(&pc).is_some_and(|met| met.contains(Met::HOST)) {
                steady = false;
                continue;
            }
            let instruction = Instruction::decode(region.word(start, pc));
            used |= read(instruction);
            let program = region.met.get(&pc).is_some_and(|met| met.contains(Met::PROGRAM));
            let mut accesses = |reg: Reg| {
                uses_lens |= region.zero >> reg.index() & 1 == 0;
                if !program {
                    segments |= 1 << reg.index();
                }
            };
            match instruction {
                Instruction::Index { b, .. } => accesses(b),
                Instruction::Amend { a, .. } => accesses(a),
                Instruction::Alloc { .. } => uses_lens = true,
                Instruction::Abandon { .. } => (steady, uses_lens) = (false, true),
                Instruction::Input { .. } => steady = false,
                _ => {}
            }
        }
    }
    let invariant = used & !changed & !region.zero;
    Loop {
        header,
        body,
        params: Params::default(),
        changed,
        invariant,
        segments: segments & invariant,
        steady,
        uses_lens,
    }
}

/// The blocks of the natural loop of a back edge, if they are few words.
fn small_loop(region: &Region, before: &FxHashMap<u32, Vec<u32>>, from: u32, header: u32) -> Option<BTreeSet<u32>> {
    let mut body = BTreeSet::from([header]);
    let mut waiting = vec![from];
    let mut words = 0;
    while let Some(start) = waiting.pop() {
        if !body.insert(start) && start != header {
            continue;
        }
        let block = &region.blocks[&start];
        words += block.end - block.start;
        if words > PARAM_LOOP_WORDS_MAX {
            return None;
        }
        if start != header {
            waiting.extend(before.get(&start).into_iter().flatten().filter(|start| !body.contains(start)));
        }
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Block;

    /// A region of blocks that are two literals and a branch: where they start, and where they go.
    fn branches(root: u32, blocks: &[(u32, [u32; 2])]) -> Region {
        let mut region = Region {
            root,
            blocks: BTreeMap::new(),
            words: BTreeMap::new(),
            zero: 0,
            volatile: FxHashMap::default(),
            program_len: 100,
            watched_stores: FxHashSet::default(),
            plain_stores: FxHashSet::default(),
            met: FxHashMap::default(),
        };
        let literal = Instruction::Literal { a: Reg::ALL[1], value: 0 }.encode();
        for &(start, [if_nonzero, if_zero]) in blocks {
            let how = End::Jump { if_nonzero, if_zero };
            let edges_in = blocks.iter().filter(|(_, targets)| targets.contains(&start)).count() as u32;
            let block = Block { start, end: start + 2, how, entry: start == root, edges_in, computed: Vec::new() };
            region.blocks.insert(start, block);
            region.words.insert(start, vec![literal; 2]);
        }
        region
    }

    /// The translator polls on edges to joins. A loop that nothing in the region leads to is translated from its join.
    #[test]
    fn edges_back_lead_to_joins() {
        let region = branches(0, &[(0, [50, 50]), (10, [20, 20]), (20, [10, 10]), (30, [20, 20])]);
        assert!(!region.blocks[&10].is_join() && region.blocks[&20].is_join());
        assert_eq!(back_edges(&region), [(10, 20)]);
    }

    /// However many ways lead back to a header: where the inner loops have nothing to keep, there is one loop, one preheader.
    #[test]
    fn loops_that_keep_nothing_are_one() {
        let region = branches(0, &[(0, [10, 0]), (10, [20, 0]), (20, [30, 0]), (30, [50, 0])]);
        let effects = region.blocks.keys().map(|&start| (start, effect(&region, start, true))).collect();
        let loops = small_loops(&region, &back_edges(&region), &effects);
        assert_eq!(loops.len(), 1);
        assert_eq!(loops[0].body, BTreeSet::from([0, 10, 20, 30]));
    }
}
