//! The loops of a region: which there are, and what each does.

use super::effects::Effect;
use crate::guest::block::End;
use crate::guest::inst::{Inst, RegSet, Volatile};
use crate::guest::met::Met;
use crate::region::Region;
use crate::tuning::PARAM_LOOP_WORDS_MAX;
use rum_interp::isa::{Instruction, Reg};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};

/// How registers come to a join, if not by their homes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    /// All that come as parameters.
    pub regs: RegSet,
    /// Of these, registers that may be a quotient which only an exit wants: they come as dividend and
    /// divisor.
    pub quotients: RegSet,
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
    /// Of these, registers that may hold names.
    pub named: RegSet,
    /// Nothing in it may change the length of a segment.
    pub steady: bool,
    /// Something in it looks at the length bytes.
    pub uses_lens: bool,
}

/// Edges to a block that is being visited, in a depth-first walk: from the entries and the other joins first, because what
/// is translated is translated from there. So all of these edges lead to joins.
pub(super) fn back_edges(region: &Region) -> Vec<(u32, u32)> {
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
pub(super) fn small_loops(region: &Region, back_edges: &[(u32, u32)], effects: &BTreeMap<u32, Effect>) -> Vec<Loop> {
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
pub(super) fn nested(loops: Vec<Loop>) -> Vec<Loop> {
    let innermost = |start: u32| loops.iter().rev().find(|found| found.body.contains(&start)).map(|found| found.header);
    let own: FxHashSet<u32> =
        loops.iter().map(|found| found.header).filter(|&header| innermost(header) == Some(header)).collect();
    loops.into_iter().filter(|found| own.contains(&found.header)).collect()
}

/// Whether a loop can only be entered at its header, and everything that it changes is known: an instruction that is read
/// at run time may change any register.
pub(super) fn is_closed(region: &Region, found: &Loop) -> bool {
    // Code that only its own edge back leads to is never reached, and not translated.
    let header = &region.blocks[&found.header];
    let is_reached = header.entry || header.edges_in != 1;
    is_reached
        && found.body.iter().all(|&start| {
            let only_from_inside = start == found.header || !region.blocks[&start].entry;
            let mut insts = region.blocks[&start].insts.iter();
            only_from_inside && insts.all(|&inst| inst != Inst::Volatile(Volatile::Anything))
        })
}

/// Puts together what the blocks of a loop do.
fn describe(region: &Region, header: u32, body: BTreeSet<u32>, effects: &BTreeMap<u32, Effect>) -> Loop {
    let changed = body.iter().fold(0, |set, start| set | effects[start].written);
    let (mut used, mut segments, mut named, mut steady, mut uses_lens) = (0, 0, 0, true, false);
    for &start in &body {
        for &inst in &region.blocks[&start].insts {
            if inst.is_by_host() {
                steady = false;
                continue;
            }
            let Some(instruction) = inst.fixed() else { continue };
            used |= inst.reads();
            let mut accesses = |reg: Reg| {
                uses_lens |= region.zero >> reg.index() & 1 == 0;
                if !inst.met().contains(Met::PROGRAM) {
                    segments |= 1 << reg.index();
                }
                if inst.met().contains(Met::NAMED) {
                    named |= 1 << reg.index();
                }
            };
            match instruction {
                Instruction::Index { b, .. } => accesses(b),
                Instruction::Amend { a, .. } => accesses(a),
                Instruction::Alloc { .. } => uses_lens = true,
                Instruction::Abandon { .. } => (steady, uses_lens) = (false, true),
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
        named: named & segments & invariant,
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
        words += block.insts.len();
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
    use crate::guest::block::Block;

    /// A region of blocks that are two literals and a branch: where they start, and where they go.
    fn branches(root: u32, blocks: &[(u32, [u32; 2])]) -> Region {
        let mut region = Region::new(root, 0, 100);
        let literal = Inst::Fixed(Instruction::Literal { a: Reg::ALL[1], value: 0 }, Met::default());
        for &(start, [if_nonzero, if_zero]) in blocks {
            let how = End::Jump { if_nonzero, if_zero };
            let edges_in = blocks.iter().filter(|(_, targets)| targets.contains(&start)).count() as u32;
            let (insts, entry) = (vec![literal; 2], start == root);
            region.blocks.insert(start, Block { start, insts, how, entry, edges_in, computed: Vec::new() });
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
        let effects = region.blocks.iter().map(|(&start, block)| (start, Effect::of(&region, block, true))).collect();
        let loops = small_loops(&region, &back_edges(&region), &effects);
        assert_eq!(loops.len(), 1);
        assert_eq!(loops[0].body, BTreeSet::from([0, 10, 20, 30]));
    }
}
